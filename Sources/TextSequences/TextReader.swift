import Corpora
import Datasets
import Records
import Tasks

/// Reads texts and their labels: a table or lines of JSON, or a directory with a file a class, an
/// example a line, or a folder a class, an example a file.
struct TextReader {
  let request: SequenceRequest
  let text: TextRequest
  /// What takes texts in parts; nil where they are read as a whole.
  var parts: TableTaker<TextTable>?

  /// - Throws: `DataFileError`.
  func read(_ path: String) throws -> TextTable {
    var table = TextTable()
    if let unit = text.documents, unit != .record {
      try readDocuments(path, unit, &table)
    } else if FileStatus(path)?.kind == .directory {
      try readDirectory(path, &table)
    } else {
      let file = try DataFile(path: path, progress: request.progress)
      let format = try file.format(request.format)
      try file.requireFormat(format)
      table.begin(file: path)
      try inText(of: file) {
        switch format {
        case .jsonl: try readObjects(file, &table)
        case .csv, .auto: try TextRows(file: file, request: request, text: text).read(into: &table)
        case .ts, .npy, .conll:
          throw file.failure(
            nil, "its format is \(format.rawValue), which holds no texts",
            hint: "use a table, lines of JSON or a directory, or leave data.tokenizer out")
        }
      }
      table.end(fingerprints: [file.fingerprint])
    }
    guard table.count > 0 else {
      throw DataFileError(path: path, place: nil, problem: "there is no text in it")
    }
    return table
  }

  /// Whether every text has a class.
  private var hasLabels: Bool { request.task.outputs == .classes && parts == nil }

  /// Whether a record's text is left out because there is nothing in it: of a document always. What
  /// is predicted of has an answer, or is said to have none, in its place.
  private func leavesOut(_ string: String) -> Bool {
    guard parts == nil, !hasLabels || request.missing == .drop else { return false }
    return string.allSatisfy(\.isWhitespace)
  }

  /// Says where bytes are no text.
  func inText(of file: DataFile, _ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as ByteStream.NotText {
      throw file.failure(of: error)
    } catch let error as DelimitedText.Failure {
      throw file.failure("line \(error.line)", error.problem)
    } catch is ByteStream.TooLong {
      throw file.failure(nil, "is longer than 1 GiB")
    }
  }

  // MARK: - Documents

  /// Lines of a file or of all files of a directory, or the files of a directory.
  private func readDocuments(
    _ path: String, _ unit: DocumentUnit, _ table: inout TextTable
  ) throws {
    guard FileStatus(path)?.kind == .directory else {
      let file = try DataFile(path: path, progress: request.progress)
      guard unit == .line else {
        throw file.failure(
          nil, "is one file, and with data.documents \"file\" every file of a directory is one",
          hint: "name a directory, or set data.documents to \"line\"")
      }
      table.form = "a document a line"
      try append(file, unit, &table)
      return table.end(fingerprints: [file.fingerprint])
    }
    table.form = "a document a \(unit.rawValue)"
    let folder = try TextFolder(path)
    if let words = folder.leftOut.words { table.remarks.append(words) }
    var fingerprints: [String] = []
    for place in folder.files {
      let file = try DataFile(path: place, progress: request.progress)
      try append(file, unit, &table)
      fingerprints.append(file.fingerprint)
    }
    table.end(
      fingerprints: fingerprints, names: folder.files.map { String($0.dropFirst(path.count)) })
  }

  private func append(_ file: DataFile, _ unit: DocumentUnit, _ table: inout TextTable) throws {
    try file.requireFormat(.csv)
    guard !CorpusPreparation.isTokenFile(head: file.stream.head(64)) else {
      throw file.failure(
        nil, "is a token file, which does not tell its documents apart",
        hint: "name the text that it was made of")
    }
    table.begin(file: file.path)
    try inText(of: file) {
      if unit == .line { try appendLines(of: file, label: nil, &table) }
      if unit == .file { try appendWhole(file, label: nil, &table) }
    }
  }

  // MARK: - Lines and files

  /// Appends the lines of a file that are not blank.
  func appendLines(
    of file: DataFile, label: String?, _ table: inout TextTable
  ) throws {
    var lines = Datasets.LineReader(file.stream)
    while try lines.next() {
      unsafe Self.withLine(lines) { line in
        if unsafe Self.isBlank(line) {
          table.blankLines += 1
        } else {
          unsafe table.append(line, label: label, line: lines.number)
        }
      }
      try parts?.takeIfWhole(&table)
    }
  }

  /// Appends all of a file as one text.
  func appendWhole(_ file: DataFile, label: String?, _ table: inout TextTable) throws {
    let stream = file.stream
    while !stream.isAtEnd { try stream.refill(keeping: 0) }
    try stream.requireText(from: 0, to: stream.count, line: 1)
    var content = unsafe UnsafeBufferPointer(start: stream.base, count: stream.count)
    if text.documents != nil {
      // A document ends with a line end, whether the file has one there or not.
      let ends = unsafe content.suffix(2).reversed().prefix { $0 == 0x0A || $0 == 0x0D }.count
      unsafe content = UnsafeBufferPointer(rebasing: content.dropLast(ends))
      if unsafe Self.isBlank(content) { return table.blankTexts += 1 }
    } else if parts == nil, request.missing == .drop,
      unsafe content.allSatisfy({ $0 == 0x20 || 0x09...0x0D ~= $0 })
    {
      return table.blankTexts += 1
    }
    unsafe table.append(content, label: label, line: 0)
  }

  private static func withLine(
    _ lines: Datasets.LineReader, _ body: (UnsafeBufferPointer<UInt8>) -> Void
  ) {
    unsafe body(
      UnsafeBufferPointer(
        start: lines.stream.base + lines.line.lowerBound, count: lines.line.count))
  }

  static func isBlank(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    unsafe text.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
  }

  // MARK: - Lines of JSON

  /// {"text": "...", "label": "..."}; the label may be a string, a number or a truth value.
  func readObjects(_ file: DataFile, _ table: inout TextTable) throws {
    table.form =
      "a line of JSON a text: \"\(text.column)\""
      + (hasLabels ? ", class by \"\(request.labelColumn)\"" : "")
    var lines = Datasets.LineReader(file.stream)
    while try lines.next() {
      try file.take(into: &table) { try append(lines.bytes, lines.number, of: file, &$0) }
    }
  }

  private func append(
    _ line: [UInt8], _ number: Int, of file: DataFile, _ table: inout TextTable
  ) throws {
    guard let value = try file.json(line, number) else { return }
    let place = "line \(number)"
    guard case .object = value else {
      throw file.failure(place, "expected an object, found \(value.kind)")
    }
    let label = hasLabels ? JSONLinesReader.label(value[path: request.labelColumn]) : nil
    if hasLabels, let ignored = request.ignoredLabel, label ?? "" == ignored {
      table.ignoredTexts += 1
      return
    }
    var found = value[path: text.column]
    if found == .null { found = .string("") }
    guard case .string(let string)? = found else {
      throw file.failure(
        place,
        "expected a string \"\(text.column)\", found \(found?.kind ?? "none")",
        hint: "data.text names the member with the text; the members are "
          + DataFileError.list(value.memberPaths))
    }
    if leavesOut(string) {
      table.blankTexts += 1
      return
    }
    if hasLabels, label ?? "" == "" {
      throw file.failure(
        place, "has no label, \"\(request.labelColumn)\"",
        hint: "give it one, or leave the text out (data.ignore_label \"\" leaves out all such); "
          + "data.label names the member, of "
          + DataFileError.list(value.memberPaths))
    }
    let kept = try parts?.kept(of: value, place, file) ?? []
    var copy = string
    copy.withUTF8 { unsafe table.append($0, label: label, line: number, kept: kept) }
    try parts?.takeIfWhole(&table)
  }
}
