import Foundation
import Testing

/// Holds the picture of targets in docs/architecture.md against Package.swift;
/// `launch/architecture` draws it anew.
@Suite struct ArchitectureTests {
  static let picture = "docs/images/targets.svg"

  @Test func targetPictureIsCurrent() throws {
    let diagram = TargetDiagram(
      try Repository.manifest(), computing: LayeringTests.computing
    ).svg
    #expect(diagram.contains("GRUCore"))
    if ProcessInfo.processInfo.environment["GRU_DIST_WRITE_REFERENCES"] != nil {
      let url = Repository.root.appendingPathComponent(Self.picture)
      return try diagram.write(to: url, atomically: true, encoding: .utf8)
    }
    #expect(try Repository.text(Self.picture) == diagram, "draw it anew: launch/architecture")
  }

  @Test func documentShowsThePictureAndNamesEveryTarget() throws {
    let text = try Repository.text("docs/architecture.md")
    #expect(text.contains("(images/targets.svg)"))
    for target in try Repository.manifest().targets where !target.isTest {
      #expect(text.contains("`\(target.name)`"), "\(target.name) is not named")
    }
  }
}
