import Batches
import Corpora
import NumericContract

/// What is counted of the text that a model is measured on, once for all measurements.
struct TextFigures: Sendable {
  /// Bytes and characters that its targets stand for; nil where they are unknown.
  let bytes: Int
  let characters: Int?
  /// Targets that the tokenizer does not know.
  let unknown: Int
  /// Of a model that knows how often each token stands in the training text, and nothing else; nil
  /// where that is not there.
  private let unigramLoss: Double?

  init(_ part: CorpusSplit.Part, training: CorpusSplit.Part?) {
    bytes = part.targetBytes
    characters = part.targetCharacters
    unknown = part.unknownTargets
    unigramLoss = training.map { part.unigramLoss(knowing: $0) }
  }

  init(_ documents: DocumentCounts) {
    bytes = documents.bytes
    characters = documents.characters
    unknown = documents.unknown
    unigramLoss = documents.unigramLoss
  }

  /// The baseline of language models.
  func figures(targets: Int) -> Figures {
    guard let unigramLoss else { return Figures() }
    let nats = unigramLoss * Double(targets)
    func bits(per count: Int?) -> Double? {
      count.flatMap { Figures.ratio(nats, Double($0)) }.map { $0 / Elementary.log(2) }
    }
    return Figures(baselines: [
      Figures.Baseline(
        "unigram",
        [
          "loss": unigramLoss, "perplexity": Elementary.exp(unigramLoss),
          "bits_per_byte": bits(per: bytes), "bits_per_character": bits(per: characters),
        ])
    ])
  }
}
