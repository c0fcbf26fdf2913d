import Kernels

/// The output layer: logits, softmax, loss and the gradients of all three.
extension SequenceWorker {
  /// Most rows of one chunk, so that its logits stay in the second-level cache.
  private static var outputChunkRows: Int { 192 }

  /// Losses of all rows. With `nodes` also d output.weight and d output.bias, written to the node
  /// arenas, and the gradient of the top layer's states, left in `layout.upper`.
  func outputLayer(
    weights: PackedWeights, nodes: UnsafePointer<UnsafeMutablePointer<Float>>?
  ) {
    if layout.vocabularyBlocks > 1 {
      wideOutput(weights: weights, backward: nodes != nil)
    } else {
      narrowOutput(weights: weights, backward: nodes != nil)
    }
    guard let nodes else { return }
    packTopStates()
    if layout.vocabularyBlocks > 1 {
      wideOutputBackward(weights: weights, nodes: nodes)
    } else {
      outputWeightGradient(first: 0, count: shape.vocabularySize, nodes: nodes)
    }
  }

  /// Logits, softmax and losses of all rows; with `backward` also the gradient of the logits, in their
  /// place, and of the top layer's states, in `layout.upper`. Runs in chunks of rows whose logits
  /// stay in cache between the three.
  private func narrowOutput(weights: PackedWeights, backward: Bool) {
    let rows = window * sequences.count
    let top = outputInput
    let bytes = layout.vocabularyStride * MemoryLayout<Float>.stride
    let chunk = max(24, min(Self.outputChunkRows, (384 << 10) / bytes / 12 * 12))
    var first = 0
    while first < rows {
      let count = min(chunk, rows - first)
      let logits = buffer(layout.logits) + first * layout.vocabularyStride
      product(
        .outputProducts,
        ProductArguments(
          rows: count, columns: layout.vocabulary, segments: 1,
          segmentLength: shape.hiddenSize, segmentStride: 0,
          a: top + first * layout.hiddenStride, aStride: layout.hiddenStride,
          b: weights.pointer(weights.outputForward),
          start: weights.pointer(at: weights.outputBias), startStride: 0,
          c: logits, cStride: layout.vocabularyStride))
      timer.enter(.softmax, bytes: 8 * count * layout.vocabulary)
      kernels.softmaxCrossEntropy(
        SoftmaxArguments(
          rows: count, columns: layout.vocabulary, logits: logits,
          stride: layout.vocabularyStride, targets: targets + first,
          losses: buffer(layout.rowLosses) + first, backward: backward ? 1 : 0))
      if backward {
        product(
          .outputProducts,
          ProductArguments(
            rows: count, columns: layout.hidden, segments: 1,
            segmentLength: shape.vocabularySize, segmentStride: 0,
            a: logits, aStride: layout.vocabularyStride,
            b: weights.pointer(weights.outputBackward), start: nil, startStride: 0,
            c: buffer(layout.upper) + first * layout.hiddenStride,
            cStride: layout.hiddenStride))
      }
      first += count
    }
  }

  /// Logits and softmax by blocks of the vocabulary: a block of weights stays in cache for all rows.
  private func wideOutput(weights: PackedWeights, backward: Bool) {
    let rows = window * sequences.count
    for block in 0..<layout.vocabularyBlocks {
      let column = block * canonicalBlock
      let columns = min(canonicalBlock, layout.vocabulary - column)
      var first = 0
      while first < rows {
        let count = min(96, rows - first)
        wideLogits(weights: weights, column: column, columns: columns, first: first, count: count)
        timer.enter(.softmax, bytes: 8 * count * columns)
        kernels.softmaxBlock(
          softmaxBlock(block, column, columns, first, count, backward: backward))
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
    weights: PackedWeights, column: Int, columns: Int, first: Int, count: Int
  ) {
    let top = outputInput
    product(
      .outputProducts,
      ProductArguments(
        rows: count, columns: columns, segments: 1, segmentLength: shape.hiddenSize,
        segmentStride: 0, a: top + first * layout.hiddenStride, aStride: layout.hiddenStride,
        b: weights.pointer(weights.outputForward) + column * kernels.packedDepth(shape.hiddenSize),
        start: weights.pointer(at: weights.outputBias) + column, startStride: 0,
        c: buffer(layout.logits) + first * layout.vocabularyStride + column,
        cStride: layout.vocabularyStride))
  }

  private func softmaxBlock(
    _ block: Int, _ column: Int, _ columns: Int, _ first: Int, _ count: Int, backward: Bool
  ) -> SoftmaxBlockArguments {
    let place = first * layout.vocabularyBlocks + block
    return SoftmaxBlockArguments(
      rows: count, columns: columns, firstColumn: column,
      logits: buffer(layout.logits) + first * layout.vocabularyStride + column,
      stride: layout.vocabularyStride, targets: targets + first,
      maxima: buffer(layout.blockMaxima) + place, sums: buffer(layout.blockSums) + place,
      blockStride: layout.vocabularyBlocks, chosen: buffer(layout.chosen) + first,
      backward: backward ? 1 : 0)
  }

  /// Block by block: the gradient of the logits, its part of the states' gradient (whose chains over
  /// the vocabulary go on from block to block) and the block's rows of d output.weight.
  private func wideOutputBackward(
    weights: PackedWeights, nodes: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    let rows = window * sequences.count
    let upper = buffer(layout.upper)
    for block in 0..<layout.vocabularyBlocks {
      let column = block * canonicalBlock
      let columns = min(canonicalBlock, layout.vocabulary - column)
      let real = min(canonicalBlock, shape.vocabularySize - column)
      var first = 0
      while first < rows {
        let count = min(96, rows - first)
        timer.enter(.softmax, bytes: 8 * count * columns)
        kernels.softmaxBlockGradient(
          softmaxBlock(block, column, columns, first, count, backward: true))
        let c = upper + first * layout.hiddenStride
        product(
          .outputProducts,
          ProductArguments(
            rows: count, columns: layout.hidden, segments: 1, segmentLength: real,
            segmentStride: 0,
            a: buffer(layout.logits) + first * layout.vocabularyStride + column,
            aStride: layout.vocabularyStride, b: weights.pointer(weights.outputBackward),
            bDepth: shape.vocabularySize, bStart: column,
            start: block == 0 ? nil : UnsafePointer(c), startStride: layout.hiddenStride,
            c: c, cStride: layout.hiddenStride))
        first += count
      }
      outputWeightGradient(first: column, count: real, nodes: nodes)
    }
  }
}
