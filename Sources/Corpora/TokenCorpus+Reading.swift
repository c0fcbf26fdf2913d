import NumericContract
import Records

extension TokenCorpus {
  /// What a vocabulary is learnt from.
  static func trainingPart(
    of file: UnsafeRawBufferPointer, _ learning: Tokenizer.Learning, _ heldOut: HeldOut?,
    path: String
  ) throws(CorpusError) -> UnsafeRawBufferPointer {
    guard let heldOut, learning.kind != .byte else { return unsafe file }
    let body = unsafe learning.rules.body(of: file)
    let end = unsafe heldOut.trainingEnd(of: body, kind: learning.kind, rules: learning.rules)
    let bytes = file.count - body.count + end
    if learning.kind == .word {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: file[bytes...])
      try unsafe UTF8Scanner.requireUTF8(rest, path: path, offset: bytes)
    }
    return unsafe UnsafeRawBufferPointer(rebasing: file[..<bytes])
  }

  /// The fingerprint of a text.
  static func fingerprint(
    of bytes: UnsafeRawBufferPointer, _ progress: ReadingProgress?
  ) -> String {
    var hasher = ContentHash128.Hasher()
    for start in stride(from: 0, to: bytes.count, by: 1 << 20) {
      let part = unsafe UnsafeRawBufferPointer(
        rebasing: bytes[start..<min(bytes.count, start + (1 << 20))])
      unsafe hasher.update(part)
      progress?.advance(part.count)
    }
    return hasher.finish().description
  }

  /// Where parts of a text end, in bytes or tokens: the one to test on at the text's end.
  struct PartEnds {
    var training: Int
    var validation: Int
  }

  /// What was read of a text.
  struct Reading<Token> {
    var tokens: [Token] = []
    /// Tokens that end with each part; nil where nothing is held out.
    var ends: PartEnds?
    var spelled = SpelledTokens()
  }

  /// Reads a whole text.
  static func decode<Token: FixedWidthInteger>(
    _ text: UnsafeRawBufferPointer, path: String, _ tokenizer: Tokenizer, _ ends: PartEnds?,
    _ progress: ReadingProgress?
  ) throws(CorpusError) -> Reading<Token> {
    var read = Reading<Token>()
    if case .character = tokenizer {
      unsafe read.tokens.reserveCapacity(text.reduce(0) { $0 + ($1 & 0xC0 != 0x80 ? 1 : 0) })
    }
    var pace = ReadingPace(progress)
    let (trainingEnd, validationEnd) = (ends?.training ?? 0, ends?.validation ?? 0)
    var counts = PartEnds(training: 0, validation: 0)
    var excess: String?
    try unsafe tokenizer.forEachToken(of: text, path: path) {
      read.spelled.add($0)
    } _: { token, end in
      // What is refused is scanned to its end, and takes no memory.
      if excess == nil { read.tokens.append(Token(truncatingIfNeeded: token)) }
      if end <= trainingEnd { counts.training = read.tokens.count }
      if end <= validationEnd { counts.validation = read.tokens.count }
      if end >= pace.next {
        pace.reach(end)
        if excess == nil { excess = progress?.excess }
      }
    }
    if let excess { throw .tooLarge(path: path, excess: excess) }
    pace.reach(text.count)
    // The last line's end is a token that no byte of the text stands for.
    if validationEnd == text.count { counts.validation = read.tokens.count }
    if ends != nil { read.ends = counts }
    return read
  }
}

/// Tells of a pass over a text once a mebibyte.
struct ReadingPace {
  private let progress: ReadingProgress?
  private var told = 0
  /// The offset that is worth telling.
  private(set) var next = 1 << 20

  init(_ progress: ReadingProgress?) { self.progress = progress }

  mutating func reach(_ offset: Int) {
    progress?.advance(offset - told)
    told = offset
    next = offset + (1 << 20)
  }
}
