import Foundation
package import Records

/// Makes a token file of texts, as `gru-dist prepare` does.
package struct Preparation {
  /// Text files, directories of them, or "-" for standard input.
  package var inputs: [String]
  package var output: String
  package var learning: Tokenizer.Learning
  /// A token file, run or checkpoint whose tokenizer is used instead of a new one.
  package var tokenizerSource: String?
  /// Gives the tokenizer of a run or checkpoint.
  package var tokenizerOfRun: (String) throws -> Tokenizer
  package var overwrite = false

  package init(
    inputs: [String], output: String, learning: Tokenizer.Learning,
    tokenizerOfRun: @escaping (String) throws -> Tokenizer
  ) {
    self.tokenizerOfRun = tokenizerOfRun
    self.inputs = inputs
    self.output = output
    self.learning = learning
  }

  package func run(console: Console) throws {
    try validate()
    let (sources, leftOut) = try sources()
    let texts = sources.map(\.path)
    let bytes = texts.reduce(0) { $0 + (FileStatus($1)?.byteCount ?? 0) }
    let started = ContinuousClock.now
    let isInteractive = console.isInteractive(launchedByMPI: false)
    var bar = ProgressBar(console: isInteractive ? console : nil, total: bytes)
    var preparation = CorpusPreparation(texts: texts, output: output)
    preparation.overwrite = overwrite
    for source in sources { preparation.names[source.path] = source.name }
    let tokenizer =
      try tokenizerSource.map { try self.tokenizer(of: $0) }
      ?? preparation.learn(learning) { bar.show($0) }
    let summary = try preparation.write(with: tokenizer) { bar.show($0) }
    withExtendedLifetime(sources) { bar.clear() }
    let seconds = (ContinuousClock.now - started).seconds
    console.say(
      "\(output): \(Format.grouped(summary.tokens)) tokens (\(tokenizer.kind.rawValue), vocabulary "
        + "\(Format.grouped(summary.vocabularySize))) of \(Format.grouped(summary.textBytes)) "
        + "bytes from \(Format.count(texts.count, "file")) in \(Format.fixed(seconds, 1)) s")
    if let words = leftOut.words { console.say(words) }
    if summary.newlines > 0 {
      console.say(
        "\(Format.count(summary.newlines, "newline")) put between texts, behind each that ends "
          + "without one")
    }
    if let words = summary.spelled.words { console.say(words) }
    if summary.unknown > 0 {
      console.say(
        "\(Format.share(summary.unknown, of: summary.tokens)) of the tokens are unknown (<unk>): "
          + "\(Format.grouped(summary.unknown))")
    }
    console.say(
      "train on it with data.train = \"\(output)\", data.tokenizer = "
        + "\"\(tokenizer.kind.rawValue)\"")
    console.record([
      "kind": "prepare", "output": .string(output), "files": .integer(texts.count),
      "left_out": leftOut.json,
      "tokenizer": .string(tokenizer.kind.rawValue),
      "vocabulary": .integer(summary.vocabularySize), "tokens": .integer(summary.tokens),
      "text_bytes": .integer(summary.textBytes),
      "unknown_tokens": .integer(summary.unknown), "newlines": .integer(summary.newlines),
      "spelled_unknown": .integer(summary.spelled.unknown),
      "spelled_line_ends": .integer(summary.spelled.lineEnds), "seconds": .number(seconds),
    ])
  }

  private func validate() throws {
    if inputs.isEmpty { throw UsageError("name a text file, a directory or - for standard input") }
    if inputs.filter({ $0 == "-" }).count > 1 {
      throw UsageError("standard input (-) can be read once only")
    }
    try requireEffects()
    if let problem = learning.problem { throw UsageError("--vocabulary-limit: \(problem)") }
    if learning.minimumCount < 1 {
      throw UsageError("--minimum-count: expected at least 1, found \(learning.minimumCount)")
    }
    try FileStatus.requireReplaceable(output, option: "--output", overwrite: overwrite)
    if let tokenizerSource, FileStatus.areSame(tokenizerSource, output) {
      throw UsageError(
        "--output: '\(output)' is what --tokenizer-from names; name another file")
    }
  }

  /// A file, or what is packed in it.
  private func source(_ path: String) throws -> Source {
    Source.isPacked(path) ? try Source(copying: path, beside: output) : Source(path: path)
  }

  /// The files to read, in their order. None of them is the output, or takes what this process
  /// prints.
  private func sources() throws -> ([Source], TextFolder.LeftOut) {
    let written = [STDOUT_FILENO, STDERR_FILENO].compactMap {
      FileStatus(descriptor: $0).flatMap { $0.kind == .regular ? $0.identity : nil }
    }
    var sources: [Source] = []
    var leftOut = TextFolder.LeftOut()
    for input in inputs {
      if input == "-" {
        try requireOther(FileStatus(descriptor: STDIN_FILENO), written, named: "standard input")
        sources.append(try Source(copying: nil, beside: output))
        continue
      }
      guard let status = FileStatus(input) else { throw CorpusError.missing(path: input) }
      switch status.kind {
      case .pipe: sources.append(try Source(copying: input, beside: output))
      case .directory:
        let folder = try TextFolder(input)
        leftOut += folder.leftOut
        for path in folder.files {
          let status = FileStatus(path)
          if let status, written.contains(status.identity) { continue }
          // What an earlier call has left there is no text; a text is not to be lost.
          if FileStatus.areSame(path, output), CorpusPreparation.isTokenFile(path) { continue }
          try requireOther(status, written, named: "'\(path)'")
          sources.append(try source(path))
        }
      default:
        try requireOther(status, written, named: "'\(input)'")
        sources.append(try source(input))
      }
    }
    guard !sources.isEmpty else {
      throw UsageError("no text file with a byte in \(inputs.joined(separator: ", "))")
    }
    return (sources, leftOut)
  }

  /// Throws where a text is one of the files that are written.
  private func requireOther(
    _ status: FileStatus?, _ written: [FileStatus.Identity], named name: String
  ) throws(UsageError) {
    guard let status, status.kind == .regular else { return }
    if status.identity == FileStatus(output)?.identity {
      throw UsageError("--output: '\(output)' is \(name), which is read; name another file")
    }
    if written.contains(status.identity) {
      throw UsageError("\(name) takes what this command prints; print to another file")
    }
  }

  /// Throws for options that would change nothing.
  private func requireEffects() throws {
    let kind = learning.kind
    let reason: String
    if let tokenizerSource {
      reason = "is for a tokenizer that is learned, and --tokenizer-from names '\(tokenizerSource)'"
    } else if kind == .byte || kind == .character {
      reason = "is for words and byte pairs, and --tokenizer is \(kind.rawValue)"
    } else {
      return
    }
    if learning.minimumCount != 1 { throw UsageError("--minimum-count \(reason)") }
    if learning.vocabularyLimit != 0 { throw UsageError("--vocabulary-limit \(reason)") }
  }

  /// The tokenizer of a token file, or of a run or checkpoint.
  private func tokenizer(of path: String) throws -> Tokenizer {
    var isDirectory: ObjCBool = false
    if unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
      isDirectory.boolValue
    {
      return try tokenizerOfRun(path)
    }
    guard let tokenizer = try CorpusPreparation.tokenizer(ofTokenFile: path) else {
      throw UsageError(
        "--tokenizer-from: '\(path)' is no token file, run or checkpoint; name one of these")
    }
    return tokenizer
  }
}

/// One line on a terminal that shows how far the passes are.
private struct ProgressBar {
  /// Nil shows nothing.
  let console: Console?
  let total: Int
  private var started = ContinuousClock.now
  private var pass: CorpusPreparation.Progress.Pass?
  private var lastDrawn: ContinuousClock.Instant?

  init(console: Console?, total: Int) {
    self.console = console
    self.total = total
  }

  mutating func show(_ progress: CorpusPreparation.Progress) {
    guard let console else { return }
    let now = ContinuousClock.now
    if pass != progress.pass {
      pass = progress.pass
      started = now
    }
    if let lastDrawn, now - lastDrawn < .milliseconds(200) { return }
    lastDrawn = now
    let share = Double(progress.bytes) / Double(max(1, total))
    let seconds = (now - started).seconds
    let filled = min(30, Int(30 * share))
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 30 - filled)
    let speed = Int(saturating: Double(progress.bytes) / max(seconds, 1e-9))
    console.put(
      "\r\u{1B}[K\(progress.pass.rawValue) [\(bar)] \(Int(100 * share)) %  "
        + "\(Format.bytes(speed))/s  "
        + "ETA \(Format.time(seconds * (1 - share) / max(share, 1e-9)))")
  }

  func clear() { if lastDrawn != nil { console?.put("\r\u{1B}[K") } }
}
