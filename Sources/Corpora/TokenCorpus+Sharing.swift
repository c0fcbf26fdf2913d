import NumericContract
package import Records

/// How the ranks of a host hold the tokens of a text once.
extension TokenCorpus {
  /// What another rank of the host needs to hold a corpus without reading its text.
  package struct Offer: Sendable {
    /// Nil where the text itself is mapped.
    var tokens: SharedBytes?
    var tokenBytes: Int
    /// Tells the tokens from others; empty where the text itself is mapped.
    var content: String
    var textBytes: Int
    var count: Int
    var trainingCount: Int?
    var testStart: Int?
    var fingerprint: String
    var spelled: SpelledTokens

    /// The form in which one rank tells it to another.
    package var json: OrderedJSON {
      var members: [OrderedJSON.Member] = [
        .init("token_bytes", .integer(tokenBytes)), .init("content", .string(content)),
        .init("text_bytes", .integer(textBytes)), .init("count", .integer(count)),
        .init("fingerprint", .string(fingerprint)), .init("unknown", .integer(spelled.unknown)),
        .init("line_ends", .integer(spelled.lineEnds)),
      ]
      if let tokens { members.append(.init("path", .string(tokens.path))) }
      if let trainingCount { members.append(.init("training_count", .integer(trainingCount))) }
      if let testStart { members.append(.init("test_start", .integer(testStart))) }
      return .object(members)
    }

    /// Unlinks the file, when all have mapped it.
    package func removeName() { tokens?.removeName() }
  }

  /// The corpus with its tokens in a file that others can map, and what they need for that; nil of
  /// a token file, which all map anyway.
  ///
  /// - Throws: `SystemError` where the directory has no room for the tokens.
  package func shared(in directory: String) throws -> (corpus: TokenCorpus, offer: Offer)? {
    if case .file = storage { return nil }
    var offer = Offer(
      tokens: nil, tokenBytes: 1, content: "", textBytes: unsafe file.bytes.count,
      count: count, trainingCount: trainingCount, testStart: testStart,
      fingerprint: fingerprint, spelled: spelled)
    var shared: SharedBytes?
    func put<Token>(_ tokens: [Token]) throws {
      shared = try unsafe tokens.withUnsafeBytes {
        offer.content = unsafe ContentHash128(of: $0).description
        return try unsafe SharedBytes(copying: $0, in: directory)
      }
      offer.tokenBytes = MemoryLayout<Token>.stride
    }
    switch storage {
    case .narrow(let tokens): try put(tokens)
    case .wide(let tokens): try put(tokens)
    case .bytes, .file, .shared: return (self, offer)
    }
    offer.tokens = shared
    return (try TokenCorpus(offer, path: path, tokenizer: tokenizer), offer)
  }

  /// As `init(json:path:tokenizer:)`, from the bytes of an offer.
  package convenience init(offered: [UInt8], path: String, tokenizer: Tokenizer) throws {
    let fields = try JSONFields(try OrderedJSON(parsing: offered))
    try self.init(json: fields, path: path, tokenizer: tokenizer)
  }

  /// Holds what another rank of the host has read.
  ///
  /// - Throws: where its file cannot be mapped, has other tokens or belongs to another text: the
  ///   caller reads the text itself then.
  package convenience init(json fields: JSONFields, path: String, tokenizer: Tokenizer) throws {
    let (bytes, count) = (try fields.integer("token_bytes"), try fields.integer("count"))
    let (length, overflow) = bytes.multipliedReportingOverflow(by: count)
    guard [1, 2, 4].contains(bytes), count >= 0, !overflow else {
      throw fields.error("token_bytes", "is impossible")
    }
    let tokens = try fields.string(ifPresent: "path").map {
      try SharedBytes(mapping: $0, byteCount: length)
    }
    let content = tokens.map { unsafe ContentHash128(of: $0.bytes).description } ?? ""
    guard content == (try fields.string("content")) else {
      throw fields.error("content", "is not that of the file")
    }
    let offer = Offer(
      tokens: tokens, tokenBytes: bytes, content: content,
      textBytes: try fields.integer("text_bytes"), count: count,
      trainingCount: try fields.integer(ifPresent: "training_count"),
      testStart: try fields.integer(ifPresent: "test_start"),
      fingerprint: try fields.string("fingerprint"),
      spelled: SpelledTokens(
        unknown: try fields.integer("unknown"), lineEnds: try fields.integer("line_ends")))
    try self.init(offer, path: path, tokenizer: tokenizer)
  }
}
