/// Turns texts of any size into one token file, in memory that does not grow with them: a first
/// pass learns the vocabulary, a second one writes the tokens.
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
  static func isTokenFile(_ path: String) -> Bool {
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
    for path in texts {
      let file = try open(path)
      try unsafe learner.add(file.bytes, path: names[path] ?? path) { offset in
        file.release(upTo: offset)
        report(Progress(pass: .learning, bytes: done + offset))
      }
      unsafe done += file.bytes.count
    }
    return learner.tokenizer()
  }

  /// Writes the tokens of all texts.
  package func write(
    with tokenizer: Tokenizer, report: (Progress) -> Void = { _ in }
  ) throws(CorpusError) -> Summary {
    let writer = try TokenFileWriter(
      path: output, vocabularySize: tokenizer.vocabularySize, replaces: overwrite)
    var done = 0
    var unknown = 0
    let unknownToken = tokenizer.unknown ?? -1
    for path in texts {
      let file = try open(path)
      var pace = Pace()
      // A token's bytes start where those of the one before end.
      var start = 0
      try unsafe tokenizer.forEachToken(of: file.bytes, path: names[path] ?? path) { token, end in
        writer.append(token, at: done + start)
        if token == unknownToken { unknown += 1 }
        start = end
        if pace.isDue(end) {
          file.release(upTo: end)
          report(Progress(pass: .writing, bytes: done + end))
        }
      }
      unsafe done += file.bytes.count
      try writer.requireSound()
    }
    guard writer.tokenCount > 0 else { throw .empty(path: texts.first ?? output) }
    try writer.finish(tokenizer: tokenizer, textBytes: done)
    return Summary(
      tokens: writer.tokenCount, textBytes: done, vocabularySize: tokenizer.vocabularySize,
      unknown: unknown)
  }

  private func open(_ path: String) throws(CorpusError) -> MappedFile {
    let file: MappedFile
    do throws(CorpusError) { file = try MappedFile(path: path) } catch .empty {
      throw .empty(path: names[path] ?? path)
    }
    if unsafe TokenFileHeader.begins(file.bytes) {
      throw .preparedAlready(path: names[path] ?? path)
    }
    return file
  }
}
