/// What is left out of a text that is too long for a row of a batch.
package enum TextTruncation: String, CaseIterable, Sendable {
  /// Nothing: it is an error.
  case none
  /// What is behind the first tokens, or before the last ones.
  case end, start
}
