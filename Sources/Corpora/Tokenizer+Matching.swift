/// Which tokens of one vocabulary are tokens of another.
extension Tokenizer {
  /// The bytes that a token stands for in a text, by which tokens of different kinds are compared;
  /// nil for the token of what is unknown.
  package func bytes(of token: Int32) -> [UInt8]? {
    if token == unknown { return nil }
    if case .word(let vocabulary) = self {
      return token == WordVocabulary.lineEnd
        ? [UInt8(ascii: "\n")] : Array(vocabulary.word(of: token))
    }
    return decode(CollectionOfOne(token))
  }

  /// The tokens of another vocabulary that stand for the same, by token of this one; -1 where there
  /// is none. What is unknown to either is one token. Where several stand for the same bytes, it is
  /// the first.
  package func counterparts(in other: Tokenizer) -> [Int32] {
    let all = 0..<Int32(vocabularySize)
    if self == other { return Array(all) }
    let index = TokenIndex(of: other)
    return all.map { token in
      guard let bytes = bytes(of: token) else { return other.unknown ?? -1 }
      return unsafe bytes.withUnsafeBytes { unsafe index.token(of: $0) } ?? -1
    }
  }
}

/// Finds tokens by the bytes that they stand for.
package struct TokenIndex {
  private var table = ByteStringTable()
  /// The token of each string.
  private var tokens: [Int32] = []

  package init(of tokenizer: Tokenizer) {
    for token in 0..<Int32(tokenizer.vocabularySize) {
      guard let bytes = tokenizer.bytes(of: token) else { continue }
      // The first of several that stand for the same.
      if table.insert(bytes) == tokens.count { tokens.append(token) }
    }
  }

  /// The token that stands for some bytes; nil where none does.
  @inline(__always)
  package func token(of bytes: UnsafeRawBufferPointer) -> Int32? {
    unsafe table.index(of: bytes).map { tokens[$0] }
  }
}
