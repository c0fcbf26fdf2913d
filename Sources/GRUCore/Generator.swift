package import Kernels

/// One sequence, one token at a time: what sampling needs.
package final class Generator {
  private let worker: SequenceWorker
  private let logits: AlignedBuffer

  package init(shape: ModelShape, table: ParameterTable, kernels: Kernels) {
    precondition(shape.task.predictsInputTokens, "what the model says cannot be read again")
    precondition(!shape.isBidirectional, "text has no end to begin from while it is written")
    worker = SequenceWorker(
      shape: shape, table: table, kernels: kernels, window: 1,
      plan: ShardPlan(sequences: 1, shards: 1, ranks: 1, threads: 1), worker: 0)
    logits = AlignedBuffer(count: padded(shape.vocabularySize))
  }

  /// Forgets all tokens so far.
  package func reset() { worker.resetState() }

  /// Takes one token in and gives the logits [V] of the next; valid until the next call.
  package func step(
    token: Int32, parameters: UnsafePointer<Float>, weights: PackedWeights
  ) -> UnsafePointer<Float> {
    worker.inputs[0] = token
    worker.advance(parameters: parameters, weights: weights, logits: logits.pointer)
    return UnsafePointer(logits.pointer)
  }
}

extension SequenceWorker {
  /// One forward pass that carries the state on and writes the logits of the last step's first row.
  /// `logits` has room for V padded values.
  func advance(
    parameters: UnsafePointer<Float>, weights: PackedWeights, logits: UnsafeMutablePointer<Float>
  ) {
    forward(parameters: parameters, weights: weights)
    let top =
      directions[shape.layerCount - 1].states + window * sequences.count * layout.hiddenStride
    let head = weights.output.head
    // The head's entries for clusters lie where the first of their tokens belong.
    let scores = tailClusters.isEmpty ? logits : buffer(layout.logits)
    product(
      .outputProducts,
      ProductArguments(
        rows: 1, columns: layout.vocabulary, segments: 1, segmentLength: shape.hiddenSize,
        segmentStride: 0, a: top, aStride: layout.hiddenStride, b: weights.pointer(head.forward),
        start: weights.pointer(at: head.bias), startStride: 0, c: scores,
        cStride: layout.vocabulary))
    if let first = tailClusters.first {
      logits.update(from: scores, count: first.tokens.lowerBound)
      for cluster in tailClusters.indices {
        tailLogits(cluster, of: top, head: scores, weights: weights, into: logits)
      }
    }
    carryState()
  }
}
