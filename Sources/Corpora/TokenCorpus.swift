import NumericContract
package import Records

/// A text file as a run of tokens, readable at any place by any thread.
///
/// A byte corpus is the memory-mapped file itself. A corpus of characters or words is decoded once
/// into an array of 2 bytes a token (4 beyond 65,536 kinds); the file stays mapped for questions
/// about bytes. A token file is used as it lies on the disk.
package final class TokenCorpus: Sendable {
  package let path: String
  package let tokenizer: Tokenizer
  /// Tokens in the corpus.
  package let count: Int
  /// A fingerprint of the text's bytes, whatever the tokenizer, or of a token file's content; 32
  /// hexadecimal digits.
  package let fingerprint: String
  /// Tokens before those that are held out; nil where none are, or of a token file.
  package let trainingCount: Int?
  /// Tokens before those that are held out for a test; nil where `trainingCount` is.
  package let testStart: Int?
  /// What a text of words spells.
  package let spelled: SpelledTokens
  let file: MappedFile
  let storage: Storage

  /// Where the tokens lie.
  enum Storage: Sendable {
    case bytes
    case narrow([UInt16])
    case wide([Int32])
    /// Tokens within a token file.
    case file(TokenFile)
    /// Tokens of 2 or 4 bytes that other ranks of the host have too.
    case shared(SharedBytes, tokenBytes: Int)
  }

  /// Opens a training text; a tokenizer learns its vocabulary from all of it that is not held out.
  ///
  /// - Parameter heldOut: nil where nothing is, or the vocabulary is learnt from that too.
  /// - Parameter progress: told what is read: the text once for its fingerprint, and but for bytes
  ///   once to learn from it and once to tokenize it.
  /// - Throws: a file that is missing, no regular file, unreadable, empty or, but for bytes, not
  ///   UTF-8.
  package convenience init(
    path: String, learning: Tokenizer.Learning, heldOut: HeldOut? = nil,
    progress: ReadingProgress? = nil
  ) throws(CorpusError) {
    let file = try MappedFile(path: path)
    if unsafe TokenFileHeader.begins(file.bytes) {
      let tokens = try unsafe TokenFile(file.bytes, path: path)
      guard tokens.tokenizer.kind == learning.kind else {
        let found = tokens.tokenizer.kind.rawValue
        throw .otherTokenizer(
          path: path, found: "the tokenizer \"\(found)\"",
          wanted: "\"\(learning.kind.rawValue)\"", hint: "set data.tokenizer to \"\(found)\"")
      }
      self.init(file: file, path: path, tokens: tokens)
      return
    }
    unsafe progress?.expect((learning.kind == .byte ? 1 : 3) * file.bytes.count)
    var learner = TokenizerLearner(learning)
    var pace = ReadingPace(progress)
    try unsafe learner.add(
      Self.trainingPart(of: file.bytes, learning, heldOut, path: path), path: path
    ) { pace.reach($0) }
    unsafe pace.reach(learning.kind == .byte ? 0 : file.bytes.count)
    try self.init(
      file: file, path: path, tokenizer: learner.tokenizer(), heldOut: heldOut,
      progress: progress)
  }

  /// As `init(path:learning:)` with what a config has by default.
  package convenience init(path: String, learning kind: Tokenizer.Kind) throws(CorpusError) {
    try self.init(path: path, learning: Tokenizer.Learning(kind))
  }

  /// Opens a text for a tokenizer that exists already, such as a validation text.
  ///
  /// - Throws: as `init(path:learning:)`.
  package convenience init(
    path: String, tokenizer: Tokenizer, heldOut: HeldOut? = nil,
    progress: ReadingProgress? = nil
  ) throws(CorpusError) {
    let file = try MappedFile(path: path)
    if unsafe TokenFileHeader.begins(file.bytes) {
      let tokens = try unsafe TokenFile(file.bytes, path: path)
      guard tokens.tokenizer == tokenizer else {
        let difference = tokens.tokenizer.difference(
          own: "it", from: tokenizer, of: "the training text")
        throw .otherTokenizer(
          path: path, found: "another tokenizer",
          wanted: "that of the training text (\(difference ?? "it is another"))",
          hint: "prepare it with --tokenizer-from and the token file of the training text or a run")
      }
      self.init(file: file, path: path, tokens: tokens)
      return
    }
    unsafe progress?.expect((tokenizer == .byte ? 1 : 2) * file.bytes.count)
    try self.init(
      file: file, path: path, tokenizer: tokenizer, heldOut: heldOut, progress: progress)
  }

  private init(file: consuming MappedFile, path: String, tokens: TokenFile) {
    self.path = path
    tokenizer = tokens.tokenizer
    count = tokens.header.tokenCount
    fingerprint = tokens.content.description
    storage = .file(tokens)
    (trainingCount, testStart) = (nil, nil)
    spelled = SpelledTokens()
    self.file = file
  }

  private init(
    file: consuming MappedFile, path: String, tokenizer: Tokenizer, heldOut: HeldOut?,
    progress: ReadingProgress?
  ) throws(CorpusError) {
    self.path = path
    self.tokenizer = tokenizer
    if unsafe tokenizer.body(of: file.bytes).isEmpty { throw .empty(path: path) }
    fingerprint = unsafe Self.fingerprint(of: file.bytes, progress)
    let ends = heldOut.map { held in
      let (kind, rules) = (tokenizer.kind, tokenizer.rules)
      let text = unsafe tokenizer.body(of: file.bytes)
      return unsafe PartEnds(
        training: held.trainingEnd(of: text, kind: kind, rules: rules),
        validation: held.test == 0
          ? text.count : held.testStart(of: text, kind: kind, rules: rules))
    }
    if tokenizer == .byte {
      storage = .bytes
      count = unsafe file.bytes.count
      (trainingCount, testStart) = (ends?.training, ends?.validation)
      spelled = SpelledTokens()
    } else if tokenizer.vocabularySize <= 1 << 16 {
      let read: Reading<UInt16> = try unsafe Self.decode(
        file.bytes, path: path, tokenizer, ends, progress)
      storage = .narrow(read.tokens)
      count = read.tokens.count
      (trainingCount, testStart) = (read.ends?.training, read.ends?.validation)
      spelled = read.spelled
    } else {
      let read: Reading<Int32> = try unsafe Self.decode(
        file.bytes, path: path, tokenizer, ends, progress)
      storage = .wide(read.tokens)
      count = read.tokens.count
      (trainingCount, testStart) = (read.ends?.training, read.ends?.validation)
      spelled = read.spelled
    }
    self.file = file
  }

  /// Holds what another rank of the host has read.
  ///
  /// - Throws: where the text is another.
  init(_ offer: Offer, path: String, tokenizer: Tokenizer) throws(CorpusError) {
    let file = try MappedFile(path: path)
    guard unsafe file.bytes.count == offer.textBytes else { 
      throw .unreadable(path: path, message: "it was changed meanwhile")
    }
    self.path = path
    self.tokenizer = tokenizer
    (count, trainingCount, testStart) = (offer.count, offer.trainingCount, offer.testStart)
    (fingerprint, spelled) = (offer.fingerprint, offer.spelled)
    storage = offer.tokens.map { .shared($0, tokenBytes: offer.tokenBytes) } ?? .bytes
    self.file = file
  }

  /// Whether it is a token file, whose vocabulary was learned when it was made.
  package var isPrepared: Bool { if case .file = storage { true } else { false } }

  /// Bytes of memory that the tokens take, beyond the file that is mapped.
  package var memoryBytes: Int {
    switch storage {
    case .bytes, .file, .shared: 0
    case .narrow(let tokens): tokens.count * MemoryLayout<UInt16>.stride
    case .wide(let tokens): tokens.count * MemoryLayout<Int32>.stride
    }
  }

  /// The token at `index`, which must lie in 0 ..< `count`.
  package subscript(index: Int) -> Int32 {
    precondition(index >= 0, "token index \(index) < 0")
    precondition(index < count, "token index \(index) >= \(count) tokens")
    switch storage {
    case .bytes: return unsafe Int32(file.bytes[index])
    case .narrow(let tokens): return Int32(tokens[index])
    case .wide(let tokens): return tokens[index]
    case .file, .shared:
      var token: Int32 = 0
      withTokens { view in
        switch view {
        case .bytes(let tokens): token = unsafe Int32(tokens[index])
        case .narrow(let tokens): token = unsafe Int32(tokens[index])
        case .wide(let tokens): token = unsafe tokens[index]
        }
      }
      return token
    }
  }

  /// Calls `body` with the tokens in the form they are stored in. Does not allocate.
  @inline(__always)
  func withTokens(_ body: (TokenView) -> Void) {
    switch storage {
    case .bytes:
      unsafe body(.bytes(file.bytes.assumingMemoryBound(to: UInt8.self)))
    case .narrow(let tokens):
      unsafe tokens.withUnsafeBufferPointer { unsafe body(.narrow($0)) }
    case .wide(let tokens):
      unsafe tokens.withUnsafeBufferPointer { unsafe body(.wide($0)) }
    case .shared(let tokens, let tokenBytes):
      if tokenBytes == 2 {
        unsafe body(.narrow(tokens.bytes.assumingMemoryBound(to: UInt16.self)))
      } else {
        unsafe body(.wide(tokens.bytes.assumingMemoryBound(to: Int32.self)))
      }
    case .file(let tokens):
      let start = TokenFileHeader.pageBytes
      let end = start + tokens.header.tokenBytes * tokens.header.tokenCount
      let raw = unsafe UnsafeRawBufferPointer(rebasing: file.bytes[start..<end])
      switch tokens.header.tokenBytes {
      case 1: unsafe body(.bytes(raw.assumingMemoryBound(to: UInt8.self)))
      case 2: unsafe body(.narrow(raw.assumingMemoryBound(to: UInt16.self)))
      default: unsafe body(.wide(raw.assumingMemoryBound(to: Int32.self)))
      }
    }
  }
}
