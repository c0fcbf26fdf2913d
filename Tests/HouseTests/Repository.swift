import Foundation

/// The checkout that these tests belong to, as files.
enum Repository {
  static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent()
    .appendingPathComponent("../..").standardized

  static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  static func manifest() throws -> Manifest { Manifest(try text("Package.swift")) }

  /// Paths below a folder, relative to the checkout, in order.
  static func files(in folder: String, ending: String) -> [String] {
    let names = FileManager.default.enumerator(atPath: root.appendingPathComponent(folder).path)
    let paths = (names?.compactMap { $0 as? String } ?? []).filter { path in
      path.hasSuffix(ending) && !path.split(separator: "/").contains { $0.hasPrefix(".build") }
    }
    return paths.sorted().map { folder == "." ? $0 : "\(folder)/\($0)" }
  }

  static func swiftFiles() throws -> [SwiftFile] {
    try (files(in: "Sources", ending: ".swift") + files(in: "Tests", ending: ".swift"))
      .map { SwiftFile(path: $0, text: try text($0)) }
  }

  /// The dashboard's page, and what tries it out, of which only lines are looked at.
  static func pageFiles() throws -> [SwiftFile] {
    let page = [".js", ".css", ".html"].flatMap { files(in: "Sources/CPage", ending: $0) }
    let tests = [".mjs", ".py"].flatMap { files(in: "Tests/page", ending: $0) }
    return try (page + tests).map { SwiftFile(path: $0, text: try text($0)) }
  }

  /// Headers and C, of which only lines are looked at.
  static func cFiles() throws -> [SwiftFile] {
    try [".h", ".c"].flatMap { ending in
      ["Sources", "Tests"].flatMap { files(in: $0, ending: ending) }
    }.map { SwiftFile(path: $0, text: try text($0)) }
  }
}
