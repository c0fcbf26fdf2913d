import NumericContract
import Records

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A checkpoint on the disk, all of whose files were found to be as its manifest says.
package struct Checkpoint: Sendable {
  /// The files' names by their use.
  package static let modelFile = "model.safetensors"
  package static let optimizerFile = "optimizer.safetensors"
  package static let stateFile = "state.json"
  /// The running mean of the parameters, where a run was pruned that keeps one.
  package static let averageFile = "average.safetensors"
  /// Why the checkpoint is all that a run was pruned to.
  package static let prunedFile = "pruned.json"

  /// Its directory.
  package let path: String
  package let manifest: Manifest
  private let fileSystem: FileSystem

  package var step: Int { manifest.step }

  /// Whether it has the model alone, since its run was pruned to it: nothing can go on from it.
  package var isModelOnly: Bool { manifest.files.contains { $0.name == Self.prunedFile } }

  /// Whether its directory is there still, or again.
  package var isThere: Bool { FileStatus(path) != nil }

  /// Opens the checkpoint in the directory `path` and compares every byte with the manifest.
  ///
  /// - Throws: `CheckpointError.missing` where there is no manifest, `.damaged`,
  ///   `.unsupportedFormat`, `.system`.
  /// - Complexity: reads all of it once.
  package init(
    verifying path: String, in fileSystem: FileSystem = .system
  ) throws(CheckpointError) {
    try self.init(path: path, fileSystem: fileSystem)
    try Self.verify(manifest, of: path, in: fileSystem)
  }

  /// Compares every byte of the files in the directory `path` with a manifest.
  static func verify(
    _ manifest: Manifest, of path: String, in fileSystem: FileSystem
  ) throws(CheckpointError) {
    for file in manifest.files {
      let open = try Self.open(file, of: path, in: fileSystem)
      let digest = try open.sha256(byteCount: file.bytes)
      guard digest == file.sha256 else {
        throw .damaged(
          path: open.path,
          reason: "SHA-256 is \(digest), expected \(file.sha256) by the manifest")
      }
    }
  }

  /// Opens a checkpoint and compares only the files' lengths with the manifest.
  package init(
    measuring path: String, in fileSystem: FileSystem = .system
  ) throws(CheckpointError) {
    try self.init(path: path, fileSystem: fileSystem)
    for file in manifest.files { _ = try Self.open(file, of: path, in: fileSystem) }
  }

  /// Compares what is small with the manifest: the JSON files byte by byte, and of files of tensors
  /// the header with the length. The tensors themselves are not read.
  package func checkSmallParts() throws(CheckpointError) {
    for file in manifest.files {
      if file.name.hasSuffix(".safetensors") {
        _ = try tensors(in: file.name)
      } else {
        _ = try text(of: file.name)
      }
    }
  }

  /// Takes a checkpoint as whole that was just written.
  init(written path: String, manifest: Manifest, in fileSystem: FileSystem) {
    self.path = path
    self.manifest = manifest
    self.fileSystem = fileSystem
  }

  private init(path: String, fileSystem: FileSystem) throws(CheckpointError) {
    self.path = path
    self.fileSystem = fileSystem
    let manifestPath = path + "/" + Manifest.fileName
    let text: [UInt8]
    do throws(CheckpointError) {
      let file = try OpenFile(manifestPath, flags: O_RDONLY, in: fileSystem)
      let size = try file.size()
      guard size <= Self.longestManifest else {
        throw .damaged(
          path: manifestPath, reason: "\(size) bytes, expected at most \(Self.longestManifest)")
      }
      text = try file.bytes(at: 0, count: size)
    } catch .system(let error) where error.code == ENOENT || error.code == ENOTDIR {
      throw .missing(path: path)
    }
    manifest = try Manifest(text: text, path: manifestPath)
  }

  private static let longestManifest = 1 << 20

  /// Opens one of the files and checks its length.
  private static func open(
    _ file: Manifest.File, of path: String, in fileSystem: FileSystem
  ) throws(CheckpointError) -> OpenFile {
    let filePath = path + "/" + file.name
    let open: OpenFile
    do throws(CheckpointError) {
      open = try OpenFile(filePath, flags: O_RDONLY, in: fileSystem)
    } catch .system(let error) where error.code == ENOENT {
      throw .damaged(path: filePath, reason: "missing, expected \(file.bytes) bytes")
    }
    let size = try open.size()
    guard size == file.bytes else {
      throw .damaged(path: filePath, reason: "\(size) bytes, expected \(file.bytes)")
    }
    return open
  }

  /// Opens a file of tensors that the manifest lists.
  package func tensors(in name: String) throws(CheckpointError) -> SafetensorsReader {
    let listed = try file(name)
    let reader = try SafetensorsReader(path: path + "/" + name, in: fileSystem)
    guard reader.header.fileBytes == listed.bytes else {
      throw .damaged(
        path: reader.path, reason: "\(reader.header.fileBytes) bytes, expected \(listed.bytes)")
    }
    return reader
  }

  /// The bytes of a small file that the manifest lists, which must be as it says.
  func text(of name: String) throws(CheckpointError) -> [UInt8] {
    let listed = try file(name)
    let open = try Self.open(listed, of: path, in: fileSystem)
    let text = try open.bytes(at: 0, count: try open.size())
    guard SHA256.hash(of: text) == listed.sha256 else {
      throw .damaged(path: open.path, reason: "its SHA-256 is not the one that the manifest has")
    }
    return text
  }

  /// The training state, which must be of the same step and contract as the manifest, and one that
  /// a run can have.
  package func trainingState() throws(CheckpointError) -> TrainingState {
    let state = try TrainingState(
      text: try text(of: Self.stateFile), path: path + "/" + Self.stateFile)
    guard state.step == step, state.contractVersion.rawValue == manifest.contractVersion else {
      throw .damaged(
        path: path + "/" + Self.stateFile,
        reason: "step \(state.step) of contract \(state.contractVersion.rawValue), expected "
          + "step \(step) of contract \(manifest.contractVersion) by the manifest")
    }
    try state.checkPlausible(path: path)
    return state
  }

  /// What the manifest says of a file.
  func file(_ name: String) throws(CheckpointError) -> Manifest.File {
    guard let file = manifest.files.first(where: { $0.name == name }) else {
      throw .damaged(path: path, reason: "its manifest lists no file '\(name)'")
    }
    return file
  }
}
