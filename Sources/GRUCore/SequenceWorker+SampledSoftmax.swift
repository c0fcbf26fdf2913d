import Kernels

/// Losses and gradients of a sampled softmax, over the rows that count, gathered shard by shard as
/// those of a cluster of an adaptive softmax are.
///
/// The scores of a row are those of the step's drawn outputs, all rows' at once by packed products,
/// and in the last column that of its own target.
extension SequenceWorker {
  /// Rows of the weight's gradient that are computed at a time.
  static var sampledGroup: Int { tiedGroup }

  /// Losses, the gradients of the output weight and bias and, in `layout.upper`, of what the output
  /// layer read.
  func sampledOutput(
    weights: PackedWeights, partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    guard let sampled = weights.sampled, let places = layout.sampled, let tailRows,
      let parameters = sampled.parameters
    else { preconditionFailure("no outputs are drawn") }
    timer.enter(.operandPacking)
    tailRows.selectCounted(
      targets, window: window, sequences: sequences.count, sequencesPerShard: sequencesPerShard)
    // The target of every row is the last column.
    tailRows.headTargets.update(
      repeating: Int32(truncatingIfNeeded: sampled.count), count: tailRows.count)
    gatherTailVectors(tailRows, into: buffer(places.vectors))
    let softmax = WideSoftmax(
      part: .sampled(parameters), rows: tailRows.count,
      input: UnsafePointer(buffer(places.vectors)), inputStride: layout.featureStride,
      depth: shape.featureSize, scores: sampled.scores(kernels), logits: buffer(layout.logits),
      stride: rowStride(padded(sampled.columns)), targets: UnsafePointer(tailRows.headTargets),
      losses: buffer(places.losses), gradient: buffer(places.vectors),
      gradientStride: layout.featureStride)
    buffer(layout.rowLosses).update(repeating: 0, count: inputCount)
    buffer(layout.upper).update(repeating: 0, count: inputCount * layout.featureStride)
    if tailRows.count > 0 {
      wideOutput(softmax, weights: weights, backward: true)
      let losses = buffer(layout.rowLosses)
      for row in 0..<tailRows.count { losses[Int(tailRows.positions[row])] = softmax.losses[row] }
    }
    findTargetErrors(softmax, tailRows, places)
    packTailRows(
      buffer(places.vectors), stride: layout.featureStride, columns: layout.feature,
      to: buffer(layout.packedTop))
    targetGradients(places, partialSums: partialSums)
    targetGradient?.assignSlots(tokens: sampled.tokens, count: sampled.count)
    if tailRows.count > 0 {
      wideOutputBackward(softmax, weights: weights, partialSums: partialSums)
      addTargetRows(parameters, tailRows, places)
    }
  }

  /// Puts the scores of some rows' targets in the last column, and hides the targets among the
  /// drawn outputs.
  func setTargetScores(
    _ softmax: WideSoftmax, _ parameters: UnsafePointer<Float>, weights: PackedWeights,
    column: Int, columns: Int, first: Int, count: Int, logits: UnsafeMutablePointer<Float>
  ) {
    guard let sampled = weights.sampled, let tailRows else { return }
    timer.enter(.softmax, bytes: 8 * count * softmax.depth)
    let weight = parameters + table.outputWeight.offset
    let bias = parameters + table.outputBias.offset
    let last = sampled.count - column
    for row in 0..<count {
      let target = Int(tailRows.targets[first + row])
      let place = Int(sampled.slots[target]) - column
      if place >= 0, place < columns { logits[row * softmax.stride + place] = -1e30 }
      guard last >= 0, last < columns else { continue }
      logits[row * softmax.stride + last] =
        bias[target]
        + Self.dot(
          softmax.input + (first + row) * softmax.inputStride, weight + target * softmax.depth,
          count: softmax.depth)
    }
  }

  /// The gradients of the targets' scores by position, and their products with what was read.
  private func findTargetErrors(
    _ softmax: WideSoftmax, _ rows: TailRows, _ places: WorkspaceLayout.Sampled
  ) {
    timer.enter(.softmax, bytes: 8 * rows.count * softmax.depth)
    let (errors, scaled) = (buffer(places.errors), buffer(places.scaled))
    errors.update(repeating: 0, count: inputCount)
    let (column, blocks) = (softmax.scores.count - 1, softmax.blocks)
    for row in 0..<rows.count {
      // The exponentials of a block are still to be multiplied by its factor.
      let factor = buffer(layout.blockMaxima)[row * blocks + column / canonicalBlock]
      let error = softmax.logits[row * softmax.stride + column] * factor - 1
      let position = Int(rows.positions[row])
      errors[position] = error
      let (source, product) = (
        softmax.input + row * softmax.inputStride, scaled + position * layout.featureStride
      )
      for j in 0..<softmax.depth { product[j] = error * source[j] }
    }
  }

  /// Overwrites the gradients of weight and bias with the targets' part.
  private func targetGradients(
    _ places: WorkspaceLayout.Sampled, partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    timer.enter(
      .weightGradients, bytes: 4 * (inputCount * layout.feature + table.outputWeight.count))
    func accumulate(_ place: Int, stride: Int, size: Int, _ tensor: Parameter) {
      targetGradient?.accumulate(
        inputs: targets, gradients: buffer(place), stride: stride, size: size, window: window,
        sequences: sequences.count, sequencesPerShard: sequencesPerShard, folds: folds,
        stack: buffer(places.rowStack), stackStride: layout.feature, kernels: kernels,
        partialSums: partialSums, partialSumCount: partialSumCount, offset: tensor.offset)
    }
    accumulate(
      places.scaled, stride: layout.featureStride, size: shape.featureSize, table.outputWeight)
    accumulate(places.errors, stride: 1, size: 1, table.outputBias)
  }

  /// Adds what the targets' rows of the weight have to the gradient of what was read.
  private func addTargetRows(
    _ parameters: UnsafePointer<Float>, _ rows: TailRows, _ places: WorkspaceLayout.Sampled
  ) {
    timer.enter(.softmax, bytes: 12 * rows.count * layout.feature)
    let size = shape.featureSize
    let weight = parameters + table.outputWeight.offset
    let errors = buffer(places.errors)
    for row in 0..<rows.count {
      let position = Int(rows.positions[row])
      let error = errors[position]
      let source = weight + Int(rows.targets[row]) * size
      let gradient = buffer(places.vectors) + row * layout.featureStride
      let destination = buffer(layout.upper) + position * layout.featureStride
      for j in 0..<size { destination[j] = gradient[j] + error * source[j] }
    }
    callProgress()
  }

  /// Rows of the weight's gradient, and of the bias's, of the drawn outputs of a strip, whose
  /// gradients of scores are its columns. A shard's sum is that over its rows, and then that of the
  /// rows whose target the output is; shards are folded by the tree.
  func sampledWeightGradient(
    first: Int, count: Int, weights: PackedWeights,
    partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    guard let sampled = weights.sampled, let places = layout.sampled, let tailRows,
      let targetGradient
    else { return }
    // The last column is no output.
    let end = min(first + count, sampled.count)
    let size = shape.featureSize
    let entry = Self.sampledGroup * (size + 1)
    let stack = buffer(places.stack)
    var slot = first
    while slot < end {
      let outputs = min(Self.sampledGroup, end - slot)
      timer.enter(
        .weightGradients, operations: 2 * outputs * tailRows.count * layout.feature)
      targetGradient.rewind(firstSlot: slot, count: outputs)
      var depth = 0
      var rows = UnsafePointer(buffer(layout.strip)) + (slot - first)
      var packed = UnsafePointer(buffer(layout.packedTop))
      for shard in 0..<shards.count {
        let leaf = stack + depth * entry
        let shardCount = tailRows.shardCounts[shard]
        shardGradient(
          Self.oneShard(rows, layout.stripStride, rows: shardCount), outputs: outputs,
          right: packed, columns: layout.feature, width: size, hasBias: true, into: leaf)
        for index in 0..<outputs {
          targetGradient.addLookups(
            ofSlot: index, shard: shard, sequences: sequences.count,
            sequencesPerShard: sequencesPerShard, gradients: buffer(places.scaled),
            stride: layout.featureStride, size: size, scratch: buffer(places.row),
            to: leaf + index * size, kernels: kernels, numbers: buffer(places.errors),
            sum: leaf + outputs * size + index)
        }
        rows += shardCount * layout.stripStride
        packed += kernels.packedDepth(shardCount) * layout.feature
        depth += 1
        for _ in 0..<folds[shard] {
          depth -= 1
          let lower = stack + (depth - 1) * entry
          kernels.add(lower, lower + entry, into: lower, count: outputs * (size + 1))
        }
      }
      storeSampledRows(
        UnsafePointer(sampled.tokens + slot), outputs, entry: entry, partialSums: partialSums)
      callProgress()
      slot += outputs
    }
  }

  /// Copies rows of the weight's gradient from the fold stack to their places.
  private func storeSampledRows(
    _ tokens: UnsafePointer<Int32>, _ count: Int, entry: Int,
    partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    guard let places = layout.sampled else { return }
    let size = shape.featureSize
    for node in 0..<partialSumCount {
      let sum = buffer(places.stack) + node * entry
      let weight = partialSums[node] + table.outputWeight.offset
      let bias = partialSums[node] + table.outputBias.offset
      for index in 0..<count {
        let token = Int(tokens[index])
        (weight + token * size).update(from: sum + index * size, count: size)
        bias[token] = sum[count * size + index]
      }
    }
  }

  /// Σ a_j b_j in sixteen lanes, of which halves are added: the same on every instruction set.
  private static func dot(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int
  ) -> Float {
    func lanes(_ values: UnsafePointer<Float>) -> SIMD16<Float> {
      UnsafeRawPointer(values).loadUnaligned(as: SIMD16<Float>.self)
    }
    var sum = SIMD16<Float>()
    var j = 0
    while j + 16 <= count {
      sum += lanes(a + j) * lanes(b + j)
      j += 16
    }
    for lane in 0..<count - j { sum[lane] += a[j + lane] * b[j + lane] }
    let eight = sum.lowHalf + sum.highHalf
    let four = eight.lowHalf + eight.highHalf
    return (four[0] + four[2]) + (four[1] + four[3])
  }
}

/// The full softmax of evaluations, some rows at a time, so that the scores of all rows need not
/// be in memory at once; and the rank of each row's target, where the task asks for it.
extension SequenceWorker {
  /// Rows of a chunk.
  static var evaluatedRows: Int { 96 }

  /// Whether evaluations go through the output layer by rows.
  var evaluatesByRows: Bool { shape.sampledSoftmax != nil || shape.task.rankedFrom != nil }

  /// Losses of all rows, and ranks.
  func outputByRows(weights: PackedWeights) {
    let rows = inputCount
    // The others' scores have a place of their own too.
    let keepsAll = shape.sampledSoftmax == nil
    let head = wideHead(weights: weights)
    var first = 0
    while first < rows {
      var part = head
      part.rows = min(Self.evaluatedRows, rows - first)
      part.input += first * head.inputStride
      part.targets += first
      part.losses += first
      part.keepsLogits = true
      if keepsAll { part.logits += first * head.stride }
      wideOutput(part, weights: weights, backward: false)
      if let from = shape.task.rankedFrom { rankTargets(part, from: from, firstRow: first) }
      first += part.rows
    }
  }

  /// Counts the outputs from `from` on whose scores are not below a row's target's, itself
  /// included: a target that ties with others is ranked behind them.
  private func rankTargets(_ softmax: WideSoftmax, from: Int, firstRow: Int) {
    let ranks = buffer(layout.rowMetrics) + firstRow
    for row in 0..<softmax.rows where softmax.targets[row] >= 0 {
      let scores = softmax.logits + row * softmax.stride
      let wanted = scores[Int(softmax.targets[row])]
      var rank: Int32 = 0
      for column in from..<shape.vocabularySize { rank &+= scores[column] < wanted ? 0 : 1 }
      ranks[row] = Float(rank)
    }
  }

  /// The rank of the target of an output row, from 1, that the last evaluation left, of a task that
  /// ranks them.
  package func rank(ofRow row: Int) -> Int {
    precondition(shape.task.rankedFrom != nil, "nothing is ranked")
    return Int(buffer(layout.rowMetrics)[row])
  }
}
