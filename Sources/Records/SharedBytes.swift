#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Bytes that processes of one host hold together: a mapping of a file in a scratch directory.
///
/// One process writes the file, the others map it by its path, and then it is unlinked: its room in
/// memory or on the disk is free again when the last of them ends.
@safe package final class SharedBytes: @unchecked Sendable {
  /// Valid as long as this object lives, and never written.
  package let bytes: UnsafeRawBufferPointer
  /// What others map.
  package let path: String

  /// Copies bytes to a new file, which only this user may read, and maps it.
  ///
  /// - Throws: `SystemError`, as where the directory has no room.
  package convenience init(
    copying source: UnsafeRawBufferPointer, in directory: String
  ) throws(SystemError) {
    do { try self.init(in: directory) { try unsafe $0.write(source) } } catch {
      throw error as? SystemError
        ?? SystemError(operation: "write to", path: directory, code: EIO)
    }
  }

  /// Makes a file, which only this user may read, and maps it when it is written.
  ///
  /// - Throws: `SystemError`, as where the directory has no room; else what `writing` throws.
  package init(in directory: String, writing: (OutputFile) throws -> Void) throws {
    // mkstemp puts letters of its own for the last six.
    let name = directory + "/gru-dist-" + String(repeating: "X", count: 6)
    var template = Array(name.utf8CString)
    let descriptor = unsafe mkstemp(&template)
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard descriptor >= 0 else {
      throw SystemError(operation: "make a file in", path: directory, code: errno)
    }
    defer { close(descriptor) }
    do {
      try writing(OutputFile(descriptor: descriptor, name: path))
      unsafe bytes = try unsafe Self.map(descriptor, try Self.length(descriptor, path), path)
    } catch {
      unsafe unlink(path)
      guard let code = (error as? OutputError)?.code ?? (error as? SystemError)?.code else {
        throw error
      }
      throw SystemError(operation: "write", path: path, code: code)
    }
    self.path = path
  }

  /// Maps what another process has written.
  ///
  /// - Throws: `SystemError`, also where the file has another length.
  package init(mapping path: String, byteCount: Int) throws(SystemError) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      throw SystemError(operation: "open", path: path, code: errno)
    }
    defer { close(descriptor) }
    guard try Self.length(descriptor, path) == byteCount else {
      throw SystemError(operation: "map", path: path, code: EINVAL)
    }
    unsafe bytes = try unsafe Self.map(descriptor, byteCount, path)
    self.path = path
  }

  /// Unlinks the file, when all who are to map it have.
  package func removeName() { _ = unsafe unlink(path) }

  private static func length(_ descriptor: Int32, _ path: String) throws(SystemError) -> Int {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw SystemError(operation: "look at", path: path, code: errno)
    }
    return Int(status.st_size)
  }

  private static func map(
    _ descriptor: Int32, _ count: Int, _ path: String
  ) throws(SystemError) -> UnsafeRawBufferPointer {
    guard let address = unsafe mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, 0),
      unsafe address != MAP_FAILED
    else { throw SystemError(operation: "map", path: path, code: errno) }
    return unsafe UnsafeRawBufferPointer(start: address, count: count)
  }

  deinit { _ = unsafe munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }
}
