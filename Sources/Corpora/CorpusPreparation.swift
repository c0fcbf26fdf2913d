/// Turns texts of any size into one token file, in memory that does not grow with them: a first
/// pass learns the vocabulary, a second one writes the tokens.
///
/// The texts follow each other as lines do: behind one that ends without a line end comes a
/// newline, so that nothing is glued, whatever the tokenizer. (By version 1 of the rules only the
/// words of two texts are kept apart.)
package struct CorpusPreparation {
  /// Files of text, in the order in which they follow each other.
  package var texts: [String]
  package var output: String
  /// Whether the output takes the place of a regular file that is there.
  package var overwrite = true
  /// What errors call a text, where not by its path.
  package var names: [String: String] = [:]

  package init(texts: [String], output: String) {
    self.texts = texts
    self.output = output
  }

  /// What was written.
  package struct Summary: Sendable, Equatable {
    package var tokens: Int
    package var textBytes: Int
    package var vocabularySize: Int
    /// Tokens that the tokenizer does not know.
    package var unknown = 0
    /// Newlines that were put between texts.
    package var newlines = 0
    /// What a text of words spells.
    package var spelled = SpelledTokens()
  }

  /// A part of the work: which pass, and the bytes of all texts that it has read.
  package struct Progress: Sendable, Equatable {
    package enum Pass: String, Sendable { case learning, writing }
    package var pass: Pass
    package var bytes: Int
  }

  /// The tokenizer of a token file; nil for a file that is none.
  package static func tokenizer(ofTokenFile path: String) throws(CorpusError) -> Tokenizer? {
    let file = try MappedFile(path: path)
    return unsafe TokenFileHeader.begins(file.bytes)
      ? try TokenFile(file.bytes, path: path).tokenizer : nil
  }

  /// Whether a file can be read and begins as a token file does.
  package static func isTokenFile(_ path: String) -> Bool {
    guard let file = try? MappedFile(path: path) else { return false }
    return unsafe TokenFileHeader.begins(file.bytes)
  }

  /// Learns a tokenizer from all texts.
  package func learn(
    _ learning: Tokenizer.Learning, report: (Progress) -> Void = { _ in }
  ) throws(CorpusError) -> Tokenizer {
    if learning.kind == .byte { return .byte }
    var learner = TokenizerLearner(learning)
    var done = 0
    for (index, path) in texts.enumerated() {
      let file = try open(path, learning.rules)
      try unsafe learner.add(file.bytes, path: names[path] ?? path) { offset in
        file.release(upTo: offset)
        report(Progress(pass: .learning, bytes: done + offset))
      }
      unsafe done += file.bytes.count
      if unsafe needsNewline(behind: index, file.bytes, learning.rules) { learner.addNewline() }
    }
    return learner.tokenizer()
  }

  /// Writes the tokens of all texts.
  package func write(
    with tokenizer: Tokenizer, report: (Progress) -> Void = { _ in }
  ) throws(CorpusError) -> Summary {
    let rules = tokenizer.rules ?? .newest
    var pass = WritingPass(
      writer: try TokenFileWriter(path: output, tokenizer: tokenizer, replaces: overwrite))
    let newline = tokenizer.encode("\n")
    for (index, path) in texts.enumerated() {
      let file = try open(path, rules)
      try pass.write(file, path: names[path] ?? path, with: tokenizer) {
        report(Progress(pass: .writing, bytes: $0))
      }
      if unsafe needsNewline(behind: index, file.bytes, rules) {
        pass.writeNewline(newline, isWritten: tokenizer.kind == .word)
      }
      try pass.writer.requireSound()
    }
    var summary = pass.summary
    guard pass.writer.tokenCount > 0 else { throw .empty(path: texts.first ?? output) }
    summary.vocabularySize = tokenizer.vocabularySize
    summary.tokens = pass.writer.tokenCount
    try pass.writer.finish(textBytes: summary.textBytes)
    return summary
  }

  /// Whether a newline comes between a text and the next.
  private func needsNewline(
    behind index: Int, _ text: UnsafeRawBufferPointer, _ rules: TextRules
  ) -> Bool {
    unsafe rules >= .two && index < texts.count - 1 && !rules.endsWithLine(text)
  }

  private func open(_ path: String, _ rules: TextRules) throws(CorpusError) -> MappedFile {
    let file: MappedFile
    do throws(CorpusError) { file = try MappedFile(path: path) } catch .empty {
      throw .empty(path: names[path] ?? path)
    }
    if unsafe TokenFileHeader.begins(file.bytes) {
      throw .preparedAlready(path: names[path] ?? path)
    }
    if unsafe rules.body(of: file.bytes).isEmpty { throw .empty(path: names[path] ?? path) }
    return file
  }
}

/// The second pass over the texts.
private struct WritingPass {
  let writer: TokenFileWriter
  /// What was written so far.
  var summary = CorpusPreparation.Summary(tokens: 0, textBytes: 0, vocabularySize: 0)

  init(writer: TokenFileWriter) { self.writer = writer }

  mutating func write(
    _ file: borrowing MappedFile, path: String, with tokenizer: Tokenizer, reach: (Int) -> Void
  ) throws(CorpusError) {
    let unknownToken = tokenizer.unknown ?? -1
    let (writer, done) = (writer, summary.textBytes)
    var pace = Pace()
    // A token's bytes start where those of the one before end.
    var start = 0
    var unknown = 0
    var spelled = SpelledTokens()
    try unsafe tokenizer.forEachToken(of: file.bytes, path: path) {
      spelled.add($0)
    } _: { token, end in
      writer.append(token, at: done + start)
      if token == unknownToken { unknown += 1 }
      start = end
      if pace.isDue(end) {
        file.release(upTo: end)
        reach(done + end)
      }
    }
    summary.unknown += unknown
    summary.spelled.unknown += spelled.unknown
    summary.spelled.lineEnds += spelled.lineEnds
    unsafe summary.textBytes += tokenizer.body(of: file.bytes).count
  }

  /// - Parameter isWritten: whether the text's last line has its line end, of no bytes so far.
  mutating func writeNewline(_ tokens: [Int32], isWritten: Bool) {
    if !isWritten { for token in tokens { writer.append(token, at: summary.textBytes) } }
    summary.textBytes += 1
    summary.newlines += 1
  }
}
