import Foundation
import Testing

/// Two clones a month apart build the same, and every target keeps the house's rules.
@Suite struct ManifestTests {
  @Test func dependenciesHaveExactVersions() throws {
    let text = try Repository.text("Package.swift")
    let packages = text.matches(of: /\.package\([^)]*\)/).map { String($0.0) }
    #expect(!packages.isEmpty)
    for package in packages { #expect(package.contains("exact: \""), "\(package)") }
  }

  @Test func dependenciesOfDependenciesAreNamedToo() throws {
    let manifest = try Repository.text("Package.swift")
    let named = manifest.matches(of: /\.package\(\s*url: "([^"]+)"/).map { Self.name($0.1) }
    // The build folder has a checkout of every package that was resolved, beside what is built.
    let build = URL(fileURLWithPath: ProcessInfo.processInfo.arguments[0])
      .resolvingSymlinksInPath().deletingLastPathComponent()
    let checkouts = build.appendingPathComponent("../../checkouts").standardized.path
    let resolved = try FileManager.default.contentsOfDirectory(atPath: checkouts)
    #expect(!resolved.isEmpty)
    for name in resolved { #expect(named.contains(name), "\(name) is not in Package.swift") }
  }

  private static func name(_ url: Substring) -> String {
    String(url.split(separator: "/").last ?? "").replacing(".git", with: "")
  }

  /// Kernels and the core are made of pointers; all other targets say where they are unsafe.
  @Test func memorySafetyIsStrictOutsideTheKernels() throws {
    let manifest = try Repository.manifest()
    for target in manifest.targets where !target.isTest && target.kind != .systemLibrary {
      if Self.madeOfPointers.contains(target.name) { continue }
      let settings = target.settings
      #expect(
        settings.contains("common") || settings.contains("hot"),
        "\(target.name): neither common nor hot settings")
    }
    let text = manifest.text
    let common = /let common: \[SwiftSetting\] =[^\n]*(\n  [^\n]*)*/
    #expect(try #require(text.firstMatch(of: common)).0.contains(".strictMemorySafety()"))
  }

  static let madeOfPointers: Set = [
    "CPlatform", "SIMDKernels", "KernelsPortable", "KernelsAVX2", "KernelsAVX512", "KernelsBF16",
    "Kernels", "Cells", "GRUCore",
  ]
}
