import Foundation
import Records
import Testing

@testable import Supervision

@Suite struct WatchedFolderTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("watched-\(UUID().uuidString)")

  init() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: folder.appendingPathComponent(name))
  }

  private func remove() { try? FileManager.default.removeItem(at: folder) }

  @Test func filesAreCompleteWhenTheyHaveNotChangedForAWhile() throws {
    defer { remove() }
    var watched = WatchedFolder(path: folder.path, settle: 2)
    let start = ContinuousClock.now
    try write("b.txt", "one")
    #expect(watched.next(now: start) { _, _ in false } == nil)
    #expect(watched.next(now: start + .seconds(1)) { _, _ in false } == nil)
    try write("b.txt", "one and two")
    #expect(watched.next(now: start + .seconds(2)) { _, _ in false } == nil)
    try write("a.txt", "later, but first by name")
    #expect(watched.next(now: start + .seconds(4)) { _, _ in false }?.name == "b.txt")
    #expect(watched.next(now: start + .seconds(6)) { _, _ in false }?.name == "a.txt")
    let left = watched.next(now: start + .seconds(6)) { name, _ in name == "a.txt" }
    #expect(left?.name == "b.txt")
    #expect(left?.stamp.size == 11)
  }

  @Test func filesInTheMakingAreNoFiles() throws {
    defer { remove() }
    let names = [".hidden", "a.txt~", "b.tmp", "c.PART", "d.txt.partial", "e.swp"]
    for name in names { try write(name, "text") }
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("inner"), withIntermediateDirectories: true)
    try #require(unsafe mkfifo(folder.appendingPathComponent("pipe").path, 0o600) == 0)
    var watched = WatchedFolder(path: folder.path, settle: 0)
    #expect(watched.next { _, _ in false } == nil)
    try FileManager.default.moveItem(
      at: folder.appendingPathComponent("b.tmp"), to: folder.appendingPathComponent("b.txt"))
    #expect(watched.next { _, _ in false }?.name == "b.txt")
  }

  /// What is never taken as it is, is said once; what has an unfinished name, after a while.
  @Test func entriesThatAreNeverTakenAreSaidOnce() throws {
    defer { remove() }
    try write("a.txt", "text")
    try write(".draft", "text")
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("inner"), withIntermediateDirectories: true)
    try #require(unsafe mkfifo(folder.appendingPathComponent("pipe").path, 0o600) == 0)
    try #require(unsafe symlink("nowhere", folder.appendingPathComponent("link").path) == 0)
    try #require(unsafe symlink("loop", folder.appendingPathComponent("loop").path) == 0)
    let odd = Array("\(folder.path)/caf".utf8) + [0xE9, 0]
    let descriptor = unsafe odd.withUnsafeBufferPointer {
      unsafe $0.withMemoryRebound(to: CChar.self) { unsafe creat($0.baseAddress!, 0o644) }
    }
    try #require(descriptor >= 0)
    close(descriptor)
    var watched = WatchedFolder(path: folder.path, settle: 2)
    let start = ContinuousClock.now
    #expect(watched.next(now: start) { _, _ in false } == nil)
    let said = watched.takeRemarks().sorted()
    #expect(said.count == 5, "\(said)")
    for (name, reason) in [
      ("caf\\xE9", "its name is not UTF-8"), ("inner", "it is a directory"),
      ("link", "it leads to no file"), ("loop", "it leads to no file"), ("pipe", "it is a pipe"),
    ] {
      let words = "'\(folder.path)/\(name)' is not taken: \(reason)"
      #expect(said.contains { $0.hasPrefix(words) }, "\(said)")
    }
    #expect(watched.next(now: start + .seconds(19)) { _, _ in false }?.name == "a.txt")
    #expect(watched.takeRemarks().isEmpty)
    _ = watched.next(now: start + .seconds(21)) { _, _ in true }
    let late = watched.takeRemarks()
    #expect(late.count == 1 && late[0].contains(".draft' is not taken: its name"), "\(late)")
    _ = watched.next(now: start + .seconds(90)) { _, _ in true }
    #expect(watched.takeRemarks().isEmpty)
    // Another of the same name is said anew, and one that is mended is taken.
    try FileManager.default.removeItem(at: folder.appendingPathComponent("link"))
    _ = watched.next(now: start + .seconds(91)) { _, _ in true }
    try #require(unsafe symlink("a.txt", folder.appendingPathComponent("link").path) == 0)
    _ = watched.next(now: start + .seconds(92)) { name, _ in name == "a.txt" }
    let mended = watched.next(now: start + .seconds(95)) { name, _ in name == "a.txt" }
    #expect(mended?.name == "link")
    #expect(watched.takeRemarks().isEmpty)
  }

  @Test(.enabled(if: geteuid() != 0, "root reads all")) func unreadableFilesAreSaid() throws {
    defer { remove() }
    try write("a.txt", "text")
    try #require(unsafe chmod(folder.appendingPathComponent("a.txt").path, 0) == 0)
    var watched = WatchedFolder(path: folder.path, settle: 0)
    #expect(watched.next { _, _ in false } == nil)
    let said = watched.takeRemarks()
    #expect(said.count == 1 && said[0].contains("a.txt' is not taken: it cannot be read"))
  }

  @Test func folderThatIsGoneIsSaidOnceAndTriedAgain() throws {
    defer { remove() }
    remove()
    var watched = WatchedFolder(path: folder.path, settle: 0)
    for turn in 0..<3 {
      #expect(watched.next { _, _ in false } == nil)
      let said = watched.takeRemarks()
      #expect(said.count == (turn == 0 ? 1 : 0), "\(said)")
      if turn == 0 { #expect(said[0].contains("cannot be read, and is tried again"), "\(said)") }
    }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try write("a.txt", "text")
    #expect(watched.next { _, _ in false }?.name == "a.txt")
    #expect(watched.takeRemarks() == ["'\(folder.path)' can be read again"])
  }

  @Test func stateKeepsWhatBecameOfFiles() throws {
    defer { remove() }
    var state = DaemonState()
    state.files = [
      WatchedFile(name: "a", stamp: .init(size: 3, changed: 1.5)),
      WatchedFile(name: "b", stamp: .init(size: 0, changed: 2), refusal: "it is empty"),
    ]
    let read = try #require(DaemonState(try OrderedJSON(parsing: state.json.pretty)))
    #expect(read.files == state.files)
  }
}
