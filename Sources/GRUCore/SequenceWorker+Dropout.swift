import Kernels

/// Dropout of the inputs of layers and of the output layer. What was dropped is not stored: the
/// backward pass counts the same random numbers again.
extension SequenceWorker {
  /// Whether elements are dropped in the pass under way.
  var dropsElements: Bool { isTraining && shape.regularization.dropout > 0 }

  /// Drops elements of the input of `layer` (the number of layers stands for the output layer), for
  /// some time steps; a gradient of that input passes through the same function.
  ///
  /// Shapes: source and destination [count, B, columns]; they may be the same.
  func drop(
    layer: Int, firstTime: Int = 0, count: Int, columns: Int, _ source: UnsafePointer<Float>,
    into destination: UnsafeMutablePointer<Float>, stride: Int
  ) {
    let rate = DropRate(shape.regularization.dropout)
    let elements = UInt32(
      shape.regularization.isLocked ? 0 : Regularization.elements(columns))
    timer.enter(.dropout, bytes: 8 * count * sequences.count * columns)
    kernels.dropRows(
      DropoutArguments(
        source: source, sourceStride: stride, destination: destination,
        destinationStride: stride, timeSteps: count, sequences: sequences.count,
        columns: padded(columns), key: dropoutKey, step: step, layer: UInt32(layer),
        firstStream: UInt32(sequences.lowerBound),
        firstElement: UInt32(truncatingIfNeeded: firstTime) &* elements,
        elementsPerStep: elements, firstUnit: 0, bound: rate.bound, scale: rate.scale))
  }

  /// What the layer below `layer` hands on [T, B, D H] as `layer` reads it: as it is, or a copy of
  /// which elements were dropped, which a call for another layer overwrites.
  ///
  /// - Parameter isDropped: whether the last call made that copy already.
  func input(
    ofUpperLayer layer: Int, firstTime: Int = 0, count: Int, isDropped: Bool = false
  ) -> UnsafePointer<Float> {
    let row = firstTime * sequences.count * layout.featureStride
    let below = features(ofLayer: layer - 1) + row
    guard dropsElements, let dropped = layout.dropped else { return UnsafePointer(below) }
    if !isDropped {
      drop(
        layer: layer, firstTime: firstTime, count: count, columns: shape.featureSize, below,
        into: buffer(dropped) + row, stride: layout.featureStride)
    }
    return UnsafePointer(buffer(dropped) + row)
  }

  /// Drops elements of what `outputInput` points to: in a copy, or in place of what was gathered.
  func dropOutputInput() {
    guard dropsElements else { return }
    if shape.task.readout == .every {
      _ = input(ofUpperLayer: shape.layerCount, count: window)
    } else {
      dropReadout(buffer(layout.readout))
    }
  }

  /// Turns the gradient of what the output layer read into that of what it was made from.
  func dropOutputGradient() {
    guard dropsElements else { return }
    if shape.task.readout == .every {
      dropGradient(layer: shape.layerCount, buffer(layout.upper))
    } else {
      dropReadout(buffer(layout.readoutGradient))
    }
  }

  private func dropReadout(_ rows: UnsafeMutablePointer<Float>) {
    drop(
      layer: shape.layerCount, count: outputSteps, columns: shape.featureSize, rows, into: rows,
      stride: layout.featureStride)
  }

  /// Multiplies the row of every token, of embeddings or of their gradients, by the token's factor.
  ///
  /// Shapes: rows [T, B, E].
  func scaleTokens(_ rows: UnsafeMutablePointer<Float>) {
    guard isTraining, shape.regularization.embeddingDropout > 0 else { return }
    timer.enter(.dropout, bytes: 8 * inputCount * layout.embedding)
    let perRow = shape.task.tokensPerStep
    for index in 0..<inputCount * perRow {
      let row =
        rows + index / perRow * layout.embeddingStride + index % perRow * shape.embeddingSize
      let factor = shape.regularization.embeddingFactor(step: step, token: Int(inputs[index]))
      if factor == 0 {
        row.update(repeating: 0, count: shape.embeddingSize)
      } else {
        for j in 0..<shape.embeddingSize { row[j] *= factor }
      }
    }
  }

  /// Turns the gradient of what `layer` read into that of what it was made from.
  func dropGradient(layer: Int, _ gradient: UnsafeMutablePointer<Float>) {
    let isEmbedding = layer == 0
    defer { if isEmbedding { scaleTokens(gradient) } }
    guard dropsElements else { return }
    drop(
      layer: layer, count: window, columns: isEmbedding ? shape.firstValue : shape.featureSize,
      gradient, into: gradient,
      stride: isEmbedding ? layout.embeddingStride : layout.featureStride)
  }
}
