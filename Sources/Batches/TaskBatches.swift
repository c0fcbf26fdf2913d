import Records

/// Batches of sequences that each start from the initial state.
package enum TaskBatches: Sendable, Codable {
  case generated(GeneratedBatches)
  case sequences(PackedSequences)
  case windows(SeriesWindows)

  /// Writes a worker's sequences of a batch (counted from 0 over all epochs). Does not allocate.
  package func fill(_ buffers: BatchBuffers, batch: Int) {
    switch self {
    case .generated(let batches): batches.fill(buffers, batch: batch)
    case .sequences(let batches): batches.fill(buffers, batch: batch)
    case .windows(let batches): batches.fill(buffers, batch: batch)
    }
  }

  /// How often each token goes in during an epoch, of sequences of tokens.
  package func inputCounts(vocabularySize: Int) -> [Int] {
    guard case .sequences(let batches) = self else { return [] }
    return batches.inputCounts(vocabularySize: vocabularySize)
  }

  /// The units of what a row of a batch forecasts, where not all rows have the same; else nil.
  package func units(batch: Int, row: Int) -> [TargetUnit]? {
    if case .windows(let batches) = self { batches.units(batch: batch, row: row) } else { nil }
  }

  /// The epoch of a batch, counted from 0.
  package func epoch(ofBatch batch: Int) -> Int {
    switch self {
    case .generated: 0
    case .sequences(let batches): batch / batches.batchCount
    case .windows(let batches): batch / batches.batchCount
    }
  }

  /// Targets that the batches before `batch` count together.
  package func targetCount(beforeBatch batch: Int) -> Int {
    switch self {
    case .generated(let batches):
      .saturatedProduct(batch, batches.sequences, batches.targetsPerSequence)
    case .sequences(let batches): batches.targetCount(beforeBatch: batch)
    case .windows(let batches): batches.targetCount(beforeBatch: batch)
    }
  }

  /// What they are of, as records name it.
  package var unitName: String {
    if case .windows = self { "windows" } else { "sequences" }
  }

  /// Bytes of memory that the sequences take.
  package var memoryBytes: Int {
    switch self {
    case .generated: 0
    case .sequences(let batches): batches.memoryBytes
    case .windows(let batches): batches.memoryBytes
    }
  }

  /// Batches of one pass over everything, as a validation makes it.
  package var batchCount: Int {
    switch self {
    case .generated(let batches): batches.batchCount
    case .sequences(let batches): batches.batchCount
    case .windows(let batches): batches.batchCount
    }
  }
}
