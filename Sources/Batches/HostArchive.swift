import Foundation
import NumericContract
package import Records
import Synchronization

/// A value with its numbers in a file of a scratch directory, which the ranks of a host map: one
/// of them has read the data, and all hold them together.
///
/// The file has the numbers of each `HostArray`, aligned, and then all else as a property list.
package struct HostArchive: Sendable {
  /// What writes, or is read, for `HostArray`.
  static let key = CodingUserInfoKey(rawValue: "host archive")!
  /// Bytes that the numbers of an array begin at a multiple of: a cache line.
  static let alignment = 64

  private let file: SharedBytes
  /// Where the property list begins.
  private let listOffset: Int
  /// Tells the file from others.
  private let content: String

  /// Writes a value, with the numbers of its arrays.
  ///
  /// - Throws: `SystemError`, as where the directory has no room.
  package init(_ value: some Encodable, in directory: String) throws {
    var offset = 0
    file = try SharedBytes(in: directory) { output in
      let writer = Writer(output)
      let encoder = PropertyListEncoder()
      encoder.outputFormat = .binary
      encoder.userInfo[Self.key] = writer
      let list = try encoder.encode(value)
      offset = try unsafe list.withUnsafeBytes { try unsafe writer.write($0) }
    }
    listOffset = offset
    content = unsafe ContentHash128(of: file.bytes).description
  }

  /// Maps what another rank of the host has written.
  ///
  /// - Throws: where its file cannot be mapped or is another.
  package init(json fields: JSONFields) throws {
    file = try SharedBytes(
      mapping: try fields.string("path"), byteCount: try fields.integer("bytes"))
    listOffset = try fields.integer("list_offset")
    content = try fields.string("content")
    guard unsafe ContentHash128(of: file.bytes).description == content else {
      throw fields.error("content", "is not that of the file")
    }
    guard listOffset >= 0, unsafe listOffset <= file.bytes.count else {
      throw fields.error("list_offset", "is beyond the file")
    }
  }

  /// The form in which one rank tells it to another.
  package var json: OrderedJSON {
    [
      "path": .string(file.path), "bytes": .integer(unsafe file.bytes.count),
      "list_offset": .integer(listOffset), "content": .string(content),
    ]
  }

  /// The value, whose arrays hold nothing of their own.
  package func value<Value: Decodable>(_ type: Value.Type) throws -> Value {
    let decoder = PropertyListDecoder()
    decoder.userInfo[Self.key] = file
    return try decoder.decode(type, from: unsafe Data(file.bytes[listOffset...]))
  }

  /// Unlinks the file, when all have mapped it.
  package func removeName() { file.removeName() }

  /// Appends arrays to the file, each once however many values hold it.
  final class Writer: Sendable {
    private let output: OutputFile
    private let written = Mutex(Written())

    private struct Written {
      /// Bytes in all, and where those of each address begin.
      var count = 0
      var offsets: [Address: Int] = [:]
    }

    /// That of one array: nothing that is written ends before the archive is complete.
    private struct Address: Hashable {
      var first: Int
      var count: Int
    }

    init(_ output: OutputFile) { self.output = output }

    /// Writes bytes at the next multiple of the alignment, and says where that is.
    func write(_ bytes: UnsafeRawBufferPointer) throws -> Int {
      let address = Address(first: Int(bitPattern: bytes.baseAddress), count: bytes.count)
      return try written.withLock { written in
        if let offset = written.offsets[address] { return offset }
        let gap = -written.count & (HostArchive.alignment - 1)
        try output.write([UInt8](repeating: 0, count: gap))
        try unsafe output.write(bytes)
        let offset = written.count + gap
        written.count = offset + bytes.count
        written.offsets[address] = offset
        return offset
      }
    }
  }
}
