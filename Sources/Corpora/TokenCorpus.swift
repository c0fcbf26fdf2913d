/// A text file as a run of tokens, readable at any place by any thread.
///
/// A byte corpus is the memory-mapped file itself. A corpus of characters or words is decoded once
/// into an array of 2 bytes a token (4 beyond 65,536 kinds); the file stays mapped for questions
/// about bytes.
package final class TokenCorpus: Sendable {
  package let path: String
  package let tokenizer: Tokenizer
  /// Tokens in the corpus.
  package let count: Int
  /// A fingerprint of the file's bytes, 32 hexadecimal digits, whatever the tokenizer.
  package let fingerprint: String
  private let file: MappedFile
  private let storage: Storage

  /// Where the tokens lie.
  enum Storage: Sendable {
    case bytes
    case narrow([UInt16])
    case wide([Int32])
  }

  /// Opens a training text; a tokenizer of characters or words learns its vocabulary from all of it.
  ///
  /// - Throws: a file that is missing, no regular file, unreadable, empty or, but for bytes, not
  ///   UTF-8.
  package convenience init(
    path: String, learning: Tokenizer.Learning
  ) throws(CorpusError) {
    let file = try MappedFile(path: path)
    let tokenizer = try Tokenizer(learning: learning, from: file.bytes, path: path)
    try self.init(file: file, path: path, tokenizer: tokenizer)
  }

  /// As `init(path:learning:)` with what a config has by default.
  package convenience init(path: String, learning kind: Tokenizer.Kind) throws(CorpusError) {
    try self.init(path: path, learning: Tokenizer.Learning(kind))
  }

  /// Opens a text for a tokenizer that exists already, such as a validation text.
  ///
  /// - Throws: as `init(path:learning:)`.
  package convenience init(path: String, tokenizer: Tokenizer) throws(CorpusError) {
    try self.init(file: try MappedFile(path: path), path: path, tokenizer: tokenizer)
  }

  private init(
    file: consuming MappedFile, path: String, tokenizer: Tokenizer
  ) throws(CorpusError) {
    self.path = path
    self.tokenizer = tokenizer
    fingerprint = ContentHash128(of: file.bytes).description
    if tokenizer == .byte {
      storage = .bytes
      count = file.bytes.count
    } else if tokenizer.vocabularySize <= 1 << 16 {
      let tokens: [UInt16] = try Self.decode(file.bytes, path: path, tokenizer)
      storage = .narrow(tokens)
      count = tokens.count
    } else {
      let tokens: [Int32] = try Self.decode(file.bytes, path: path, tokenizer)
      storage = .wide(tokens)
      count = tokens.count
    }
    self.file = file
  }

  /// The token at `index`, which must lie in 0 ..< `count`.
  package subscript(index: Int) -> Int32 {
    precondition(index >= 0, "token index \(index) < 0")
    precondition(index < count, "token index \(index) >= \(count) tokens")
    switch storage {
    case .bytes: return Int32(file.bytes[index])
    case .narrow(let tokens): return Int32(tokens[index])
    case .wide(let tokens): return tokens[index]
    }
  }

  /// Calls `body` with the tokens in the form they are stored in. Does not allocate.
  @inline(__always)
  func withTokens(_ body: (TokenView) -> Void) {
    switch storage {
    case .bytes:
      body(.bytes(file.bytes.assumingMemoryBound(to: UInt8.self)))
    case .narrow(let tokens):
      tokens.withUnsafeBufferPointer { body(.narrow($0)) }
    case .wide(let tokens):
      tokens.withUnsafeBufferPointer { body(.wide($0)) }
    }
  }

  /// Bytes of the file that the tokens of `range` stand for; turns nats a token into bits a byte.
  ///
  /// - Complexity: one pass over the file, none for bytes.
  package func byteCount(of range: Range<Int>) -> Int {
    precondition(range.lowerBound >= 0, "range \(range) starts below 0")
    precondition(range.upperBound <= count, "range \(range) ends beyond \(count) tokens")
    if case .bytes = storage { return range.count }
    if range.isEmpty { return 0 }
    var index = 0
    var start = 0
    var end = file.bytes.count
    // A corpus that is open was decoded before.
    try? tokenizer.forEachToken(of: file.bytes, path: path) { _, offset in
      index += 1
      if index == range.lowerBound { start = offset }
      if index == range.upperBound, index < count { end = offset }
    }
    return end - start
  }

  private static func decode<Token: FixedWidthInteger>(
    _ text: UnsafeRawBufferPointer, path: String, _ tokenizer: Tokenizer
  ) throws(CorpusError) -> [Token] {
    var tokens: [Token] = []
    if case .character = tokenizer {
      tokens.reserveCapacity(text.reduce(0) { $0 + ($1 & 0xC0 != 0x80 ? 1 : 0) })
    }
    try tokenizer.forEachToken(of: text, path: path) { token, _ in
      tokens.append(Token(truncatingIfNeeded: token))
    }
    return tokens
  }
}

/// The tokens of a corpus in one of the widths they are stored in.
enum TokenView {
  case bytes(UnsafeBufferPointer<UInt8>)
  case narrow(UnsafeBufferPointer<UInt16>)
  case wide(UnsafeBufferPointer<Int32>)
}
