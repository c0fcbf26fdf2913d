package import Records

/// A file to be written into a checkpoint: its name, its length, and how to write it.
package struct CheckpointFile {
  package let name: String
  /// Exactly the bytes that `write` appends; the space on the disk is checked with it.
  package let byteCount: Int
  let write: (inout FileSink) throws -> Void

  /// Preconditions: `name` is a plain file name and not the manifest's.
  package init(
    name: String, byteCount: Int, write: @escaping (inout FileSink) throws -> Void
  ) {
    precondition(Manifest.isPlain(name), "'\(name)' is no name for a file of a checkpoint")
    self.name = name
    self.byteCount = byteCount
    self.write = write
  }

  /// A JSON file.
  ///
  /// - Throws: `CheckpointError.unencodable` for values such as infinity.
  package static func json(
    _ name: String, _ value: OrderedJSON
  ) throws(CheckpointError) -> CheckpointFile {
    let text = try CheckpointJSON.encode(value, file: name)
    return CheckpointFile(name: name, byteCount: text.count) { sink in try sink.append(text) }
  }

  /// A safetensors file of tensors in memory, which must stay until the checkpoint is written.
  /// Does not copy them.
  package static func safetensors(
    _ name: String, _ tensors: [TensorSource], metadata: [String: String] = [:]
  ) throws(CheckpointError) -> CheckpointFile {
    try safetensors(name, tensors.map(\.description), metadata: metadata) { sink in
      for tensor in tensors { try unsafe sink.append(tensor.bytes) }
    }
  }

  /// A safetensors file whose tensors are appended piece by piece.
  ///
  /// - Parameter data: appends all tensors' bytes in the order of `tensors`, in pieces of any size.
  package static func safetensors(
    _ name: String, _ tensors: [TensorDescription], metadata: [String: String] = [:],
    data: @escaping (inout FileSink) throws -> Void
  ) throws(CheckpointError) -> CheckpointFile {
    let (header, text) = try SafetensorsHeader.laidOut(tensors, metadata: metadata, file: name)
    return CheckpointFile(name: name, byteCount: header.fileBytes) { sink in
      try sink.append(text)
      try data(&sink)
    }
  }
}

/// A tensor in memory that is to be written.
@safe package struct TensorSource {
  package let description: TensorDescription
  package let bytes: UnsafeRawBufferPointer

  /// Preconditions: `bytes` are exactly those of the description.
  package init(_ description: TensorDescription, bytes: UnsafeRawBufferPointer) {
    precondition(
      bytes.count == description.byteCount,
      "\(description.name): \(bytes.count) bytes != \(description.byteCount) of \(description)")
    self.description = description
    unsafe self.bytes = unsafe bytes
  }

  /// A tensor of floats.
  ///
  /// Preconditions: `shape` has no negative dimension; `floats` holds all of its elements.
  package init(name: String, shape: [Int], floats: UnsafePointer<Float>) {
    guard let description = TensorDescription(name: name, type: .float32, shape: shape) else {
      preconditionFailure("\(name): impossible shape \(shape)")
    }
    unsafe self.init(
      description, bytes: UnsafeRawBufferPointer(start: floats, count: description.byteCount))
  }
}
