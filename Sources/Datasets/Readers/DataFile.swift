import Corpora
import Foundation
import NumericContract
package import Records
import Tasks

/// A file of sequences in one of the formats that tasks read.
package struct DataFile {
  package let path: String
  let bytes: [UInt8]
  /// The version of the contract by which numbers are read.
  private var contract = ContractVersion.newest
  /// Tells its content from others'.
  let fingerprint: String

  private static let largest = 4 << 30

  /// - Throws: `DataFileError`.
  ///
  /// - Parameter progress: told what is read.
  package init(path: String, progress: ReadingProgress? = nil) throws {
    var isDirectory: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw DataFileError(
        path: path, place: nil,
        problem: "does not exist; paths are relative to the working directory")
    }
    if isDirectory.boolValue {
      throw DataFileError(path: path, place: nil, problem: "is a directory, expected a file")
    }
    let data: [UInt8]
    do {
      data = try InputFile.bytes(
        of: path, atMost: Self.largest + 1, allowingPipe: true, progress: progress)
    } catch {
      throw DataFileError(path: path, place: nil, problem: "cannot be read: \(error)")
    }
    if data.isEmpty { throw DataFileError(path: path, place: nil, problem: "is empty") }
    if data.count > Self.largest {
      throw DataFileError(
        path: path, place: nil, problem: "is larger than 4 GiB, which does not fit in memory")
    }
    if let signature = FileSignature(data) {
      throw DataFileError(
        path: path, place: nil, problem: "is \(signature.name), expected text in UTF-8",
        hint: signature.remedy(path: path))
    }
    self.path = path
    bytes = data
    fingerprint = unsafe bytes.withUnsafeBytes { unsafe ContentHash128(of: $0).description }
  }

  /// The file's sequences.
  package func sequences(_ request: SequenceRequest) throws -> SequenceTable {
    var file = self
    file.contract = request.contract
    return switch try format(request.format) {
    case .ts: try TimeSeriesReader(file: file).read()
    case .jsonl: try JSONLinesReader(file: file).read()
    case .csv, .auto: try CSVReader(file: file, request: request).read()
    }
  }

  private func format(_ name: SequenceFormat) throws -> SequenceFormat {
    if name != .auto { return name }
    switch (path as NSString).pathExtension.lowercased() {
    case "csv": return .csv
    case "jsonl", "ndjson": return .jsonl
    case "ts": return .ts
    default:
      throw DataFileError(
        path: path, place: nil, problem: "its name does not tell the format",
        hint: "end it in .csv, .jsonl or .ts, or set data.format")
    }
  }

  /// The text, which must be UTF-8.
  func text() throws -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw failure(nil, "is not UTF-8 text")
    }
    return text
  }

  func failure(_ place: String?, _ problem: String, hint: String? = nil) -> DataFileError {
    DataFileError(path: path, place: place, problem: problem, hint: hint)
  }

  /// Is it a number, be it finite or not?
  func isNumber(_ text: some StringProtocol) -> Bool {
    Float(text.trimmingCharacters(in: .whitespaces)) != nil
  }

  /// A finite number. Version 1 of the contract rounds it to single precision, at once.
  func number(_ text: some StringProtocol, _ place: String) throws -> Double {
    let digits = text.trimmingCharacters(in: .whitespaces)
    guard let value = contract >= .two ? Double(digits) : Float(digits).map(Double.init) else {
      throw failure(place, "expected a number, found \"\(text)\"")
    }
    return try finite(value, place)
  }

  /// The same of a number that is one already.
  func number(_ value: Double, _ place: String) throws -> Double {
    try finite(contract >= .two ? value : Double(Float(value)), place)
  }

  private func finite(_ value: Double, _ place: String) throws -> Double {
    guard value.isFinite else {
      throw failure(
        place, "expected a finite number, found \(value)", hint: "fill in or remove missing values")
    }
    guard Float(value).isFinite else {
      throw failure(
        place, "expected a number within single precision (at most "
          + "\(Float.greatestFiniteMagnitude)), found \(value)")
    }
    return value
  }

  /// Lines with their numbers from 1, line ends removed.
  func forEachLine(_ body: (Int, ArraySlice<UInt8>) throws -> Void) rethrows {
    // A byte order mark is no part of the first line.
    var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    var number = 1
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
      var line = bytes[start..<end]
      if line.last == 0x0D { line = line.dropLast() }
      try body(number, line)
      start = end + 1
      number += 1
    }
  }
}
