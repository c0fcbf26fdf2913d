/// What is to be known of the documents that a language model is measured on.
package struct DocumentCounts: Sendable, Equatable, Codable {
  /// Bytes and characters of text that the targets stand for; the end of a document counts one.
  package var bytes: Int
  package var characters: Int
  /// Targets that the tokenizer does not know.
  package var unknown: Int
  /// The loss, in nats a token, of a model that knows how often each token is a target in training,
  /// once more each, and nothing else; nil where that is not known.
  package var unigramLoss: Double?

  package init(bytes: Int, characters: Int, unknown: Int, unigramLoss: Double?) {
    self.bytes = bytes
    self.characters = characters
    self.unknown = unknown
    self.unigramLoss = unigramLoss
  }
}
