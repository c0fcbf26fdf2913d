package import NumericContract
import Records

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension CheckpointStore {
  /// Writes the checkpoint of a step. After it returns the checkpoint survives a loss of power;
  /// until then it cannot be seen, and if it throws, the earlier checkpoints are as they were.
  ///
  /// A checkpoint of that step that exists already is replaced, and kept until the new one is
  /// whole.
  ///
  /// - Parameters:
  ///   - contractVersion: the version of the numeric contract that the state follows.
  ///   - files: all files but the manifest.
  /// - Throws: `CheckpointError`, and whatever the files' own closures throw.
  @discardableResult
  package func write(
    step: Int, contractVersion: ContractVersion, files: [CheckpointFile]
  ) throws -> Checkpoint {
    precondition(!files.isEmpty, "a checkpoint of no files")
    precondition(
      Set(files.map(\.name)).count == files.count, "names of files are not unique")
    try createDirectory()
    try requireSpace(for: files)
    let draft = directory + "/" + Self.draftPrefix + Self.name(ofStep: step)
    try removeTree(draft)
    do {
      try makeDirectory(draft)
      let manifest = try writeFiles(files, step: step, contractVersion, to: draft)
      try synchronizeDirectory(draft)
      try publish(draft, as: step)
      damagedSteps.remove(step)
      lastWritten = step
      return Checkpoint(written: path(ofStep: step), manifest: manifest, in: fileSystem)
    } catch {
      // What went wrong first is what the caller must hear; a draft that stays is never read.
      try? removeTree(draft)
      throw error
    }
  }

  /// Puts right what a process that ended in the middle of `write` or `prune` left behind: removes
  /// drafts, and brings a checkpoint back whose replacement did not get its place.
  package func recover() throws(CheckpointError) {
    for name in try entries() {
      if name.hasPrefix(Self.draftPrefix) {
        try removeTree(directory + "/" + name)
      } else if name.hasPrefix(Self.replacedPrefix) {
        let original = String(name.dropFirst(Self.replacedPrefix.count))
        if try entries().contains(original) {
          try synchronizeDirectory(directory)
          try removeTree(directory + "/" + name)
        } else {
          try rename(directory + "/" + name, to: directory + "/" + original)
          try synchronizeDirectory(directory)
        }
      }
    }
  }

  static var draftPrefix: String { ".tmp-" }
  static var replacedPrefix: String { ".replaced-" }

  private func createDirectory() throws(CheckpointError) {
    if isDirectoryDurable { return }
    do throws(CheckpointError) {
      try makeDirectory(directory)
    } catch .system(let error) where error.code == EEXIST {
      // Whoever made it may have been stopped before its name was on the disk.
    }
    try synchronizeDirectory(directory + "/..")
    isDirectoryDurable = true
  }

  /// Throws where the disk lacks the room, before anything is written.
  func requireSpace(for files: [CheckpointFile]) throws(CheckpointError) {
    // The manifest, the directory and the file system's own bookkeeping need a little as well.
    let needed = files.reduce(64 << 10) { $0 + $1.byteCount + 4096 }
    let available: Int?
    do { available = try fileSystem.freeBytes(directory) } catch { throw .system(error) }
    if let available, available < needed {
      throw .noSpace(path: directory, needed: needed, available: available)
    }
  }

  /// Writes every file and, when they are on the disk, the manifest.
  private func writeFiles(
    _ files: [CheckpointFile], step: Int, _ contractVersion: ContractVersion, to draft: String
  ) throws -> Manifest {
    var listed: [Manifest.File] = []
    for file in files {
      var sink = try FileSink(path: draft + "/" + file.name, in: fileSystem)
      try file.write(&sink)
      let bytes = sink.byteCount
      precondition(
        bytes == file.byteCount, "\(file.name): \(bytes) bytes written, \(file.byteCount) expected"
      )
      let digest = try sink.finish()
      listed.append(.init(name: file.name, bytes: bytes, sha256: digest))
    }
    let manifest = Manifest(contractVersion: contractVersion.rawValue, step: step, files: listed)
    var sink = try FileSink(path: draft + "/" + Manifest.fileName, in: fileSystem)
    try sink.append(try manifest.encoded())
    _ = try sink.finish()
    return manifest
  }

  /// Gives a finished draft its name.
  private func publish(_ draft: String, as step: Int) throws(CheckpointError) {
    let final = path(ofStep: step)
    let replaced = directory + "/" + Self.replacedPrefix + Self.name(ofStep: step)
    let replaces = try entries().contains(Self.name(ofStep: step))
    if replaces {
      if try entries().contains(Self.replacedPrefix + Self.name(ofStep: step)) {
        // It may be all that the disk has of this step, until the names are safe.
        try synchronizeDirectory(directory)
        try removeTree(replaced)
      }
      try rename(final, to: replaced)
    }
    do throws(CheckpointError) {
      try rename(draft, to: final)
    } catch {
      if replaces { try? fileSystem.rename(replaced, final) }
      throw error
    }
    try synchronizeDirectory(directory)
    if replaces { try removeTree(replaced) }
  }
}
