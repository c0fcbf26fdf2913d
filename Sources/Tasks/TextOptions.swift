/// What is left out of a text that is too long for a row of a batch.
package enum TextTruncation: String, CaseIterable, Sendable {
  /// Nothing: it is an error.
  case none
  /// What is behind the first tokens, or before the last ones.
  case end, start
}

/// What stands for itself in the text of a language model.
package enum DocumentUnit: String, CaseIterable, Sendable {
  /// A line of a file that is not blank.
  case line
  /// A file of a directory.
  case file
  /// A row of a table, or a line of JSON.
  case record
}
