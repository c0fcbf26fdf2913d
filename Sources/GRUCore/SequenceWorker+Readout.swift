import Kernels

/// The output layer: it reads the state after every step, or one vector of each sequence, and
/// compares with classes or with real values.
extension SequenceWorker {
  /// Most rows of one chunk, so that its scores stay in the second-level cache.
  private static var outputChunkRows: Int { 192 }

  /// What the only matrix of the output layer is to predict, or the head of an adaptive softmax.
  var headTargets: UnsafePointer<Int32> { UnsafePointer(tailRows?.headTargets ?? targets) }

  /// Output rows of one row of the batch: time steps, or slots.
  package var outputSteps: Int { shape.task.readout == .every ? window : slots.perRow }

  /// What the output layer reads, [outputSteps, B, D H].
  var outputInput: UnsafeMutablePointer<Float> {
    if shape.task.readout != .every { return buffer(layout.readout) }
    if dropsElements, let dropped = layout.dropped { return buffer(dropped) }
    return features(ofLayer: shape.layerCount - 1)
  }

  /// Real values that the first layer reads, [T, B, `inputStride`], of which `shape.valueSize`
  /// columns count; the others stay 0. For tasks that read values.
  package var inputValues: UnsafeMutablePointer<Float> {
    precondition(shape.task.readsValues, "the model reads tokens")
    return buffer(layout.values)
  }
  package var inputStride: Int { layout.valueStride }

  /// Real targets of the output rows, [outputSteps, B, `targetStride`], of which
  /// `shape.vocabularySize` / `outputsPerTarget` columns count; the others stay 0. A row counts
  /// where `targets` of the same row is not negative, and where the task masks targets, of its
  /// numbers those that are not NaN.
  package var targetValues: UnsafeMutablePointer<Float> {
    precondition(shape.task.loss != .softmax, "the model predicts classes")
    return buffer(layout.targetValues)
  }
  package var targetStride: Int { layout.vocabularyStride }

  /// The scores [V] of an output row, of [outputSteps, B], that the last evaluation left.
  ///
  /// Preconditions: it was to keep them, and the output layer is one matrix.
  package func scores(ofRow row: Int) -> UnsafeBufferPointer<Float> {
    precondition(keepsScores, "scores are not kept")
    precondition(tailClusters.isEmpty, "an adaptive softmax has no scores of all tokens")
    precondition(shape.sampledSoftmax == nil, "a sampled softmax has no scores of all rows")
    precondition(row < outputSteps * sequences.count, "row \(row) of \(outputSteps) steps")
    return UnsafeBufferPointer(
      start: buffer(layout.logits) + row * layout.vocabularyStride, count: shape.vocabularySize)
  }

  /// The loss of an output row, of [outputSteps, B], that the last evaluation left: 0 of one that
  /// does not count.
  package func loss(ofRow row: Int) -> Float { buffer(layout.rowLosses)[row] }

  /// States of the top layer, [T, B, D H], rows a stride apart, that the last evaluation left.
  package var topStates: (rows: UnsafePointer<Float>, stride: Int) {
    (UnsafePointer(features(ofLayer: shape.layerCount - 1)), layout.featureStride)
  }

  /// Losses of all output rows; with `partialSums` also the gradients of the output layer's weights
  /// and, in `layout.upper`, of the top layer's states.
  func output(weights: PackedWeights, partialSums: UnsafePointer<UnsafeMutablePointer<Float>>?) {
    if shape.task.readout != .every { gatherReadout() }
    dropOutputInput()
    if let partialSums, shape.sampledSoftmax != nil {
      sampledOutput(weights: weights, partialSums: partialSums)
      return dropOutputGradient()
    }
    tailRows?.setHeadTargets(targets, rows: inputCount, clusters: tailClusters)
    if partialSums == nil, evaluatesByRows { return outputByRows(weights: weights) }
    headOutput(weights: weights, partialSums: partialSums)
    for cluster in tailClusters.indices {
      tailOutput(cluster, weights: weights, partialSums: partialSums)
    }
    guard partialSums != nil else { return }
    dropOutputGradient()
    if shape.task.readout != .every { scatterReadoutGradient() }
  }

  /// The only matrix of the output layer, or the head of an adaptive softmax.
  private func headOutput(
    weights: PackedWeights, partialSums: UnsafePointer<UnsafeMutablePointer<Float>>?
  ) {
    let head = wideHead(weights: weights)
    if hasWideOutput {
      wideOutput(head, weights: weights, backward: partialSums != nil)
    } else {
      outputRows(weights: weights, backward: partialSums != nil)
    }
    guard let partialSums else { return }
    packTopStates()
    if hasWideOutput {
      wideOutputBackward(head, weights: weights, partialSums: partialSums)
    } else {
      outputWeightGradient(
        first: 0, count: shape.headSize, left: buffer(layout.logits),
        stride: layout.vocabularyStride, partialSums: partialSums)
      if layout.packedTop == layout.upper { outputGradientRows(weights: weights) }
    }
  }

  /// Rows of a chunk whose scores stay in the second-level cache.
  private var outputChunk: Int {
    let bytes = layout.vocabularyStride * MemoryLayout<Float>.stride
    return max(24, min(Self.outputChunkRows, (384 << 10) / bytes / 12 * 12))
  }

  /// The gradient of what the output layer read, from those of all scores: after the gradient of
  /// its weights, where that has read something in the same place.
  private func outputGradientRows(weights: PackedWeights) {
    var first = 0
    let rows = outputSteps * sequences.count
    while first < rows {
      let count = min(outputChunk, rows - first)
      outputGradient(first: first, count: count, weights: weights)
      callProgress()
      first += count
    }
  }

  private func outputGradient(first: Int, count: Int, weights: PackedWeights) {
    let gradient = buffer(
      shape.task.readout == .every ? layout.upper : layout.readoutGradient)
    product(
      .outputProducts,
      ProductArguments(
        rows: count, columns: layout.feature, segments: 1,
        segmentLength: shape.headSize, segmentStride: 0,
        a: buffer(layout.logits) + first * layout.vocabularyStride,
        aStride: layout.vocabularyStride,
        b: weights.pointer(weights.output.head.backward), start: nil, startStride: 0,
        c: gradient + first * layout.featureStride, cStride: layout.featureStride))
  }

  /// Scores, losses and, with `backward`, gradients of scores, in their place, and of what the
  /// output layer read. Runs in chunks of rows whose scores stay in cache between the three.
  private func outputRows(weights: PackedWeights, backward: Bool) {
    let rows = outputSteps * sequences.count
    let input = outputInput
    let chunk = outputChunk
    var first = 0
    while first < rows {
      let count = min(chunk, rows - first)
      let scores = buffer(layout.logits) + first * layout.vocabularyStride
      product(
        .outputProducts,
        ProductArguments(
          rows: count, columns: layout.vocabulary, segments: 1,
          segmentLength: shape.featureSize, segmentStride: 0,
          a: input + first * layout.featureStride, aStride: layout.featureStride,
          b: weights.pointer(weights.output.head.forward),
          start: weights.pointer(at: weights.output.head.bias), startStride: 0,
          c: scores, cStride: layout.vocabularyStride))
      timer.enter(.softmax, bytes: 8 * count * layout.vocabulary)
      loss(first: first, count: count, scores: scores, backward: backward)
      if backward, layout.packedTop != layout.upper {
        outputGradient(first: first, count: count, weights: weights)
      }
      callProgress()
      first += count
    }
  }

  /// Losses and metrics of some rows of scores, and in place the gradients.
  private func loss(
    first: Int, count: Int, scores: UnsafeMutablePointer<Float>, backward: Bool
  ) {
    let kind: ValueLossKind
    switch shape.task.loss {
    case .softmax:
      kernels.softmaxCrossEntropy(
        SoftmaxArguments(
          rows: count, columns: layout.vocabulary, logits: scores,
          stride: layout.vocabularyStride, targets: headTargets + first,
          losses: buffer(layout.rowLosses) + first, backward: backward ? 1 : 0,
          outputs: shape.vocabularySize, smoothing: backward ? shape.regularization.smoothing : 0,
          weights: backward ? layout.classWeights.map { UnsafePointer(buffer($0)) } : nil))
      if !backward && shape.task.sumsMetric {
        countRightClasses(first: first, count: count, scores: scores)
      }
      return
    case .squaredError: kind = .squared
    case .absoluteError: kind = .absolute
    case .sigmoid: kind = .sigmoid
    case .quantile: kind = .quantile
    case .gaussian: kind = .gaussian
    case .studentT: kind = .studentT
    }
    kernels.valueLoss(
      ValueLossArguments(
        kind: kind, rows: count, columns: layout.vocabulary, outputs: shape.vocabularySize,
        scores: scores, targets: targetValues + first * layout.vocabularyStride,
        stride: layout.vocabularyStride, counted: targets + first,
        losses: buffer(layout.rowLosses) + first, metrics: buffer(layout.rowMetrics) + first,
        backward: backward ? 1 : 0, masked: shape.task.masksTargets ? 1 : 0,
        parts: outputsPerTarget, levels: quantiles, point: pointQuantile))
  }

  /// The metric of a softmax: 1 where the first of the highest scores is the target's.
  private func countRightClasses(
    first: Int, count: Int, scores: UnsafePointer<Float>
  ) {
    let metrics = buffer(layout.rowMetrics) + first
    for row in 0..<count {
      let score = scores + row * layout.vocabularyStride
      var best = 0
      for j in 1..<max(1, shape.vocabularySize) where score[j] > score[best] { best = j }
      metrics[row] = Int(targets[first + row]) == best ? 1 : 0
    }
  }

  /// Sums the rows' metrics, shard by shard in (time, sequence) order.
  func sumMetrics() {
    if !shape.task.sumsMetric { return }
    let metrics = buffer(layout.rowMetrics)
    for shard in 0..<shards.count {
      var sum = 0.0
      for step in 0..<outputSteps {
        let first = step * sequences.count + shard * sequencesPerShard
        for row in first..<first + sequencesPerShard where targets[row] >= 0 {
          sum += Double(metrics[row])
        }
      }
      shardMetrics[shard] = sum
    }
  }

  /// Collects one vector of every slot; that of an empty slot is 0.
  private func gatherReadout() {
    timer.enter(.outputProducts)
    let batch = sequences.count
    let stride = layout.featureStride
    let features = features(ofLayer: shape.layerCount - 1)
    for slot in 0..<slots.perRow * batch {
      let destination = buffer(layout.readout) + slot * stride
      let end = Int(slots.ends[slot])
      if end == 0 || shape.task.readout == .mean {
        destination.update(repeating: 0, count: stride)
        if end == 0 { continue }
      }
      let start = Int(slots.starts[slot])
      if shape.task.readout == .last {
        for direction in 0..<shape.directionCount {
          let place = lastPlace(direction, start: start, end: end, row: slot % batch)
          (destination + direction * shape.hiddenSize)
            .update(from: features + place, count: shape.hiddenSize)
        }
        continue
      }
      for t in start..<end {
        let vector = features + (t * batch + slot % batch) * stride
        kernels.add(destination, vector, into: destination, count: layout.feature)
      }
      let share = 1 / Float(end - start)
      for j in 0..<layout.feature { destination[j] *= share }
    }
  }

  /// Where a direction's last state of a sequence is among what the top layer hands on.
  private func lastPlace(_ direction: Int, start: Int, end: Int, row: Int) -> Int {
    let t = direction == 0 ? end - 1 : start
    return (t * sequences.count + row) * layout.featureStride + direction * shape.hiddenSize
  }

  /// Gives the gradient of each slot's vector to the states that it came from; the others have 0.
  private func scatterReadoutGradient() {
    let batch = sequences.count
    let stride = layout.featureStride
    let upper = buffer(layout.upper)
    upper.update(repeating: 0, count: window * batch * stride)
    for slot in 0..<slots.perRow * batch {
      let end = Int(slots.ends[slot])
      if end == 0 { continue }
      let gradient = buffer(layout.readoutGradient) + slot * stride
      let start = Int(slots.starts[slot])
      if shape.task.readout == .last {
        for direction in 0..<shape.directionCount {
          let place = lastPlace(direction, start: start, end: end, row: slot % batch)
          (upper + place)
            .update(from: gradient + direction * shape.hiddenSize, count: shape.hiddenSize)
        }
        continue
      }
      let share = 1 / Float(end - start)
      for j in 0..<layout.feature { gradient[j] *= share }
      for t in start..<end {
        (upper + (t * batch + slot % batch) * stride).update(from: gradient, count: layout.feature)
      }
    }
  }
}
