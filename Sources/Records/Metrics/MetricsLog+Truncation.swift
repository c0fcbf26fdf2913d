#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension MetricsLog {
  /// Drops the records of later steps, and a last line that a crash left unfinished, so that a run
  /// resumed at `step` writes no step twice. What is dropped is an end of the file, as a rule, and
  /// is cut off; otherwise the file is replaced as a whole or not at all. Takes the same memory for
  /// a file of any length.
  package static func truncate(path: String, afterStep step: Int) throws(MetricsError) {
    guard let kind = FileStatus(path)?.kind else { return }
    guard kind == .regular else {
      throw MetricsError(
        path: path, action: "read", reason: "it is \(kind.rawValue), expected a file")
    }
    do {
      let reader = try LineReader(path: path)
      let parts = try survey(reader, step)
      if parts.isMixed {
        try rewrite(path, from: reader, step)
      } else if let cut = parts.cut {
        try cutFile(path, at: cut)
      }
    } catch let error as SystemError {
      throw MetricsError(path: path, action: error.operation, code: error.code)
    } catch {
      throw MetricsError(path: path, action: "rewrite", reason: "\(error)")
    }
  }

  /// Where the first dropped line begins, and whether something stands behind it that is kept.
  private static func survey(
    _ reader: LineReader, _ step: Int
  ) throws -> (cut: Int?, isMixed: Bool) {
    var filter = StepFilter(last: step)
    var cut: Int?
    var isMixed = false
    while try reader.readBlock({ line in
      if !filter.keeps(line) {
        cut = cut ?? reader.lineStart
      } else if cut != nil {
        isMixed = true
      }
    }) {}
    if reader.end > reader.place.offset || reader.place.isWithinLine {
      // Behind the last line's end stands one that is whole but for that, or a part of one.
      reader.readRest { if filter.keeps($0) { isMixed = true } }
      cut = cut ?? reader.place.offset
    }
    return (cut, isMixed || reader.skippedLines > 0)
  }

  /// Writes what is kept beside the file, and puts it in its place.
  private static func rewrite(_ path: String, from reader: LineReader, _ step: Int) throws {
    let draft = try FileDraft(path: path, replaces: true)
    var filter = StepFilter(last: step)
    var kept: [UInt8] = []
    func take(_ line: Span<UInt8>) {
      guard filter.keeps(line) else { return }
      unsafe line.withUnsafeBufferPointer { unsafe kept += $0 }
      kept.append(0x0A)
    }
    reader.rewind()
    while try reader.readBlock(take) {
      try draft.file.write(kept)
      kept.removeAll(keepingCapacity: true)
    }
    reader.readRest(take)
    try draft.file.write(kept)
    try draft.finish()
  }
}

/// Keeps the records of steps up to one.
private struct StepFilter {
  let last: Int
  private var scanner = RecordScanner()

  init(last: Int) { self.last = last }

  mutating func keeps(_ line: Span<UInt8>) -> Bool {
    switch scanner.scan(line) {
    case .damaged: return false
    case .object(let members):
      let step = members.first { $0.name == "step" }?.value.integerValue
      return step.map { $0 <= last } ?? false
    case .plain:
      guard let step = scanner.member("step", in: line), step.kind == .number else { return false }
      return Int(line.text(step.value)).map { $0 <= last } ?? false
    }
  }
}

/// The corresponding C function is `truncate`, whose name a method here has.
private func cutFile(_ path: String, at count: Int) throws(SystemError) {
  guard unsafe truncate(path, off_t(count)) == 0 else {
    throw SystemError(operation: "shorten", path: path, code: errno)
  }
}
