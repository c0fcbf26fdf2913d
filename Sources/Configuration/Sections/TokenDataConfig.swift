package import Corpora
package import Tasks

/// The keys of `data` for sequences of tokens, made of texts that each stand for themselves.
package struct TokenDataConfig: Sendable, Equatable {
  /// How texts become tokens; nil where sequences are real vectors.
  package var tokenizer: Tokenizer.Kind?
  /// The column of a table, or the member of a line of JSON, that holds the text.
  package var text = "text"
  /// What of a language model's text stands for itself; nil where it is one stream.
  package var documents: DocumentUnit?
  /// Of words with a label each the columns, or the members of a line of JSON, that hold them; nil
  /// for the usual ones.
  package var words: String?
  package var tags: String?
  /// The label of words that do not count.
  package var ignoredLabel: String?
  /// The column or member of an event of a session that holds its item, and the one by which its
  /// events are ordered; nil for the order of the file.
  package var item = "item"
  package var time: String?
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
      "documents", \.tokens.documents, .optionalChoice(), tasks: [.language],
      "What of the text stands for itself, with a state of its own: a line, a file of a directory, "
        + "or a record (a row of a table, a line of JSON); null reads one stream."),
    ConfigKey(
      "text", \.tokens.text, .text, tasks: [.language, .classification],
      "The column of a table, or the member of a line of JSON, that holds the text."),
    ConfigKey(
      "text", \.tokens.words, .optionalText, tasks: [.tagging],
      "The number of the column, or the member of a line of JSON, that holds words; null for the "
        + "first column (of CoNLL-U the second) and `tokens`."),
    ConfigKey(
      "label", \.tokens.tags, .optionalText, tasks: [.tagging],
      "The same of labels; null for the last column (of CoNLL-U the fourth) and `labels`."),
    ConfigKey(
      "ignore_label", \.tokens.ignoredLabel, .optionalText(takesEmpty: true),
      tasks: [.classification, .tagging],
      "A label whose words, or steps, are read, and count neither in losses nor in figures, and "
        + "whose texts are left out; \"\" of those that have none."),
    ConfigKey(
      "item", \.tokens.item, .text, tasks: [.recommendation],
      "The column of a table, or the member of a line of JSON, that holds the item of an event."),
    ConfigKey(
      "time", \.tokens.time, .optionalText, tasks: [.recommendation],
      "The one by which the events of a session are ordered, numbers or ISO dates; null keeps the "
        + "order of the file."),
    ConfigKey(
      "truncate", \.tokens.truncate, .choice(), tasks: [.classification, .tagging],
      "What is left out of texts of more than `batch.window` tokens: nothing (they are an error), "
        + "their end or their start."),
  ]
}
