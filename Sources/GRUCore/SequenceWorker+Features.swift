import Kernels

/// What layers hand on: the states of their one direction, or those of both side by side.
extension SequenceWorker {
  /// What a layer hands on, [T, B, D H], rows `layout.featureStride` apart.
  @inline(__always) func features(ofLayer layer: Int) -> UnsafeMutablePointer<Float> {
    shape.isBidirectional
      ? buffer(layout.features[layer])
      : directions[layer].states + sequences.count * layout.hiddenStride
  }

  /// Puts the states of both directions of a layer side by side.
  func joinFeatures(layer: Int) {
    let hidden = shape.hiddenSize
    timer.enter(.gates, bytes: 8 * inputCount * shape.featureSize)
    let directions = shape.directions(ofLayer: layer)
    var forward =
      self.directions[directions.lowerBound].states + sequences.count * layout.hiddenStride
    var reversed = self.directions[directions.lowerBound + 1].states
    var joined = features(ofLayer: layer)
    for _ in 0..<inputCount {
      joined.update(from: forward, count: hidden)
      (joined + hidden).update(from: reversed, count: hidden)
      forward += layout.hiddenStride
      reversed += layout.hiddenStride
      joined += layout.featureStride
    }
  }

  /// Gives each direction its part of the gradient of what a layer handed on.
  func splitGradient(_ gradient: UnsafePointer<Float>) {
    let hidden = shape.hiddenSize
    timer.enter(.gates, bytes: 8 * inputCount * shape.featureSize)
    for (direction, place) in layout.directionUppers.enumerated() {
      var source = gradient + direction * hidden
      var part = buffer(place)
      for _ in 0..<inputCount {
        part.update(from: source, count: hidden)
        source += layout.featureStride
        part += layout.hiddenStride
      }
    }
  }
}
