import Records

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Changes of the file system, with the error of checkpoints.
extension CheckpointStore {
  func rename(_ from: String, to: String) throws(CheckpointError) {
    do { try fileSystem.rename(from, to) } catch { throw .system(error) }
  }

  func makeDirectory(_ path: String) throws(CheckpointError) {
    do { try fileSystem.makeDirectory(path) } catch { throw .system(error) }
  }

  /// Waits until the names in a directory are on the disk.
  func synchronizeDirectory(_ path: String) throws(CheckpointError) {
    try OpenFile(path, flags: O_RDONLY | O_DIRECTORY, in: fileSystem).synchronize()
  }

  /// Removes a file or a directory with all it holds; nothing where there is nothing.
  func removeTree(_ path: String) throws(CheckpointError) {
    do throws(SystemError) {
      try removeTreeEntries(path)
    } catch {
      throw .system(error)
    }
  }

  private func removeTreeEntries(_ path: String) throws(SystemError) {
    let names: [String]
    do throws(SystemError) {
      names = try fileSystem.entries(path)
    } catch {
      if error.code == ENOENT { return }
      guard error.code == ENOTDIR else { throw error }
      return try fileSystem.removeFile(path)
    }
    for name in names {
      let entry = path + "/" + name
      do throws(SystemError) {
        try fileSystem.removeFile(entry)
      } catch {
        // Linux says EISDIR of a directory, other systems EPERM.
        guard error.code == EISDIR || error.code == EPERM else { throw error }
        try removeTreeEntries(entry)
      }
    }
    try fileSystem.removeDirectory(path)
  }
}
