package import Corpora
package import Tasks

/// How texts that each stand for themselves become sequences of tokens.
package struct TextRequest: Sendable {
  /// How a vocabulary is learnt from the texts that train.
  package var learning: Tokenizer.Learning
  /// The column of a table, or the member of a line of JSON, that holds the text.
  package var column = "text"
  /// What stands for itself in the text of a language model; nil of texts with labels.
  package var documents: DocumentUnit?
  /// Most documents of a row; nil for any number.
  package var mostDocuments: Int?
  /// How often each token was a target of documents that train, where others are measured on alone;
  /// nil where nobody knows.
  package var trainedCounts: [Int]?
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
  /// What is left out of texts of more tokens than a row has steps.
  package var truncation = TextTruncation.none

  package init(learning: Tokenizer.Learning) { self.learning = learning }
}

/// Tokens, and the unknown ones among them.
package struct TokenCount: Sendable, Equatable, Codable {
  package var tokens = 0
  package var unknown = 0

  package init(tokens: Int = 0, unknown: Int = 0) {
    self.tokens = tokens
    self.unknown = unknown
  }
}
