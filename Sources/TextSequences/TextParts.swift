package import Corpora
package import Datasets
package import Records
package import Tasks

/// Texts of a file as a model reads them, some of them at a time.
package struct TextPart: Sendable {
  /// A sequence a text; one without tokens where a text has none.
  package var set: SequenceSet
  /// The line of each text.
  package var lines: [Int]
  /// What is handed on of each, one after another.
  package var kept: [OrderedJSON]
  /// Of words that are to be tagged all, sequence by sequence.
  package var words: [String] = []
  /// Whether the first text begins a sequence, whatever came before it: of words that are read one
  /// by one.
  package var beginsSequence = false
  /// Texts of which something is left out as in training, and the tokens that are.
  package var cut = (texts: 0, tokens: 0)
}

/// How texts are read where a model says something of them: in parts, without labels.
package struct PredictedTexts {
  package var request: SequenceRequest
  package var text: TextRequest
  package var tokenizer: Tokenizer
  /// Bytes of a part.
  package var bytes: Int

  package init(
    _ request: SequenceRequest, _ text: TextRequest, _ tokenizer: Tokenizer, bytes: Int
  ) {
    self.request = request
    self.text = text
    self.tokenizer = tokenizer
    self.bytes = bytes
  }

  /// Reads a file front to back.
  ///
  /// - Returns: what a person is to know of how it was read, a line each.
  package func forEachPart(
    of file: DataFile, _ body: @escaping (TextPart) throws -> Void
  ) throws -> [String] {
    if request.task.outputs == .items { return try readSessions(file, body) }
    return try isTagging ? readWords(file, body) : readTexts(file, body)
  }

  /// The format that tables, lines of JSON and columns of words have; nil of plain text, a text a
  /// line.
  package func format(of file: DataFile) -> SequenceFormat? {
    switch file.ending {
    case "csv", "tsv": .csv
    case "jsonl", "ndjson": .jsonl
    case "conll", "conllu": isTagging ? .conll : nil
    case "ts", "npy": .ts
    case "txt", "text": hasColumnsInText ? .conll : nil
    default: trainedFormat
    }
  }

  /// What a person is to know of the form of a file whose name does not tell it.
  package func remark(on file: DataFile) -> [String] {
    let isText = Self.isText(file.ending)
    if isText, !isTagging { return [] }
    if isText, !hasColumnsInText {
      return ["it is read as text, a sequence a line; a name in .conll tells columns of words"]
    }
    if SequenceFormat(path: "a.\(file.ending)") != nil { return [] }
    let form = format(of: file).map { $0 == .conll ? "columns of words" : $0.rawValue }
    return ["its name tells no format: it is read as \(form ?? "text"), as the run's data"]
  }

  private static func isText(_ ending: String) -> Bool { ["txt", "text"].contains(ending) }

  private var isTagging: Bool { request.task.targets == .everyStep }

  /// The form of the data that the model has learnt from.
  private var trainedFormat: SequenceFormat? {
    if request.format != .auto { return request.format }
    return SequenceFormat(path: request.train) ?? (isTagging ? .conll : nil)
  }

  /// Whether the model has learnt from columns of words in a file that is called text.
  private var hasColumnsInText: Bool {
    isTagging && trainedFormat == .conll && Self.isText(SequenceFormat.ending(of: request.train))
  }

  private func readTexts(
    _ file: DataFile, _ body: @escaping (TextPart) throws -> Void
  ) throws -> [String] {
    let taker = TableTaker<TextTable>(request.parts, bytes: bytes) { table in
      var cut = TextTable.Cut()
      let isCut = request.task.outputs == .classes
      let set = try table.encoded(
        by: tokenizer, isCut ? text.truncation : .none, most: request.window, cut: &cut,
        allowsEmpty: true)
      var part = TextPart(set: set, lines: table.lines, kept: table.kept)
      part.cut = (cut.texts, cut.tokens)
      try body(part)
    }
    let reader = TextReader(request: request, text: text, parts: taker)
    var table = TextTable()
    let format = format(of: file)
    try file.requireFormat(format ?? .csv)
    table.begin(file: file.path)
    try reader.inText(of: file) {
      switch format {
      case .jsonl: try reader.readObjects(file, &table)
      case .csv:
        try TextRows(file: file, request: request, text: text, parts: taker).read(into: &table)
      case nil:
        try requireNothingKept(file)
        try reader.appendLines(of: file, label: nil, &table)
      default:
        throw file.failure(
          nil, "its format holds no texts", hint: "use a table, lines of JSON, or a text a line")
      }
    }
    try taker.take(&table)
    table.end(fingerprints: [])
    return table.remarks + taker.remarks
  }

  private func readWords(
    _ file: DataFile, _ body: @escaping (TextPart) throws -> Void
  ) throws -> [String] {
    let taker = TableTaker<TaggedTable>(request.parts, bytes: bytes) { table in
      var cut = TextTable.Cut()
      let (set, _) = try table.encoded(
        by: tokenizer, ["-"], ignoring: nil, .none, most: .max, cut: &cut)
      var part = TextPart(set: set, lines: table.lines, kept: table.kept)
      part.words = table.words
      part.beginsSequence = table.beginsSequence
      try body(part)
    }
    let reader = TagReader(request: request, text: text, parts: taker)
    var table = TaggedTable(path: file.path)
    let format = format(of: file)
    try file.requireFormat(format ?? .csv)
    if format != .jsonl { try requireNothingKept(file) }
    do {
      switch format {
      case .jsonl: try reader.readObjects(file, &table)
      case .conll:
        try reader.readColumns(file, isUniversal: file.ending == "conllu", &table)
      case nil:
        try readSentences(file, taker, &table)
      default:
        throw file.failure(
          nil, "words are read from columns (.conll), lines of JSON, and text, a sequence a line")
      }
    } catch let error as ByteStream.NotText {
      throw file.failure(of: error)
    } catch let error as DelimitedText.Failure {
      throw file.failure("line \(error.line)", error.problem)
    }
    try taker.take(&table)
    table.finish()
    return table.remarks + taker.remarks
  }

  /// A sequence a line, its words separated by white space.
  private func readSentences(
    _ file: DataFile, _ taker: TableTaker<TaggedTable>, _ table: inout TaggedTable
  ) throws {
    var lines = Datasets.LineReader(file.stream)
    while try lines.next() {
      for word in TextRules.newest.words(of: lines.bytes) { _ = table.append(word, label: "-") }
      table.endSequence(line: lines.number)
      try taker.takeIfWhole(&table)
    }
  }

  /// Sessions, or with no bytes of a part lines of them as they come.
  private func readSessions(
    _ file: DataFile, _ body: @escaping (TextPart) throws -> Void
  ) throws -> [String] {
    let taker = TableTaker<TaggedTable>(request.parts, bytes: bytes) { table in
      var cut = TextTable.Cut()
      let (set, _) = try table.encoded(
        by: tokenizer, [""], ignoring: nil, .none, most: .max, cut: &cut)
      try body(TextPart(set: set, lines: table.lines, kept: table.kept))
    }
    let format = format(of: file)
    if format == nil { try requireNothingKept(file) }
    var table = TaggedTable(path: file.path)
    let reader = SessionReader(request: request, text: text, parts: taker, isLive: bytes == 0)
    try reader.read(file, as: format, into: &table)
    try taker.take(&table)
    return table.remarks + taker.remarks
  }

  private func requireNothingKept(_ file: DataFile) throws {
    guard let parts = request.parts, let name = parts.kept.first else { return }
    throw file.failure(
      nil,
      "\(parts.option(naming: name)) names \"\(name)\", and it has neither columns nor members")
  }
}

/// What readers fill with texts or words, and give away part by part.
protocol PartedTable {
  /// Texts, or sequences of words.
  var count: Int { get }
  /// Bytes of them.
  var byteCount: Int { get }
  mutating func removeContent()
}

extension DataFile {
  /// Takes a line into a table; one that cannot be read leaves nothing there, nor of what was not
  /// handed on yet, which of lines that are read as they come is nothing.
  func take<Table: PartedTable>(
    into table: inout Table, _ body: (inout Table) throws -> Void
  ) throws {
    if try !attempt({ try body(&table) }) { table.removeContent() }
  }
}

/// Hands texts, or sequences of words, on as soon as they make a part.
final class TableTaker<Table: PartedTable> {
  private var members: KeptMembers?
  private let bytes: Int
  private let body: (Table) throws -> Void

  init(_ parts: PartRequest?, bytes: Int, _ body: @escaping (Table) throws -> Void) {
    members = parts.map { KeptMembers($0) }
    self.bytes = bytes
    self.body = body
  }

  /// What is handed on of a line of JSON.
  func kept(
    of value: OrderedJSON, _ place: String, _ file: DataFile
  ) throws -> [OrderedJSON] {
    try members?.values(of: value, place, file) ?? []
  }

  /// What is to be known of what is handed on.
  var remarks: [String] { members?.remarks ?? [] }

  func takeIfWhole(_ table: inout Table) throws {
    if table.byteCount >= bytes { try take(&table) }
  }

  func take(_ table: inout Table) throws {
    if table.count > 0 { try body(table) }
    table.removeContent()
  }
}
