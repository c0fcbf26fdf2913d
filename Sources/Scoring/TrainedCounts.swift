import Checkpoints
import Collectives
import Configuration
import Corpora
import Datasets
import Engine
import Records
import Tasks

/// How often each token stands in the data that a language model was trained on, as far as they are
/// still there: what the naive model knows that stands beside it on another text.
struct TrainedCounts {
  /// Of a model of one stream of text.
  private(set) var text: CorpusSplit.Part?
  /// Of a model of documents.
  private(set) var counts: [Int]?
  /// Says why there are none.
  private(set) var missing: String?

  /// A text to be tokenized anew for a measurement has at most so many bytes.
  private static let mostBytes = 64 << 20

  /// Every rank calls it.
  ///
  /// - Parameter other: the text that is measured on; nil where that is the run's own, of which
  ///   all is known without this.
  init(
    of model: LoadedModel, forOtherText other: String?, on communicator: any Communicator,
    _ progress: ReadingProgress
  ) throws {
    guard other != nil, model.task.writesText else { return }
    let path = model.config.data.train
    let reasons = try communicator.allGather([Self.reason(against: path)])
    let reason = reasons.lazy.flatMap { $0 }.first { $0 != .none } ?? .none
    if reason != .none {
      missing = Self.words(path, reason)
      return
    }
    do {
      let data = try model.config.openData(
        as: .tokenizer(model.tokenizer), on: communicator, progress: progress
      ) { Console.complain("gru-dist: \($0)") }
      let trained = model.state.corpusFingerprint
      switch data {
      case .text(let split) where split.training.corpus.fingerprint == trained:
        text = split.training
      case .sequences(let data) where data.fingerprint == trained: counts = data.targetCounts
      default: missing = Self.words(path, .changed)
      }
    } catch let error where !(error is CollectiveError) {
      missing = Self.words(path, .gone)
    }
  }

  private enum Reason: UInt8, BitwiseCopyable { case none, gone, long, changed }

  private static func reason(against path: String) -> Reason {
    guard let status = FileStatus(path) else { return .gone }
    if status.kind != .regular || status.byteCount <= mostBytes { return .none }
    return CorpusPreparation.isTokenFile(path) ? .none : .long
  }

  private static func words(_ path: String, _ reason: Reason) -> String {
    let problem =
      switch reason {
      case .none: "nothing is missing"
      case .gone: "is not there or cannot be read"
      case .long: "has more than \(Format.bytes(mostBytes)) that would have to be tokenized"
      case .changed: "is not the one that it was trained on"
      }
    return "no unigram model stands beside it: the training text, '\(path)', \(problem)"
  }
}
