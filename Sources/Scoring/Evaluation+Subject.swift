import Batches
import Corpora
import Datasets
import Records

extension Evaluation {
  /// What is measured on.
  enum Subject {
    case text(CorpusSplit.Part, training: CorpusSplit.Part?)
    case sequences(SequenceData, path: String)

    func scored(window: Int) -> Scorer.Subject {
      switch self {
      case .text(let part, _): .text(part, window: window)
      case .sequences(let data, _): .sequences(data.validation ?? data.training)
      }
    }

    var path: String {
      switch self {
      case .text(let part, _): part.corpus.path
      case .sequences(_, let path): path
      }
    }

    var fingerprint: String {
      switch self {
      case .text(let part, _): part.corpus.fingerprint
      case .sequences(let data, _): data.validationFingerprint ?? data.fingerprint
      }
    }

    /// What was left out of it, since the model lacks its class.
    var unknownClasses: (words: String, json: OrderedJSON)? {
      if case .sequences(let data, _) = self { data.summary.unknownClasses } else { nil }
    }

    var unknownCategories: [(column: String, steps: Int)] {
      if case .sequences(let data, _) = self { data.summary.unknownCategories } else { [] }
    }

    /// Steps that its rows need; nil where any number will do.
    var window: Int? {
      if case .sequences(let data, _) = self { data.window } else { nil }
    }

    var slots: Int {
      if case .sequences(let data, _) = self { data.slots } else { 1 }
    }

    /// What the data take, beyond files that are mapped.
    var memoryBytes: Int {
      switch self {
      case .text(let part, _): part.corpus.memoryBytes
      case .sequences(let data, _): (data.validation ?? data.training).memoryBytes
      }
    }
  }
}
