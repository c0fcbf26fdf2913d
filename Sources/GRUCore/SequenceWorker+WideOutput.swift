import Kernels

/// The output layer of a softmax at every step over a vocabulary of more than one block of 4,096:
/// logits, losses and the gradients of both, block by block.
extension SequenceWorker {
  /// Rows of a chunk: chunks are of nearly equal size and whole register tiles, so that the weights
  /// of a panel serve a chunk while they are in the first cache, and its states stay in the second.
  private var wideChunk: Int {
    let rows = window * sequences.count
    let chunks = (rows + 383) / 384
    return ((rows + chunks - 1) / chunks + 11) / 12 * 12
  }

  /// Logits and softmax by blocks of the vocabulary. Leaves the exponentials where a backward pass
  /// needs them; else all blocks use the place of the first.
  func wideOutput(weights: PackedWeights, backward: Bool) {
    let rows = window * sequences.count
    let chunk = wideChunk
    for block in 0..<layout.vocabularyBlocks {
      let column = block * canonicalBlock
      let columns = min(canonicalBlock, layout.vocabulary - column)
      let place = backward ? column : 0
      var first = 0
      while first < rows {
        let count = min(chunk, rows - first)
        let logits = buffer(layout.logits) + first * layout.vocabularyStride + place
        wideLogits(
          weights: weights, column: column, columns: columns, first: first, count: count,
          into: logits)
        timer.enter(.softmax, bytes: 8 * count * columns)
        kernels.softmaxBlock(
          softmaxBlock(block, column, columns, first, count, logits: logits, backward: backward))
        callProgress()
        first += count
      }
    }
    timer.enter(.softmax)
    let losses = buffer(layout.rowLosses)
    let blocks = layout.vocabularyBlocks
    for row in 0..<rows {
      let loss = kernels.softmaxJoin(
        maxima: buffer(layout.blockMaxima) + row * blocks,
        sums: buffer(layout.blockSums) + row * blocks, blocks: blocks,
        chosen: buffer(layout.chosen)[row])
      losses[row] = targets[row] < 0 ? 0 : loss
    }
  }

  private func wideLogits(
    weights: PackedWeights, column: Int, columns: Int, first: Int, count: Int,
    into logits: UnsafeMutablePointer<Float>
  ) {
    let top = outputInput
    product(
      .outputProducts,
      ProductArguments(
        rows: count, columns: columns, segments: 1, segmentLength: shape.featureSize,
        segmentStride: 0, a: top + first * layout.featureStride, aStride: layout.featureStride,
        b: weights.pointer(weights.outputForward) + column * kernels.packedDepth(shape.featureSize),
        start: weights.pointer(at: weights.outputBias) + column, startStride: 0,
        c: logits, cStride: layout.vocabularyStride))
  }

  private func softmaxBlock(
    _ block: Int, _ column: Int, _ columns: Int, _ first: Int, _ count: Int,
    logits: UnsafeMutablePointer<Float>, backward: Bool
  ) -> SoftmaxBlockArguments {
    let place = first * layout.vocabularyBlocks + block
    return SoftmaxBlockArguments(
      rows: count, columns: columns, firstColumn: column, logits: logits,
      stride: layout.vocabularyStride, targets: targets + first,
      maxima: buffer(layout.blockMaxima) + place, sums: buffer(layout.blockSums) + place,
      blockStride: layout.vocabularyBlocks, chosen: buffer(layout.chosen) + first,
      backward: backward ? 1 : 0, gradients: buffer(layout.strip),
      gradientStride: layout.stripStride)
  }

  /// Strip by strip of a block: the gradient of the logits, which stays in cache for its part of the
  /// states' gradient (whose chains over the vocabulary go on from strip to strip) and for the
  /// strip's rows of d output.weight.
  func wideOutputBackward(
    weights: PackedWeights, nodes: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    let rows = window * sequences.count
    let upper = buffer(layout.upper)
    let strip = buffer(layout.strip)
    var column = 0
    while column < shape.vocabularySize {
      // Strips divide blocks: one never reaches into the next block.
      let columns = min(layout.stripColumns, layout.vocabulary - column)
      let real = min(layout.stripColumns, shape.vocabularySize - column)
      timer.enter(.softmax, bytes: 8 * rows * columns)
      kernels.softmaxBlockGradient(
        softmaxBlock(
          column / canonicalBlock, column, columns, 0, rows,
          logits: buffer(layout.logits) + column, backward: true))
      product(
        .outputProducts,
        ProductArguments(
          rows: rows, columns: layout.feature, segments: 1, segmentLength: real,
          segmentStride: 0, a: strip, aStride: layout.stripStride,
          b: weights.pointer(weights.outputBackward), bDepth: shape.vocabularySize, bStart: column,
          start: column == 0 ? nil : UnsafePointer(upper), startStride: layout.featureStride,
          c: upper, cStride: layout.featureStride))
      outputWeightGradient(
        first: column, count: real, left: strip, stride: layout.stripStride, nodes: nodes)
      column += layout.stripColumns
    }
  }
}
