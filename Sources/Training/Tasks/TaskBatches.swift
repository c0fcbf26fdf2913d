package import GRUCore

/// Batches of sequences that each start from zero state.
package enum TaskBatches: Sendable {
  case generated(GeneratedBatches)

  /// Writes a worker's sequences of a batch (counted from 0 over all epochs). Does not allocate.
  package func fill(_ worker: SequenceWorker, batch: Int) {
    switch self {
    case .generated(let batches): batches.fill(worker, batch: batch)
    }
  }

  /// The epoch of a batch, counted from 0.
  package func epoch(ofBatch batch: Int) -> Int {
    switch self {
    case .generated: 0
    }
  }

  /// Targets that the batches before `batch` count together.
  package func targetCount(beforeBatch batch: Int) -> Int {
    switch self {
    case .generated(let batches): batch * batches.sequences * batches.targetsPerSequence
    }
  }

  /// Batches of one pass over everything, as a validation makes it.
  package var batchCount: Int {
    switch self {
    case .generated(let batches): batches.batchCount
    }
  }
}
