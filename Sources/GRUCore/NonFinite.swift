import Cells
import Kernels

/// Where a value that is NaN or infinite was found.
package struct NonFiniteSite: Sendable, Equatable {
  /// What holds it: "states", or "cell states" and the like for a further state vector; "logits
  /// gradient", "gate gradients".
  package var tensor: String
  /// The layer, or −1 for the output layer.
  package var layer: Int
  package var timeStep: Int
  /// The sequence within the global batch.
  package var sequence: Int
  package var column: Int
  package var value: Float
}

extension SequenceWorker {
  /// The first non-finite value of the last `computeGradients`, in the order in which it would have
  /// been computed: states bottom layer first, gradients of logits, gate gradients top layer first.
  /// Parameters and weights are those of that batch, packed for forward passes.
  package func firstNonFinite(
    parameters: UnsafePointer<Float>, weights: PackedWeights
  ) -> NonFiniteSite? {
    let gradient = firstNonFiniteGradient()
    // Where their place was taken, they have to be computed once more.
    if layout.reusesActivations { recomputeStates(parameters: parameters, weights: weights) }
    for direction in 0..<shape.layerDirectionCount {
      if let found = firstNonFiniteState(direction: direction) { return found }
    }
    return gradient
  }

  private func firstNonFiniteGradient() -> NonFiniteSite? {
    // Of a sampled softmax those of the targets, by position.
    let logits =
      layout.sampled.map {
        scan("logits gradient", -1, buffer($0.errors), 1, 1, latestFirst: false)
      }
      ?? scan(
        "logits gradient", -1, buffer(layout.logits), layout.vocabularyStride, shape.headSize,
        steps: outputSteps, latestFirst: false)
    if let logits { return logits }
    for direction in stride(from: shape.layerDirectionCount - 1, through: 0, by: -1) {
      let found = scan(
        "gate gradients", shape.layer(ofDirection: direction), directions[direction].gates,
        layout.gatesStride,
        gateCount * layout.hidden, latestFirst: !shape.isReversed(direction))
      if let found { return found }
    }
    return nil
  }

  /// The first among all state vectors of a direction.
  private func firstNonFiniteState(direction: Int) -> NonFiniteSite? {
    let isReversed = shape.isReversed(direction)
    var first: NonFiniteSite?
    for (index, vector) in shape.cell.stateVectors.enumerated() {
      let states = directions[direction].states + index * layout.stateVectorStride
      let found = scan(
        index == 0 ? "states" : "\(vector.name) states", shape.layer(ofDirection: direction),
        states + (isReversed ? 0 : sequences.count * layout.hiddenStride), layout.hiddenStride,
        layout.hidden, latestFirst: isReversed)
      guard let found else { continue }
      let isEarlier =
        first.map { isReversed ? found.timeStep > $0.timeStep : found.timeStep < $0.timeStep }
        ?? true
      if isEarlier { first = found }
    }
    return first
  }

  private func scan(
    _ tensor: String, _ layer: Int, _ values: UnsafePointer<Float>, _ stride: Int, _ columns: Int,
    steps: Int? = nil, latestFirst: Bool
  ) -> NonFiniteSite? {
    let batch = sequences.count
    let steps = steps ?? window
    for index in 0..<steps {
      let t = latestFirst ? steps - 1 - index : index
      for b in 0..<batch {
        let row = values + (t * batch + b) * stride
        for j in 0..<columns where !row[j].isFinite {
          return NonFiniteSite(
            tensor: tensor, layer: layer, timeStep: t, sequence: sequences.lowerBound + b,
            column: j, value: row[j])
        }
      }
    }
    return nil
  }
}
