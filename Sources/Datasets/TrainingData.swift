import Batches
package import Corpora
import Records

/// What a run trains and validates on.
package enum TrainingData: Sendable {
  case text(CorpusSplit)
  case sequences(SequenceData)

  /// What tells the training data from others.
  package var fingerprint: String {
    switch self {
    case .text(let split): split.training.corpus.fingerprint
    case .sequences(let data): data.fingerprint
    }
  }

  /// The same of validation data; that of the training data where they are a part of it.
  package var validationFingerprint: String? {
    switch self {
    case .text(let split): split.validation?.corpus.fingerprint
    case .sequences(let data): data.validationFingerprint
    }
  }

  /// Most sequences that a row of a batch holds.
  package var slots: Int {
    if case .sequences(let data) = self { data.slots } else { 1 }
  }

  /// Bytes of memory that it takes, beyond files that are mapped.
  package var memoryBytes: Int {
    switch self {
    case .text(let split):
      split.training.corpus.memoryBytes
        + (split.validation.map {
          $0.corpus === split.training.corpus ? 0 : $0.corpus.memoryBytes
        } ?? 0)
    case .sequences(let data):
      data.training.memoryBytes
        // Where they are a part of the training data they share its memory.
        + (data.validationFingerprint == nil ? 0 : data.validation?.memoryBytes ?? 0)
    }
  }

  /// What there is to train on, for people.
  package var words: String {
    switch self {
    case .text(let split): "\(Format.grouped(split.training.range.count)) training tokens"
    case .sequences(let data): data.words
    }
  }
}
