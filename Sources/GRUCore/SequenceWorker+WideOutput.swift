import Kernels

/// A softmax that is computed block by block of 4,096 classes: over a large vocabulary, over a
/// cluster of an adaptive softmax, or over outputs that were drawn.
struct WideSoftmax {
  enum Part {
    /// The only matrix of the output layer, or the head.
    case head
    case cluster(Int)
    /// Drawn outputs and the targets, whose weights are among these parameters.
    case sampled(UnsafePointer<Float>)
  }

  var part: Part
  var rows: Int
  /// What it reads [rows, depth].
  var input: UnsafePointer<Float>
  var inputStride: Int
  var depth: Int
  var scores: PackedScores
  /// [rows, N].
  var logits: UnsafeMutablePointer<Float>
  var stride: Int
  var targets: UnsafePointer<Int32>
  var losses: UnsafeMutablePointer<Float>
  /// Where the gradient of what it reads goes.
  var gradient: UnsafeMutablePointer<Float>
  var gradientStride: Int
  /// Whether the logits of every block are wanted after a pass without gradients.
  var keepsLogits = false

  /// Padded columns of the logits, and their blocks.
  var columns: Int { padded(scores.count) }
  var blocks: Int { WorkspaceLayout.blocks(columns) }

  /// Rows of a chunk: chunks are of nearly equal size and whole register tiles, so that the weights
  /// of a panel serve a chunk while they are in the first cache, and its states stay in the second.
  var chunk: Int {
    let chunks = max(1, (rows + 383) / 384)
    return ((rows + chunks - 1) / chunks + 11) / 12 * 12
  }
}

/// The output layer of a softmax at every step over a vocabulary of more than one block of 4,096:
/// logits, losses and the gradients of both, block by block.
extension SequenceWorker {
  /// The only matrix of the output layer, or the head, over all rows.
  func wideHead(weights: PackedWeights) -> WideSoftmax {
    WideSoftmax(
      part: .head, rows: window * sequences.count, input: UnsafePointer(outputInput),
      inputStride: layout.featureStride, depth: shape.featureSize, scores: weights.output.head,
      logits: buffer(layout.logits), stride: layout.vocabularyStride, targets: headTargets,
      losses: buffer(layout.rowLosses), gradient: buffer(layout.upper),
      gradientStride: layout.featureStride, keepsLogits: keepsScores)
  }

  /// Logits and softmax by blocks of the vocabulary. Leaves the exponentials where a backward pass
  /// needs them; else all blocks use the place of the first, unless logits are to be kept.
  func wideOutput(_ softmax: WideSoftmax, weights: PackedWeights, backward: Bool) {
    let rows = softmax.rows
    let chunk = softmax.chunk
    for block in 0..<softmax.blocks {
      let column = block * canonicalBlock
      let columns = min(canonicalBlock, softmax.columns - column)
      let place = backward || softmax.keepsLogits ? column : 0
      var first = 0
      while first < rows {
        let count = min(chunk, rows - first)
        let logits = softmax.logits + first * softmax.stride + place
        wideLogits(
          softmax, weights: weights, column: column, columns: columns, first: first, count: count,
          into: logits)
        if case .sampled(let parameters) = softmax.part {
          setTargetScores(
            softmax, parameters, weights: weights, column: column, columns: columns, first: first,
            count: count, logits: logits)
        }
        timer.enter(.softmax, bytes: 8 * count * columns)
        kernels.softmaxBlock(
          softmaxBlock(
            softmax, block, column, columns, first, count, logits: logits, backward: backward))
        callProgress()
        first += count
      }
    }
    timer.enter(.softmax)
    let losses = softmax.losses
    let targets = softmax.targets
    let blocks = softmax.blocks
    for row in 0..<rows {
      let loss = kernels.softmaxJoin(
        maxima: buffer(layout.blockMaxima) + row * blocks,
        sums: buffer(layout.blockSums) + row * blocks, blocks: blocks,
        chosen: buffer(layout.chosen)[row])
      losses[row] = targets[row] < 0 ? 0 : loss
    }
    if backward { smoothLosses(softmax) }
  }

  /// Adds ε times how far the target's logit lies above their mean.
  private func smoothLosses(_ softmax: WideSoftmax) {
    guard let place = layout.logitSums else { return }
    for row in 0..<softmax.rows where softmax.targets[row] >= 0 {
      var sum: Float = 0
      for block in 0..<softmax.blocks { sum += buffer(place)[row * softmax.blocks + block] }
      let lift = buffer(layout.chosen)[row] - sum / Float(softmax.scores.count)
      softmax.losses[row] += shape.regularization.smoothing * lift
    }
  }

  private func wideLogits(
    _ softmax: WideSoftmax, weights: PackedWeights, column: Int, columns: Int, first: Int,
    count: Int, into logits: UnsafeMutablePointer<Float>
  ) {
    product(
      .outputProducts,
      ProductArguments(
        rows: count, columns: columns, segments: 1, segmentLength: softmax.depth,
        segmentStride: 0, a: softmax.input + first * softmax.inputStride,
        aStride: softmax.inputStride,
        b: weights.pointer(softmax.scores.forward) + column * kernels.packedDepth(softmax.depth),
        start: weights.pointer(at: softmax.scores.bias) + column, startStride: 0,
        c: logits, cStride: softmax.stride))
  }

  private func softmaxBlock(
    _ softmax: WideSoftmax, _ block: Int, _ column: Int, _ columns: Int, _ first: Int,
    _ count: Int, logits: UnsafeMutablePointer<Float>, backward: Bool
  ) -> SoftmaxBlockArguments {
    let place = first * softmax.blocks + block
    let smoothing = backward ? shape.regularization.smoothing : 0
    return SoftmaxBlockArguments(
      rows: count, columns: columns, firstColumn: column, logits: logits,
      stride: softmax.stride, targets: softmax.targets + first,
      maxima: buffer(layout.blockMaxima) + place, sums: buffer(layout.blockSums) + place,
      blockStride: softmax.blocks, chosen: buffer(layout.chosen) + first,
      backward: backward ? 1 : 0, gradients: buffer(layout.strip),
      gradientStride: layout.stripStride, outputs: min(columns, softmax.scores.count - column),
      smoothing: smoothing, share: smoothing / Float(softmax.scores.count),
      logitSums: backward ? layout.logitSums.map { buffer($0) + place } : nil)
  }

  /// Strip by strip of a block: the gradient of the logits, which stays in cache for its part of
  /// the gradient of what was read (whose chains over the vocabulary go on from strip to strip) and
  /// for the strip's rows of the weight's gradient.
  func wideOutputBackward(
    _ softmax: WideSoftmax, weights: PackedWeights,
    partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    let rows = softmax.rows
    let gradient = softmax.gradient
    let classes = softmax.scores.count
    let strip = buffer(layout.strip)
    var column = 0
    while column < classes {
      // Strips divide blocks: one never reaches into the next block.
      let columns = min(layout.stripColumns, softmax.columns - column)
      let real = min(layout.stripColumns, classes - column)
      timer.enter(.softmax, bytes: 8 * rows * columns)
      kernels.softmaxBlockGradient(
        softmaxBlock(
          softmax, column / canonicalBlock, column, columns, 0, rows,
          logits: softmax.logits + column, backward: true))
      product(
        .outputProducts,
        ProductArguments(
          rows: rows, columns: softmax.scores.backward.columns, segments: 1, segmentLength: real,
          segmentStride: 0, a: strip, aStride: layout.stripStride,
          b: weights.pointer(softmax.scores.backward), bDepth: classes, bStart: column,
          start: column == 0 ? nil : UnsafePointer(gradient), startStride: softmax.gradientStride,
          c: gradient, cStride: softmax.gradientStride))
      switch softmax.part {
      case .head:
        outputWeightGradient(
          first: column, count: real, left: strip, stride: layout.stripStride,
          partialSums: partialSums)
      case .cluster(let cluster):
        tailWeightGradient(cluster, first: column, count: real, partialSums: partialSums)
      case .sampled:
        sampledWeightGradient(
          first: column, count: real, weights: weights, partialSums: partialSums)
      }
      column += layout.stripColumns
    }
  }
}
