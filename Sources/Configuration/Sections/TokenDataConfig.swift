package import Corpora
package import Tasks

/// The keys of `data` for sequences of tokens, made of texts that each stand for themselves.
package struct TokenDataConfig: Sendable, Equatable {
  /// How texts become tokens; nil where sequences are real vectors.
  package var tokenizer: Tokenizer.Kind?
  /// The column of a table, or the member of a line of JSON, that holds the text.
  package var text = "text"
  /// What becomes of texts that are longer than `batch.window`.
  package var truncate = TextTruncation.none
}

extension DataConfig {
  static let tokenKeys: [ConfigKey<DataConfig>] = [
    ConfigKey(
      "tokenizer", \.tokens.tokenizer, .optionalChoice(aliases: ["char": .character]),
      tasks: [.classification],
      "How texts become tokens: bytes, Unicode characters, words (a line end is `<eos>`), or byte "
        + "pairs, learned from what trains; null reads real vectors."),
    ConfigKey(
      "text", \.tokens.text, .text, tasks: [.classification],
      "The column of a table, or the member of a line of JSON, that holds the text."),
    ConfigKey(
      "truncate", \.tokens.truncate, .choice(), tasks: [.classification],
      "What is left out of texts of more than `batch.window` tokens: nothing (they are an error), "
        + "their end or their start."),
  ]
}
