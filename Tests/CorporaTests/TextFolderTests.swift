import Foundation
import Testing

@testable import Corpora

/// What `prepare` reads of a directory, and what it says of the rest.
@Suite struct TextFolderTests {
  /// A directory that goes with this value.
  private final class Folder {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(
      "folder-\(UUID().uuidString)"
    ).path

    init() throws { try make(".") }

    deinit {
      try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path + "/c")
      try? FileManager.default.removeItem(atPath: path)
    }

    func make(_ name: String) throws {
      try FileManager.default.createDirectory(
        atPath: "\(path)/\(name)", withIntermediateDirectories: true)
    }

    func write(_ name: String, _ text: String) throws {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }

    func link(_ name: String, to target: String) throws {
      try FileManager.default.createSymbolicLink(
        atPath: "\(path)/\(name)", withDestinationPath: target)
    }

    func files() throws -> [String] {
      try TextFolder(path).files.map { String($0.dropFirst(path.count + 1)) }
    }
  }

  @Test func filesComeByPath() throws {
    let folder = try Folder()
    for name in ["b", "a/c"] { try folder.make(name) }
    for name in ["b/1", "b/0", "a.txt", "a/c/z", "a/b", "Z"] { try folder.write(name, "x") }
    #expect(try folder.files() == ["Z", "a.txt", "a/b", "a/c/z", "b/0", "b/1"])
    #expect(try TextFolder(folder.path).leftOut.words == nil)
  }

  @Test func linksAreFollowedAndEachFileIsReadOnce() throws {
    let folder = try Folder()
    for name in ["d", "e"] { try folder.make(name) }
    try folder.write("d/text", "x")
    try folder.link("a", to: "d/text")
    try folder.link("e/again", to: "../d")
    try folder.link("e/round", to: "..")
    let other = try Folder()
    try other.write("far", "y")
    try folder.link("other", to: other.path)
    #expect(try folder.files() == ["d/text", "other/far"])
    #expect(
      try TextFolder(folder.path).leftOut.words
        == "left out: 1 further link to a file that is read")
  }

  @Test func whatIsLeftOutIsCounted() throws {
    let folder = try Folder()
    try folder.make(".git")
    try folder.write(".hidden", "x")
    try folder.write("empty", "")
    try folder.write("text", "x")
    #expect(mkfifo(folder.path + "/pipe", 0o600) == 0)
    #expect(try folder.files() == ["text"])
    #expect(
      try TextFolder(folder.path).leftOut.words
        == "left out: 2 hidden, 1 empty, 1 pipe, device or socket")
  }

  @Test func linksThatLeadNowhereAreErrors() throws {
    let folder = try Folder()
    try folder.link("gone", to: "nothing")
    let error = #expect(throws: (any Error).self) { try folder.files() }
    #expect("\(error!)".contains("gone' is a link that leads to nothing"))
  }

  @Test(.enabled(if: getuid() != 0, "root may read everything"))
  func unreadablePlacesAreErrors() throws {
    let folder = try Folder()
    try folder.make("c")
    try FileManager.default.setAttributes(
      [.posixPermissions: 0], ofItemAtPath: folder.path + "/c")
    let error = #expect(throws: (any Error).self) { try folder.files() }
    #expect("\(error!)".contains("c' cannot be read"))
  }
}
