import Engine
import Foundation
import Records

/// The form of what is predicted.
package enum ResultFormat: String, CaseIterable, Sendable {
  case csv, jsonl

  /// By the end of a file's name; nil where that says nothing.
  init?(path: String) {
    let path = path.lowercased()
    if path.hasSuffix(".csv") {
      self = .csv
    } else if path.hasSuffix(".jsonl") || path.hasSuffix(".ndjson") {
      self = .jsonl
    } else {
      return nil
    }
  }
}

/// Writes what is predicted, as it comes, to standard output, or to a file that gets its name when
/// it is whole.
final class ResultWriter {
  let format: ResultFormat
  private let draft: FileDraft?
  private let file: OutputFile
  private var bytes: [UInt8] = []
  private(set) var hasHeader = false

  /// So many bytes are written at once.
  private static let most = 1 << 16

  /// - Parameters:
  ///   - output: nil for standard output.
  ///   - inputs: files that it must not be.
  init(output: String?, format: ResultFormat?, inputs: [String]) throws {
    guard let output, output != "-" else {
      self.format = format ?? .csv
      (draft, file) = (nil, .standardOutput)
      bytes.reserveCapacity(2 * Self.most)
      return
    }
    guard let format = format ?? ResultFormat(path: output) else {
      throw UsageError(
        "--output: '\(output)' does not say in which form to write: let its name end in .csv or "
          + ".jsonl, or add --format; for gzip, pipe standard output into it")
    }
    self.format = format
    if let status = FileStatus(output) {
      if let input = inputs.first(where: { FileStatus($0)?.identity == status.identity }) {
        throw UsageError("--output: '\(output)' is '\(input)', which is read; name another file")
      }
      guard status.kind == .regular else {
        throw UsageError(
          "--output: '\(output)' is \(status.kind.rawValue), expected a file; leave the option out "
            + "to write to standard output")
      }
    }
    do {
      let draft = try FileDraft(path: output, replaces: true)
      (self.draft, file) = (draft, draft.file)
    } catch {
      throw UsageError("--output: '\(output)' cannot be written: \(SystemError.reason(error.code))")
    }
    bytes.reserveCapacity(2 * Self.most)
  }

  /// Writes the names of a table's columns, once.
  ///
  /// - Throws: `UsageError` where two columns, or members of JSON, have the same.
  func putHeader(_ names: [String]) throws {
    hasHeader = true
    var seen: Set<String> = []
    if let twice = names.first(where: { !seen.insert($0).inserted }) {
      throw UsageError(
        "results would have two columns \"\(twice)\", one from the data and one that predict "
          + "adds: leave it out of --keep, or rename it in the data")
    }
    if format == .jsonl { return }
    try put(row: names.map { .string($0) })
  }

  /// A row of a table.
  func put(row: [OrderedJSON]) throws {
    for (place, cell) in row.enumerated() {
      if place > 0 { bytes.append(UInt8(ascii: ",")) }
      put(cell: cell)
    }
    try end()
  }

  /// A line of JSON.
  func put(object: OrderedJSON) throws {
    bytes += object.line.utf8
    try end()
  }

  private func end() throws {
    bytes.append(0x0A)
    if bytes.count >= Self.most { try flush() }
  }

  /// Rows that begin alike, each with its number, from 1, and then with numbers in the units of the
  /// data.
  ///
  /// - Parameters:
  ///   - numbers: one or several blocks of them, each row after row.
  ///   - blocks: how many, of which every row has its part.
  func put(_ head: [OrderedJSON], numbered numbers: [Double], rows: Int, blocks: Int) throws {
    let start = bytes.count
    for cell in head {
      put(cell: cell)
      bytes.append(UInt8(ascii: ","))
    }
    let beginning = Array(bytes[start...])
    bytes.removeLast(beginning.count)
    let width = numbers.count / max(1, rows * blocks)
    let most = rows * (beginning.count + 24 + blocks * width * RoundedText.most)
    // Apart from the object, whose every access is checked.
    bytes += unsafe [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
      for row in 0..<rows {
        for byte in beginning {
          unsafe buffer[count] = byte
          count += 1
        }
        count += unsafe RoundedText.write(UInt64(row + 1), to: buffer, at: count)
        for block in 0..<blocks {
          let first = (block * rows + row) * width
          for place in first..<first + width {
            unsafe buffer[count] = UInt8(ascii: ",")
            count += 1
            count += unsafe RoundedText.write(numbers[place], to: buffer, at: count)
          }
        }
        unsafe buffer[count] = 0x0A
        count += 1
      }
    }
    if bytes.count >= Self.most { try flush() }
  }

  private func put(cell: OrderedJSON) {
    switch cell {
    case .null: break
    case .string(let text): put(text)
    case .number(let number): bytes += "\(number)".utf8
    case .integer(let number): bytes += "\(number)".utf8
    case .bool, .array, .object: put(cell.line)
    }
  }

  /// A text, in quotes where it would be read as something else without (RFC 4180).
  private func put(_ text: String) {
    let needsQuotes = text.utf8.contains { [0x2C, 0x22, 0x0A, 0x0D].contains($0) }
    guard needsQuotes || text.utf8.first == 0x20 || text.utf8.last == 0x20 else {
      bytes += text.utf8
      return
    }
    bytes.append(0x22)
    for byte in text.utf8 {
      if byte == 0x22 { bytes.append(0x22) }
      bytes.append(byte)
    }
    bytes.append(0x22)
  }

  /// Hands on what is there.
  func flush() throws {
    if bytes.isEmpty { return }
    try file.write(bytes)
    bytes.removeAll(keepingCapacity: true)
  }

  /// Writes the rest, and gives a file its name.
  func finish() throws {
    try flush()
    guard let draft else { return try file.requireTaken() }
    do { try draft.finish() } catch {
      throw OutputLost(description: "cannot write \(file.name): \(SystemError.reason(error.code))")
    }
  }
}

/// What was predicted and could not be kept.
private struct OutputLost: Error, CustomStringConvertible {
  let description: String
}
