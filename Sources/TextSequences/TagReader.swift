import Datasets
import Records
import Tasks

/// Reads words with a label each: columns of CoNLL's, or lines of JSON.
struct TagReader {
  let request: SequenceRequest
  let text: TextRequest
  /// What takes sequences in parts, without labels; nil where they are read as a whole.
  var parts: TableTaker<TaggedTable>?

  /// - Throws: `DataFileError`.
  func read(_ path: String) throws -> TaggedTable {
    let file = try DataFile(path: path, progress: request.progress)
    var table = TaggedTable(path: path)
    let isObjects = request.format == .auto && ["jsonl", "ndjson"].contains(file.ending)
    do {
      if request.format == .jsonl || isObjects {
        try readObjects(file, &table)
      } else if [.auto, .conll].contains(request.format) {
        try file.requireFormat(.conll)
        try readColumns(file, isUniversal: file.ending == "conllu", &table)
      } else {
        throw file.failure(
          nil, "data.format is \"\(request.format.rawValue)\", and words with labels are read "
            + "from \"conll\" and \"jsonl\"")
      }
    } catch let error as ByteStream.NotText {
      throw file.failure(of: error)
    } catch let error as DelimitedText.Failure {
      throw file.failure("line \(error.line)", error.problem)
    }
    table.finish()
    table.fingerprint = file.fingerprint
    guard table.count > 0 else { throw file.failure(nil, "there is no word in it") }
    return table
  }

  // MARK: - Columns

  /// Where words and labels stand in a row.
  private struct Columns {
    /// Whether tabs separate them, else blanks do.
    var byTab: Bool
    var count: Int
    var word: Int
    var label: Int

    func fields(_ line: [UInt8]) -> [ArraySlice<UInt8>] {
      byTab
        ? line.split(separator: 0x09, omittingEmptySubsequences: false)
        : line.split { $0 == 0x20 || $0 == 0x09 }
    }
  }

  /// A word a line, its columns separated by tabs or blanks, and a blank line after each sequence.
  ///
  /// - Parameter isUniversal: whether the columns are those of CoNLL-U.
  func readColumns(
    _ file: DataFile, isUniversal: Bool, _ table: inout TaggedTable
  ) throws {
    var lines = Datasets.LineReader(file.stream)
    var columns: Columns?
    var first = 1
    var leftOut = (remarks: 0, starts: 0, ranges: 0)
    while try lines.next() {
      let line = lines.bytes
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) {
        table.endSequence(line: first)
        try parts?.takeIfWhole(&table)
        table.beginsSequence = true
        first = lines.number + 1
        continue
      }
      let isMarked = line.first == UInt8(ascii: "#")
      if columns == nil, !isMarked {
        columns = try self.columns(line, isUniversal: isUniversal, file, lines.number)
      }
      guard let columns else {
        leftOut.remarks += 1
        continue
      }
      let fields = columns.fields(line)
      guard fields.count == columns.count else {
        if isMarked {
          leftOut.remarks += 1
          continue
        }
        try file.leaveOut(
          file.failure(
            "line \(lines.number)",
            "has \(Format.count(fields.count, "column")), and the first row has "
              + "\(columns.count) (separated by \(columns.byTab ? "tabs" : "blanks"))"))
        continue
      }
      if fields[columns.word].elementsEqual("-DOCSTART-".utf8) {
        leftOut.starts += 1
        continue
      }
      if isUniversal, fields[0].contains(where: { $0 == 0x2D || $0 == 0x2E }) {
        leftOut.ranges += 1
        continue
      }
      let label = columns.label < 0 ? nil : String(decoding: fields[columns.label], as: UTF8.self)
      try file.take(into: &table) {
        try append(fields[columns.word], label, "line \(lines.number)", file, &$0)
        if !file.stream.isLive { return }
        // A word that is answered as it comes is a part by itself.
        $0.endSequence(line: lines.number)
        try parts?.takeIfWhole(&$0)
        $0.beginsSequence = false
      }
    }
    table.endSequence(line: first)
    guard let columns else { return }
    table.form =
      "a word a line, \(columns.count) columns separated by "
      + "\(columns.byTab ? "tabs" : "blanks"): words in column \(columns.word + 1)"
      + (columns.label < 0 ? "" : ", labels in column \(columns.label + 1)")
    for (count, what) in [
      (leftOut.remarks, "lines that begin with # are left out"),
      (leftOut.starts, "lines of -DOCSTART- are left out"),
      (leftOut.ranges, "lines of several words, or of none, are left out"),
    ]
    where count > 0 {
      table.remarks.append("\(what): \(count)")
    }
  }

  /// The columns of the first row that has any.
  private func columns(
    _ line: [UInt8], isUniversal: Bool, _ file: DataFile, _ number: Int
  ) throws -> Columns {
    var columns = Columns(byTab: line.contains(0x09), count: 0, word: 0, label: 0)
    columns.count = columns.fields(line).count
    guard columns.count >= 2 || parts != nil else {
      throw file.failure(
        "line \(number)", "has one column, expected a word and its label, separated by a tab or "
          + "blanks")
    }
    func place(_ name: String?, _ usual: Int, _ key: String) throws -> Int {
      guard let name else { return usual }
      guard let number = Int(name), number != 0, number.magnitude <= columns.count else {
        throw file.failure(
          nil, "\(key) is \"\(name)\", expected the number of one of its \(columns.count) columns",
          hint: "1 is the first one, -1 the last one")
      }
      return number > 0 ? number - 1 : columns.count + number
    }
    columns.word = try place(
      columns.count == 1 ? nil : text.words, isUniversal && columns.count > 1 ? 1 : 0, "data.text")
    if parts != nil {
      columns.label = -1
      return columns
    }
    columns.label = try place(
      text.tags, isUniversal ? min(3, columns.count - 1) : columns.count - 1, "data.label")
    if columns.word == columns.label {
      throw file.failure(nil, "data.text and data.label name the same column")
    }
    return columns
  }

  private func append(
    _ word: some Collection<UInt8>, _ label: String?, _ place: String, _ file: DataFile,
    _ table: inout TaggedTable
  ) throws {
    let label = parts == nil ? label ?? "" : "-"
    guard !label.isEmpty || text.ignoredLabel == "" else {
      throw file.failure(
        place, "has no label",
        hint: "give it one; data.ignore_label names one that does not count, and is \"\" for words "
          + "without one")
    }
    guard table.append(word, label: label) else { throw file.failure(place, "has no word") }
  }

  // MARK: - Lines of JSON

  /// {"tokens": ["..."], "labels": ["..."]}
  func readObjects(_ file: DataFile, _ table: inout TaggedTable) throws {
    let (words, tags) = (text.words ?? "tokens", text.tags ?? "labels")
    table.form = "a line of JSON a sequence: words in \"\(words)\", labels in \"\(tags)\""
    var lines = Datasets.LineReader(file.stream)
    while try lines.next() {
      try file.take(into: &table) {
        try append(lines.bytes, lines.number, words, tags, of: file, &$0)
      }
    }
  }

  private func append(
    _ line: [UInt8], _ number: Int, _ words: String, _ tags: String, of file: DataFile,
    _ table: inout TaggedTable
  ) throws {
    guard let value = try file.json(line, number) else { return }
    let place = "line \(number)"
    func list(_ name: String, _ key: String) throws -> [OrderedJSON] {
      guard case .array(let items)? = value[path: name] else {
        throw file.failure(
          place, "expected a list \"\(name)\", found \(value[path: name]?.kind ?? "none")",
          hint: "\(key) names it")
      }
      return items
    }
    let items = try list(words, "data.text")
    let labels = try parts == nil ? list(tags, "data.label") : items
    guard items.count == labels.count else {
      throw file.failure(
        place, "has \(items.count) words and \(labels.count) labels, expected one of each")
    }
    for (index, (item, label)) in zip(items, labels).enumerated() {
      let place = "\(place), word \(index + 1)"
      guard case .string(let word) = item else {
        throw file.failure(place, "expected a string, found \(item.kind)")
      }
      try append(word.utf8, JSONLinesReader.label(label) ?? "", place, file, &table)
    }
    table.endSequence(
      line: number, kept: try parts?.kept(of: value, place, file) ?? [],
      allowsEmpty: parts != nil)
    try parts?.takeIfWhole(&table)
  }
}
