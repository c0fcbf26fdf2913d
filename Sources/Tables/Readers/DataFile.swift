import Corpora
package import NumericContract
package import Records
package import Tasks

/// A file of sequences in one of the formats that tasks read. It is read front to back, once.
package final class DataFile {
  package let path: String
  package let stream: ByteStream

  /// Reads on into a buffer; 0 at the end.
  package typealias Reading = (UnsafeMutableRawBufferPointer) throws -> Int

  /// Told of each line that cannot be read, which is left out then; nil where the first one ends
  /// the reading.
  package var unread: ((DataFileError) -> Void)? {
    didSet {
      stream.leavesOut =
        unread == nil ? nil : { [unowned self] error in try self.leaveOut(self.failure(of: error)) }
    }
  }
  /// Lines that were left out so.
  package private(set) var unreadLines = 0

  /// The path whose end tells the format.
  private let typedPath: String

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - typedPath: whose name's end tells the format; nil for the file's own.
  ///   - progress: told what is read.
  /// - Throws: `DataFileError`.
  package convenience init(
    path: String, typedAs typedPath: String? = nil, progress: ReadingProgress? = nil
  ) throws {
    func failure(_ problem: String, hint: String? = nil) -> DataFileError {
      DataFileError(path: path, place: nil, problem: problem, hint: hint)
    }
    guard let status = FileStatus(path) else {
      throw failure("does not exist; paths are relative to the working directory")
    }
    if status.kind == .directory { throw failure("is a directory, expected a file") }
    let file: InputFile
    do {
      file = try InputFile(path, allowingPipe: true)
    } catch {
      throw failure("cannot be read: \(error)")
    }
    progress?.expect(file.byteCount)
    try unsafe self.init(path, typedAs: typedPath ?? path, progress: progress) { room in
      let count = try unsafe file.read(into: room)
      progress?.advance(count)
      return count
    }
  }

  /// Begins to read what has no path.
  ///
  /// - Parameters:
  ///   - name: what errors call it.
  ///   - path: what its format is that of.
  ///   - isLive: whether it is read line by line as it comes.
  package init(
    _ name: String, typedAs path: String, isLive: Bool = false, progress: ReadingProgress? = nil,
    _ reading: @escaping Reading
  ) throws {
    func failure(_ problem: String, hint: String? = nil) -> DataFileError {
      DataFileError(path: name, place: nil, problem: problem, hint: hint)
    }
    do {
      let source = try unsafe ByteSource(reading)
      stream = unsafe ByteStream { room in
        if let excess = progress?.excess {
          throw failure(
            excess, hint: "read fewer columns (data.columns) or a part of the file, start fewer "
              + "ranks on a host, or give it more memory")
        }
        do { return try unsafe source.read(into: room) } catch let error as OutputError {
          // What is answered meanwhile could not be written.
          throw error
        } catch {
          throw failure("cannot be read: \(error)")
        }
      }
    } catch {
      throw failure("cannot be read: \(error)")
    }
    self.path = name
    typedPath = path
    stream.isLive = isLive
    try stream.refill(keeping: 0)
    if stream.count == 0 { throw failure("is empty") }
  }

  /// Throws where the file is known by its first bytes not to be of the format.
  package func requireFormat(_ format: SequenceFormat) throws {
    let signature = FileSignature(stream.head(FileSignature.length))
    if format == .npy {
      if signature == .numpy { return }
      throw failure(
        nil, "is \(signature?.name ?? "text"), expected an array of NumPy",
        hint: signature?.remedy(path: path))
    }
    guard let signature else { return }
    throw failure(
      nil, "is \(signature.name), expected text in UTF-8", hint: signature.remedy(path: path))
  }

  /// Tells its content from others' once it has been read.
  package var fingerprint: String { stream.fingerprint }

  /// Throws where the file is no table, and the request has options that matter to tables alone.
  package func requireEffect(of request: SequenceRequest) throws {
    let format = try format(request.format)
    if request.width != nil, format != .jsonl {
      throw failure(
        nil, "data.width has no effect on it: it is for JSON lines, and this is "
          + (format == .csv ? "a table" : "\(format.rawValue)"), hint: "leave data.width out")
    }
    guard [.jsonl, .ts, .npy, .conll].contains(format) else { return }
    let isDefault = request.sequenceColumn.map { $0 == SequenceRequest.sequenceColumn } ?? true
    let options = [
      (request.hasHeader, "data.header"), (request.decimal == nil, "data.decimal"),
      (request.remark == nil, "data.comment"), (isDefault, "data.sequence"),
      (request.calendarColumns.isEmpty, "data.calendar"),
      (request.split.column == nil, "data.split.column"),
      (request.categoryColumns.isEmpty, "data.categories"),
    ]
    guard let option = options.first(where: { !$0.0 }) else { return }
    throw failure(
      nil,
      "\(option.1) has no effect on it: its format is \(format.rawValue), and \(option.1) is "
        + "for tables", hint: "leave \(option.1) out, or set data.format to \"csv\"")
  }

  /// The file's sequences.
  package func sequences(_ request: SequenceRequest) throws -> SequenceTable {
    let format = try format(request.format)
    try requireFormat(format)
    let missing = MissingValues(request)
    do {
      var table = try read(format, request, missing, nil)
      try missing.apply(to: &table, path: path)
      return table
    } catch let error as ByteStream.NotText {
      throw failure(of: error)
    }
  }

  /// What is said of bytes that are no text.
  package func failure(of error: ByteStream.NotText) -> DataFileError {
    let quoted = "'" + path.replacing("'", with: "'\\''") + "'"
    return failure(
      "line \(error.line), byte \(error.column)",
      "0x\(String(error.byte, radix: 16, uppercase: true)) is no text in UTF-8",
      hint: "is it Latin-1? Convert it: iconv -f WINDOWS-1252 -t UTF-8 \(quoted) > FILE")
  }

  /// The end of the file's name without that of packing: "csv" of a.CSV.gz.
  package var ending: String { SequenceFormat.ending(of: typedPath) }

  /// What a line of JSON says; nil of a blank one.
  package func json(_ line: [UInt8], _ number: Int) throws -> OrderedJSON? {
    if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { return nil }
    do throws(JSONSyntaxError) {
      return try OrderedJSON(parsing: line)
    } catch {
      throw failure(
        "line \(number), column \(error.position.column)", "not JSON: \(error.reason)")
    }
  }

  package func format(_ name: SequenceFormat) throws -> SequenceFormat {
    if name != .auto { return name }
    if let format = SequenceFormat(ending: ending) { return format }
    let signature = FileSignature(stream.head(FileSignature.length))
    throw failure(
      nil, signature.map { "is \($0.name)" } ?? "its name does not tell the format",
      hint: signature?.remedy(path: path)
        ?? "end it in .csv, .jsonl, .ts or .npy, or set data.format")
  }

  package func failure(_ place: String?, _ problem: String, hint: String? = nil) -> DataFileError {
    DataFileError(path: path, place: place, problem: problem, hint: hint)
  }

  /// Leaves a line out that cannot be read where somebody is told of such lines; throws where
  /// nobody is.
  package func leaveOut(_ error: DataFileError) throws {
    guard let unread else { throw error }
    unreadLines += 1
    unread(error)
  }

  /// Reads a line.
  ///
  /// - Returns: false where it cannot be read, and is left out.
  @discardableResult
  package func attempt(_ body: () throws -> Void) throws -> Bool {
    do { try body() } catch let error as DataFileError {
      try leaveOut(error)
      return false
    }
    return true
  }

  /// A finite number out of a text.
  package func number(
    _ text: some StringProtocol, _ place: String, _ contract: ContractVersion
  ) throws -> Double {
    guard let value = CellNumber.parse(Array(text.utf8), contract: contract) else {
      throw failure(place, "expected a number, found \"\(text)\"")
    }
    return try finite(value, place)
  }

  /// The same of a number that is one already.
  package func number(
    _ value: Double, _ place: String, _ contract: ContractVersion
  ) throws -> Double {
    try finite(contract >= .two ? value : Double(Float(value)), place)
  }

  private func finite(_ value: Double, _ place: String) throws -> Double {
    guard value.isFinite else {
      throw failure(
        place, "expected a finite number, found \(value)", hint: MissingValues.hint)
    }
    guard Float(value).isFinite else {
      throw failure(
        place,
        "expected a number within single precision (at most "
          + "\(Float.greatestFiniteMagnitude)), found \(value)")
    }
    return value
  }
}

extension SequenceFormat {
  /// The format that the end of a file's name tells; nil where it tells none.
  package init?(path: String) { self.init(ending: Self.ending(of: path)) }

  fileprivate init?(ending: String) {
    switch ending {
    case "csv", "tsv": self = .csv
    case "jsonl", "ndjson": self = .jsonl
    case "ts": self = .ts
    case "npy": self = .npy
    case "conll", "conllu": self = .conll
    default: return nil
    }
  }

  /// The end of a file's name without that of packing: "csv" of a.CSV.gz.
  package static func ending(of path: String) -> String {
    let words = path.lowercased().split(separator: ".")
    return String((words.last == "gz" ? words.dropLast().last : words.last) ?? "")
  }
}

/// The lines of a stream, one after another. A byte order mark is no part of the first. Lines end
/// with LF or CR LF, and with CR where the whole stream has no LF, as on old Macintoshes.
package struct LineReader {
  package let stream: ByteStream
  private var position = 0
  private var lineEnd: UInt8 = 0x0A
  /// Whether each line is needed to read those that follow.
  private let needsAll: Bool
  /// Where the line that was read last stands in the stream's window, without its end.
  package private(set) var line = 0..<0
  /// Its number, from 1.
  package private(set) var number = 0

  /// - Parameter needsAll: whether each line is needed to read those that follow, so that none that
  ///   is no text is left out.
  package init(_ stream: ByteStream, needsAll: Bool = false) {
    self.stream = stream
    self.needsAll = needsAll
    if stream.head(3) == [0xEF, 0xBB, 0xBF] { position = 3 }
  }

  /// Reads the next line; false where there is none.
  package mutating func next() throws -> Bool {
    while try find() {
      if try stream.takes(line, next: position, line: number, isNeeded: needsAll) { return true }
    }
    return false
  }

  /// Finds the next line, whatever its bytes are.
  private mutating func find() throws -> Bool {
    var searched = position
    while true {
      let base = unsafe stream.base
      let end = stream.count
      while searched < end, unsafe base[searched] != lineEnd { searched += 1 }
      if searched < end || stream.isAtEnd { break }
      let start = position
      do {
        try stream.refill(keeping: start)
      } catch is ByteStream.TooLong {
        throw DelimitedText.Failure(line: number + 1, problem: "is longer than 1 GiB")
      }
      searched -= start
      position = 0
    }
    guard position < stream.count else { return false }
    if number == 0, searched == stream.count {
      lineEnd = 0x0D
      searched = position
      while searched < stream.count, unsafe stream.base[searched] != lineEnd { searched += 1 }
    }
    number += 1
    let isWindows = unsafe searched > position && stream.base[searched - 1] == 0x0D
    line = position..<(isWindows ? searched - 1 : searched)
    position = min(searched + 1, stream.count)
    return true
  }

  /// The bytes of the line that was read last.
  package var bytes: [UInt8] {
    unsafe Array(UnsafeBufferPointer(start: stream.base + line.lowerBound, count: line.count))
  }

  package var text: String { String(decoding: bytes, as: UTF8.self) }
}
