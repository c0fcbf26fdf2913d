import Kernels

/// The gradient of a table that is both embedding and output weight.
///
/// A shard's sum is that of the output layer plus that of its look-ups, and only then are shards
/// folded, so that the split of the shards changes nothing. The weight-gradient kernel folds shards
/// on the fly; the rows of tokens that the window looks up are therefore computed again, shard by
/// shard, once the gradients of the look-ups are known. They are few beside a large vocabulary.
extension SequenceWorker {
  /// Tokens whose rows are computed at a time.
  static var tiedGroup: Int { 64 }

  /// Puts by the columns of the logits' gradient that belong to looked-up tokens, before a later
  /// block takes its place.
  ///
  /// - Parameters:
  ///   - first: the token of the first column.
  ///   - errors: the gradient of `count` logits of each row, rows `stride` apart.
  func keepLookedUp(first: Int, count: Int, errors: UnsafePointer<Float>, stride: Int) {
    guard let tied = layout.tied else { return }
    let slots = embeddingGradient.slots(ofTokens: first..<first + count)
    timer.enter(.operandPacking, bytes: 8 * inputCount * slots.count)
    let tokens = embeddingGradient.tokens
    var destination = buffer(tied.errors)
    for shard in 0..<shards.count {
      for t in 0..<window {
        let firstRow = t * sequences.count + shard * sequencesPerShard
        for row in firstRow..<firstRow + sequencesPerShard {
          let source = errors + row * stride
          for slot in slots { destination[slot] = source[Int(tokens[slot]) - first] }
          destination += tied.stride
        }
      }
    }
  }

  /// Overwrites the rows of all looked-up tokens in the partial sums with their whole gradient.
  ///
  /// - Parameter lookups: the gradient of what was looked up, [T, B, H].
  func tiedGradient(
    lookups: UnsafePointer<Float>, partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    guard let tied = layout.tied else { return }
    dropOutputInput()
    packTopStates()
    let hidden = shape.hiddenSize
    let entry = Self.tiedGroup * hidden
    let stack = buffer(tied.stack)
    let tokens = embeddingGradient.tokens
    let table = table.embeddingWeight.offset
    var first = 0
    while first < embeddingGradient.tokenCount {
      let count = min(Self.tiedGroup, embeddingGradient.tokenCount - first)
      embeddingGradient.rewind(firstSlot: first, count: count)
      var depth = 0
      for shard in 0..<shards.count {
        let leaf = stack + depth * entry
        outputGradient(ofShard: shard, firstSlot: first, count: count, to: leaf, tied)
        timer.enter(.embedding, bytes: 8 * count * hidden)
        for slot in 0..<count {
          embeddingGradient.addLookups(
            ofSlot: slot, shard: shard, sequences: sequences.count,
            sequencesPerShard: sequencesPerShard, gradients: lookups,
            stride: layout.embeddingStride, size: hidden, scratch: buffer(tied.row),
            to: leaf + slot * hidden, kernels: kernels)
        }
        depth += 1
        for _ in 0..<folds[shard] {
          depth -= 1
          let left = stack + (depth - 1) * entry
          kernels.add(left, left + entry, into: left, count: count * hidden)
        }
      }
      for node in 0..<partialSumCount {
        for slot in 0..<count {
          (partialSums[node] + table + Int(tokens[first + slot]) * hidden)
            .update(from: stack + node * entry + slot * hidden, count: hidden)
        }
      }
      first += count
    }
  }

  /// One shard's part of d output.weight, for `count` looked-up tokens: [count, H].
  private func outputGradient(
    ofShard shard: Int, firstSlot: Int, count: Int, to destination: UnsafeMutablePointer<Float>,
    _ tied: WorkspaceLayout.Tied
  ) {
    let rows = window * sequencesPerShard
    timer.enter(.weightGradients, operations: 2 * count * rows * layout.hidden)
    let right = buffer(layout.packedTop) + shard * kernels.packedDepth(rows) * layout.hidden
    withUnsafePointer(to: destination) { sum in
      withUnsafePointer(to: 0) { noFolds in
        kernels.weightGradient(
          WeightGradientArguments(
            left: ShardRows(
              base: buffer(tied.errors) + shard * rows * tied.stride + firstSlot,
              stride: tied.stride, timeSteps: window, sequences: sequencesPerShard,
              sequencesPerShard: sequencesPerShard),
            outputs: count, operands: 1, right0: right, columns0: layout.hidden,
            right1: right, columns1: layout.hidden, folds: noFolds, partialSumCount: 1,
            partialSums: sum, offset0: 0, width0: shape.hiddenSize, offset1: 0,
            width1: shape.hiddenSize, biasOffset: -1, scratch: buffer(layout.scratch),
            stackDepth: layout.stackDepth))
      }
    }
  }
}
