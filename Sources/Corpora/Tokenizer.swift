/// How text becomes tokens: every byte is one, or every Unicode scalar is.
///
/// Its `Codable` form is the description that checkpoints carry and that rebuilds it:
/// `{"kind":"byte"}` or `{"kind":"character","scalars":"A 20-7E"}`.
package enum Tokenizer: Sendable, Equatable {
  /// The tokenizers that a config can name (`data.tokenizer`).
  package enum Kind: String, Sendable, CaseIterable, Codable {
    case byte, character
  }

  /// 256 tokens, one for each value of a byte; takes any file.
  case byte
  /// The scalars of a training text and one token for all others; takes UTF-8 only.
  case character(CharacterVocabulary)

  package var kind: Kind {
    switch self {
    case .byte: .byte
    case .character: .character
    }
  }

  /// Tokens are 0 ..< `vocabularySize`.
  package var vocabularySize: Int {
    switch self {
    case .byte: 256
    case .character(let vocabulary): vocabulary.size
    }
  }

  /// The tokens of a text, such as a prompt.
  package func encode(_ text: String) -> [Int32] {
    switch self {
    case .byte: text.utf8.map { Int32($0) }
    case .character(let vocabulary): text.unicodeScalars.map { vocabulary.id(of: $0.value) }
    }
  }

  /// The bytes of the tokens' text.
  ///
  /// A byte model's tokens need not form UTF-8; unknown scalars become U+FFFD.
  /// Preconditions: tokens lie in 0 ..< `vocabularySize`.
  package func decode(_ tokens: some Sequence<Int32>) -> [UInt8] {
    switch self {
    case .byte:
      tokens.map { token in
        precondition(token >= 0, "token \(token) < 0")
        precondition(token < 256, "token \(token) >= vocabulary size 256")
        return UInt8(truncatingIfNeeded: token)
      }
    case .character(let vocabulary):
      tokens.flatMap { UTF8.encode(vocabulary.scalar(of: $0)).map(Array.init) ?? [] }
    }
  }

  /// The tokens' text, malformed UTF-8 of a byte model repaired with U+FFFD.
  package func decodeText(_ tokens: some Sequence<Int32>) -> String {
    String(decoding: decode(tokens), as: UTF8.self)
  }
}

extension Tokenizer: Codable {
  private enum CodingKeys: String, CodingKey { case kind, scalars }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    switch try container.decode(Kind.self, forKey: .kind) {
    case .byte: self = .byte
    case .character:
      self = .character(try container.decode(CharacterVocabulary.self, forKey: .scalars))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(kind, forKey: .kind)
    if case .character(let vocabulary) = self {
      try container.encode(vocabulary, forKey: .scalars)
    }
  }
}
