import Kernels

/// The clusters of an adaptive softmax, one after the other, after the head. A cluster computes
/// only the rows whose target it has, gathered shard by shard.
extension SequenceWorker {
  /// Adds the losses of a cluster to those of the head; with `partialSums` also the gradients of
  /// its weights and, to `layout.upper`, of what the output layer read.
  func tailOutput(
    _ cluster: Int, weights: PackedWeights, partialSums: UnsafePointer<UnsafeMutablePointer<Float>>?
  ) {
    guard let tailRows, let places = layout.tails else { return }
    timer.enter(.operandPacking)
    tailRows.select(
      tailClusters[cluster], of: targets, window: window, sequences: sequences.count,
      sequencesPerShard: sequencesPerShard)
    if tailRows.count == 0 {
      if let partialSums { clearTailGradients(cluster, partialSums: partialSums) }
      return
    }
    gatherTailVectors(tailRows, into: buffer(places.vectors))
    let tail = weights.output.tails[cluster]
    let softmax = tailSoftmax(cluster, tail, places)
    project(
      tail, weights, UnsafePointer(buffer(places.vectors)), rows: tailRows.count,
      into: buffer(places.projected), stride: softmax.inputStride)
    callProgress()
    wideOutput(softmax, weights: weights, backward: partialSums != nil)
    let losses = buffer(layout.rowLosses)
    for row in 0..<tailRows.count {
      losses[Int(tailRows.positions[row])] += softmax.losses[row]
    }
    guard let partialSums else { return }
    packTailRows(
      buffer(places.vectors), stride: layout.featureStride, columns: layout.feature,
      to: buffer(layout.packedTop))
    packTailRows(
      buffer(places.projected), stride: softmax.inputStride,
      columns: tail.projectionForward.columns, to: buffer(layout.packedProjection))
    wideOutputBackward(softmax, weights: weights, partialSums: partialSums)
    projectionBackward(cluster, tail, softmax, weights: weights, partialSums: partialSums)
  }

  /// The logits of a cluster's tokens for one vector, so that the softmax over all logits gives
  /// every token the probability that it has.
  func tailLogits(
    _ cluster: Int, of vector: UnsafePointer<Float>, head: UnsafePointer<Float>,
    weights: PackedWeights, into logits: UnsafeMutablePointer<Float>
  ) {
    guard let tailRows, let places = layout.tails else { return }
    let tail = weights.output.tails[cluster]
    tailRows.selectOne()
    var softmax = tailSoftmax(cluster, tail, places)
    softmax.keepsLogits = true
    project(
      tail, weights, vector, rows: 1, into: buffer(places.projected), stride: softmax.inputStride)
    // The loss of the first token is log Σ exp of all logits, less its own.
    wideOutput(softmax, weights: weights, backward: false)
    let normalizer = softmax.losses[0] + buffer(layout.chosen)[0]
    let tokens = tailClusters[cluster].tokens
    let shift = head[tailClusters[cluster].headEntry] - normalizer
    for column in 0..<tokens.count {
      logits[tokens.lowerBound + column] = softmax.logits[column] + shift
    }
  }

  private func tailSoftmax(
    _ cluster: Int, _ tail: PackedOutput.Tail, _ places: WorkspaceLayout.Tails
  ) -> WideSoftmax {
    let stride = rowStride(tail.projectionForward.columns)
    let projected = buffer(places.projected)
    return WideSoftmax(
      part: .cluster(cluster), rows: tailRows?.count ?? 0, input: UnsafePointer(projected),
      inputStride: stride, depth: tailClusters[cluster].projectionSize, scores: tail.scores,
      logits: buffer(places.logits), stride: rowStride(padded(tail.scores.count)),
      targets: UnsafePointer(tailRows?.targets ?? targets), losses: buffer(places.losses),
      gradient: projected, gradientStride: stride)
  }

  func gatherTailVectors(_ rows: TailRows, into vectors: UnsafeMutablePointer<Float>) {
    timer.enter(.operandPacking, bytes: 8 * rows.count * layout.feature)
    let input = outputInput
    for row in 0..<rows.count {
      (vectors + row * layout.featureStride).update(
        from: input + Int(rows.positions[row]) * layout.featureStride, count: layout.feature)
    }
  }

  /// P h of some rows.
  private func project(
    _ tail: PackedOutput.Tail, _ weights: PackedWeights, _ vectors: UnsafePointer<Float>,
    rows: Int, into projected: UnsafeMutablePointer<Float>, stride: Int
  ) {
    product(
      .outputProducts,
      ProductArguments(
        rows: rows, columns: tail.projectionForward.columns, segments: 1,
        segmentLength: shape.featureSize, segmentStride: 0, a: vectors,
        aStride: layout.featureStride, b: weights.pointer(tail.projectionForward), start: nil,
        startStride: 0, c: projected, cStride: stride))
  }

  /// dP = Σ d(P h) ⊗ h, and dh += Pᵀ d(P h).
  private func projectionBackward(
    _ cluster: Int, _ tail: PackedOutput.Tail, _ softmax: WideSoftmax, weights: PackedWeights,
    partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    guard let tailRows, let places = layout.tails else { return }
    let size = tailClusters[cluster].projectionSize
    tailGradient(
      left: softmax.gradient, stride: softmax.gradientStride, outputs: size,
      right: buffer(layout.packedTop), columns: layout.feature, width: shape.featureSize,
      weight: table.tail(cluster).projection.offset, bias: nil, partialSums: partialSums)
    let vectors = buffer(places.vectors)
    product(
      .outputProducts,
      ProductArguments(
        rows: tailRows.count, columns: layout.feature, segments: 1, segmentLength: size,
        segmentStride: 0, a: softmax.gradient, aStride: softmax.gradientStride,
        b: weights.pointer(tail.projectionBackward), start: nil, startStride: 0, c: vectors,
        cStride: layout.featureStride))
    timer.enter(.operandPacking, bytes: 12 * tailRows.count * layout.feature)
    for row in 0..<tailRows.count {
      let gradient = buffer(layout.upper) + Int(tailRows.positions[row]) * layout.featureStride
      kernels.add(
        gradient, vectors + row * layout.featureStride, into: gradient, count: layout.feature)
    }
    callProgress()
  }

  /// Rows [first, first + count) of the gradients of a cluster's weight and bias. The strip holds
  /// the gradients of their logits as columns.
  func tailWeightGradient(
    _ cluster: Int, first: Int, count: Int, partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    let size = tailClusters[cluster].projectionSize
    let tail = table.tail(cluster)
    tailGradient(
      left: buffer(layout.strip), stride: layout.stripStride, outputs: count,
      right: buffer(layout.packedProjection), columns: padded(size), width: size,
      weight: tail.weight.offset + first * size, bias: tail.bias.offset + first,
      partialSums: partialSums)
  }

  private func clearTailGradients(
    _ cluster: Int, partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    let tail = table.tail(cluster)
    for node in 0..<partialSumCount {
      // The gaps between the three are 0 already.
      (partialSums[node] + tail.projection.offset).update(
        repeating: 0, count: tail.bias.range.upperBound - tail.projection.offset)
    }
  }

  /// Packs a cluster's rows as the right operand of a weight gradient, shard by shard.
  func packTailRows(
    _ rows: UnsafePointer<Float>, stride: Int, columns: Int,
    to destination: UnsafeMutablePointer<Float>
  ) {
    guard let tailRows else { return }
    timer.enter(.operandPacking, bytes: 8 * tailRows.count * columns)
    var source = rows
    var packed = destination
    for shard in 0..<shards.count {
      let count = tailRows.shardCounts[shard]
      if count == 0 { continue }
      kernels.packShardColumns(
        Self.oneShard(source, stride, rows: count), columns: columns, to: packed)
      source += count * stride
      packed += kernels.packedDepth(count) * columns
    }
  }

  /// Rows that lie one after the other, as those of a single shard.
  static func oneShard(
    _ base: UnsafePointer<Float>, _ stride: Int, rows: Int
  ) -> ShardRows {
    ShardRows(base: base, stride: stride, timeSteps: rows, sequences: 1, sequencesPerShard: 1)
  }
}

/// Weight gradients over a cluster's rows, of which every shard has another number.
extension SequenceWorker {
  /// Overwrites `outputs` rows of a weight's gradient in the partial sums, and of a bias's: a chain
  /// over the cluster's rows of each shard, and shards folded by the tree, some rows at a time in
  /// cache.
  ///
  /// - Parameters:
  ///   - left: dA, rows `stride` apart, whose columns become rows of the gradient.
  ///   - right: what dA multiplies, packed by `packTailRows`.
  private func tailGradient(
    left: UnsafePointer<Float>, stride: Int, outputs: Int, right: UnsafePointer<Float>,
    columns: Int, width: Int, weight: Int, bias: Int?,
    partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    guard let tailRows, let places = layout.tails else { return }
    let group = kernels.weightGradientRows
    let entry = group * (width + 1)
    let stack = buffer(places.stack)
    var first = 0
    while first < outputs {
      let count = min(group, outputs - first)
      timer.enter(.weightGradients, operations: 2 * count * tailRows.count * columns)
      let values = count * (bias == nil ? width : width + 1)
      var depth = 0
      var rows = left + first
      var packed = right
      for shard in 0..<shards.count {
        let leaf = stack + depth * entry
        let shardCount = tailRows.shardCounts[shard]
        shardGradient(
          Self.oneShard(rows, stride, rows: shardCount), outputs: count, right: packed,
          columns: columns, width: width, hasBias: bias != nil, into: leaf)
        rows += shardCount * stride
        packed += kernels.packedDepth(shardCount) * columns
        depth += 1
        for _ in 0..<folds[shard] {
          depth -= 1
          let lower = stack + (depth - 1) * entry
          kernels.add(lower, lower + entry, into: lower, count: values)
        }
      }
      for node in 0..<partialSumCount {
        let sum = stack + node * entry
        (partialSums[node] + weight + first * width).update(from: sum, count: count * width)
        if let bias {
          (partialSums[node] + bias + first).update(from: sum + count * width, count: count)
        }
      }
      callProgress()
      first += count
    }
  }

  /// One shard's part: [outputs, width], and [outputs] of the bias behind it.
  func shardGradient(
    _ rows: ShardRows, outputs: Int, right: UnsafePointer<Float>, columns: Int, width: Int,
    hasBias: Bool, into leaf: UnsafeMutablePointer<Float>
  ) {
    if rows.timeSteps == 0 {
      leaf.update(repeating: 0, count: outputs * (width + 1))
      return
    }
    withUnsafePointer(to: leaf) { sum in
      withUnsafePointer(to: 0) { noFolds in
        kernels.weightGradient(
          WeightGradientArguments(
            left: rows, outputs: outputs, operands: 1, right0: right, columns0: columns,
            right1: right, columns1: columns, folds: noFolds, partialSumCount: 1,
            partialSums: sum, offset0: 0, width0: width, offset1: 0, width1: width,
            biasOffset: hasBias ? outputs * width : -1, scratch: buffer(layout.scratch),
            stackDepth: layout.stackDepth))
      }
    }
  }
}
