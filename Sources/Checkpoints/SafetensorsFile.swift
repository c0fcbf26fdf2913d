import Records

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// An open safetensors file. Trusts nothing in it: whatever the bytes are, it gives tensors of the
/// sizes it states or throws.
package struct SafetensorsReader: ~Copyable {
  package let header: SafetensorsHeader
  private let file: OpenFile

  /// Opens a file and checks its header against its length.
  ///
  /// - Throws: `CheckpointError.system`, `.damaged`.
  package init(
    path: String, in fileSystem: FileSystem = .system
  ) throws(CheckpointError) {
    let file = try OpenFile(path, flags: O_RDONLY, in: fileSystem)
    let fileBytes = try file.size()
    let lengthBytes = try file.bytes(at: 0, count: min(8, fileBytes))
    let jsonLength = try SafetensorsHeader.jsonLength(
      of: lengthBytes, fileBytes: fileBytes, path: path)
    let json = try file.bytes(at: 8, count: jsonLength)
    header = try SafetensorsHeader(json: json, fileBytes: fileBytes, path: path)
    self.file = file
  }

  package var path: String { file.path }

  /// Reads a tensor, which must have the given type and shape.
  ///
  /// Preconditions: `buffer` holds exactly the bytes of that type and shape.
  /// - Throws: `CheckpointError.wrongTensor` where the tensor is absent or another one.
  package func read(
    _ name: String, type: ElementType = .float32, shape: [Int],
    into buffer: UnsafeMutableRawBufferPointer
  ) throws(CheckpointError) {
    let expected = "\(type.rawValue) \(shape)"
    guard let entry = header[name] else {
      throw .wrongTensor(path: path, tensor: name, expected: expected, found: "none of that name")
    }
    guard entry.tensor.type == type, entry.tensor.shape == shape else {
      throw .wrongTensor(
        path: path, tensor: name, expected: expected, found: entry.tensor.description)
    }
    precondition(
      buffer.count == entry.range.count,
      "\(name): buffer of \(buffer.count) bytes, tensor of \(entry.range.count)")
    try unsafe file.readAll(at: entry.range.lowerBound, into: buffer)
  }
}

/// Writes a safetensors file outside a checkpoint, such as an export.
package enum SafetensorsWriter {
  /// Creates a file, which must not exist yet, and waits until it is on the disk. One that is not
  /// completed leaves nothing.
  package static func write(
    _ tensors: [TensorSource], metadata: [String: String] = [:], to path: String
  ) throws(CheckpointError) {
    let (_, text) = try SafetensorsHeader.laidOut(
      tensors.map(\.description), metadata: metadata, file: path)
    do throws(SystemError) {
      let draft = try FileDraft(path: path, replaces: false)
      do throws(OutputError) {
        try draft.file.write(text)
        for tensor in tensors { try unsafe draft.file.write(tensor.bytes) }
      } catch {
        throw SystemError(operation: "write", path: path, code: error.code)
      }
      try draft.finish()
    } catch {
      throw .system(error)
    }
  }
}
