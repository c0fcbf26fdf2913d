/// Writes a safetensors file outside a checkpoint, such as an export.
package enum SafetensorsWriter {
  /// Creates a file, which must not exist yet, and waits until it is on the disk. A file that
  /// could not be completed is removed.
  package static func write(
    _ tensors: [TensorSource], metadata: [String: String] = [:], to path: String,
    in fileSystem: FileSystem = .system
  ) throws(CheckpointError) {
    let (_, text) = try SafetensorsHeader.laidOut(
      tensors.map(\.description), metadata: metadata, file: path)
    var sink = try FileSink(path: path, in: fileSystem)
    do throws(CheckpointError) {
      try sink.append(text)
      for tensor in tensors { try unsafe sink.append(tensor.bytes) }
      _ = try sink.finish()
    } catch {
      try? fileSystem.removeFile(path)
      throw error
    }
  }
}
