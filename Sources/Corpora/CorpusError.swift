import Records

/// What is wrong with a corpus: a file that cannot be used, or a text too short for the batch.
package enum CorpusError: StatusError, Equatable, Sendable {
  /// A call of the operating system failed; `message` is its reason.
  case unreadable(path: String, message: String)
  /// The path names no file.
  case missing(path: String)
  /// The path names a directory, a pipe or a device; `kind` says which.
  case notRegularFile(path: String, kind: String)
  /// The file is known by its first bytes to be no text.
  case notText(path: String, FileSignature)
  case empty(path: String)
  /// The tokenizer of characters or words met bytes that are not UTF-8, first at `offset`.
  case invalidUTF8(path: String, offset: Int)
  /// A range of the corpus holds `tokens` tokens but `needed` are wanted.
  ///
  /// `use` says what for ("training", "validation"), `keys` which config keys decide.
  case tooShort(path: String, use: String, tokens: Int, needed: Int, keys: [String])
  /// The corpus takes more memory than there is; `excess` says how much.
  case tooLarge(path: String, excess: String)
  /// A token file that is not what it should be.
  case damagedTokenFile(path: String, reason: String)
  /// A token file was made by another tokenizer than the one wanted.
  case otherTokenizer(path: String, found: String, wanted: String, hint: String)
  /// A token file is to be prepared as if it were a text.
  case preparedAlready(path: String)
  /// A call of the operating system failed while a token file was written.
  case unwritable(path: String, message: String)
  /// A file of the tokens of a vocabulary that is not what it should be.
  case badVocabulary(path: String, String)
  /// `data.valid_fraction` lies outside 0 ..< 1.
  case invalidFraction(Double)

  package var exitStatus: Int32 { ExitStatus.badUsage }
}

extension CorpusError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unreadable(let path, let message):
      "cannot read corpus '\(path)': \(message)"
    case .missing(let path):
      """
      corpus '\(path)' does not exist; paths are relative to the working directory: \
      name an existing text file
      """
    case .notRegularFile(let path, let kind):
      "corpus '\(path)' is \(kind), expected a regular text file"
    case .notText(let path, let signature):
      "corpus '\(path)' is \(signature.name), expected text in UTF-8; "
        + signature.remedy(path: path)
    case .empty(let path):
      "corpus '\(path)' is empty (0 bytes), expected text"
    case .invalidUTF8(let path, let offset):
      """
      corpus '\(path)' is not UTF-8: invalid byte sequence at offset \(offset), which only the \
      tokenizers "byte" and "bpe" can read; convert the file to UTF-8 or choose one of these by \
      data.tokenizer (--tokenizer of prepare)
      """
    case .tooShort(let path, let use, let tokens, let needed, let keys):
      """
      corpus '\(path)' is too short for \(use): \(tokens) tokens, expected at least \(needed); \
      use a longer text or change \(keys.joined(separator: ", "))
      """
    case .tooLarge(let path, let excess):
      """
      corpus '\(path)' \(excess); make a token file of it, which is not held in memory \
      (gru-dist prepare), or give it more memory
      """
    case .damagedTokenFile(let path, let reason):
      "token file '\(path)' cannot be used: \(reason); prepare it again"
    case .otherTokenizer(let path, let found, let wanted, let hint):
      "token file '\(path)' was made by \(found), expected \(wanted); \(hint)"
    case .preparedAlready(let path):
      "'\(path)' is a token file, expected text: it needs no preparation"
    case .unwritable(let path, let message):
      "cannot write '\(path)': \(message)"
    case .badVocabulary(let path, let problem):
      "vocabulary '\(path)' \(problem)"
    case .invalidFraction(let value):
      "data.valid_fraction and data.test_fraction add up to \(value), expected at least 0 and "
        + "below 1"
    }
  }
}
