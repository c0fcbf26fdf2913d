import Foundation
import Records
import Testing

@Suite struct FileLockTests {
  private let path = FileManager.default.temporaryDirectory
    .appendingPathComponent("lock-\(UUID().uuidString)").path

  @Test func secondHolderLearnsOfTheFirst() throws {
    defer { unlink(path) }
    do {
      let lock = try FileLock(path: path)
      let error = #expect(throws: FileLockError.self) { _ = try FileLock(path: path) }
      guard case .held(let holder)? = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(holder.hasPrefix("process \(getpid()) on "))
      _ = consume lock
    }
    // Given up, it is free; what the last holder wrote does not matter.
    let again = try FileLock(path: path)
    _ = consume again
  }

  @Test func holderWithoutANameIsSaidToHaveNone() throws {
    defer { unlink(path) }
    let lock = try FileLock(path: path)
    truncate(path, 0)
    let error = #expect(throws: FileLockError.self) { _ = try FileLock(path: path) }
    #expect(error == .held(by: "another process, which left no name in \(path)"))
    _ = consume lock
  }

  @Test func childProcessDoesNotKeepTheLock() throws {
    defer { unlink(path) }
    let lock = try FileLock(path: path)
    var wanted = stat()
    #expect(stat(path, &wanted) == 0)
    // As between fork and exec the child has it.
    let copies = (0..<min(getdtablesize(), 1 << 16)).filter { descriptor in
      var found = stat()
      return fstat(descriptor, &found) == 0 && found.st_dev == wanted.st_dev
        && found.st_ino == wanted.st_ino
    }.map { dup($0) }
    defer { for copy in copies { close(copy) } }
    #expect(copies.count == 1)
    _ = consume lock
    let again = try FileLock(path: path)
    _ = consume again
  }

  @Test func errorNamesMissingDirectory() {
    let path = "/nowhere/run.lock"
    let error = #expect(throws: FileLockError.self) { _ = try FileLock(path: path) }
    #expect(error == .system(SystemError(operation: "open", path: path, code: ENOENT)))
  }
}
