import Testing

/// Two clones a month apart build the same, and every target keeps the house's rules.
@Suite struct ManifestTests {
  @Test func dependenciesHaveExactVersions() throws {
    let text = try Repository.text("Package.swift")
    let packages = text.matches(of: /\.package\([^)]*\)/).map { String($0.0) }
    #expect(!packages.isEmpty)
    for package in packages { #expect(package.contains("exact: \""), "\(package)") }
  }

  @Test func transitiveDependenciesAreNamed() throws {
    let manifest = try Repository.text("Package.swift")
    let named = manifest.matches(of: /\.package\(\s*url: "([^"]+)"/).map { Self.name($0.1) }
    // The package manager leaves the list of what it resolved beside the manifest.
    let state = try Repository.text("Package.resolved")
    let resolved = Set(state.matches(of: /"identity" : "([^"]+)"/).map { String($0.1) })
    #expect(!resolved.isEmpty)
    #expect(resolved == Set(named), "Package.swift must name \(resolved.sorted())")
  }

  private static func name(_ url: Substring) -> String {
    String(url.split(separator: "/").last ?? "").replacing(".git", with: "").lowercased()
  }

  /// Kernels and the core are made of pointers; all other targets say where they are unsafe.
  @Test func memorySafetyIsStrictOutsideTheKernels() throws {
    let manifest = try Repository.manifest()
    for target in manifest.targets where !target.isTest && target.kind != .systemLibrary {
      if Self.madeOfPointers.contains(target.name) { continue }
      let settings = target.settings
      #expect(
        settings.contains("strict"),
        "\(target.name): neither strict nor strictHot settings")
    }
    for (name, base) in [("strict", "common"), ("strictHot", "hot")] {
      let line = "let \(name): [SwiftSetting] = \(base) + [.strictMemorySafety()]"
      #expect(manifest.text.contains(line), "\(line)")
    }
  }

  static let madeOfPointers: Set = [
    "CPlatform", "CSockets", "CPage", "SIMDKernels", "KernelsPortable", "KernelsAVX2",
    "KernelsAVX512", "KernelsBF16", "Kernels", "GRUCore",
    "ReferenceModels",
  ]
}
