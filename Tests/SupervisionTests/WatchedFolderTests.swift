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
    #expect(try watched.next(now: start) { _, _ in false } == nil)
    #expect(try watched.next(now: start + .seconds(1)) { _, _ in false } == nil)
    try write("b.txt", "one and two")
    #expect(try watched.next(now: start + .seconds(2)) { _, _ in false } == nil)
    try write("a.txt", "later, but first by name")
    #expect(try watched.next(now: start + .seconds(4)) { _, _ in false }?.name == "b.txt")
    #expect(try watched.next(now: start + .seconds(6)) { _, _ in false }?.name == "a.txt")
    let left = try watched.next(now: start + .seconds(6)) { name, _ in name == "a.txt" }
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
    #expect(try watched.next { _, _ in false } == nil)
    try FileManager.default.moveItem(
      at: folder.appendingPathComponent("b.tmp"), to: folder.appendingPathComponent("b.txt"))
    #expect(try watched.next { _, _ in false }?.name == "b.txt")
  }

  @Test func folderThatIsGoneIsAnError() throws {
    remove()
    var watched = WatchedFolder(path: folder.path, settle: 0)
    #expect(throws: UsageError.self) { try watched.next { _, _ in false } }
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
