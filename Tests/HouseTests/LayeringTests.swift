import Foundation
import Testing

/// Imports go down only, in the order of the table of targets in docs/architecture.md, and what
/// they name is declared.
@Suite struct LayeringTests {
  /// Targets of this package that compute, and so are rebuilt, and rebuild others, for long.
  static let computing: Set = [
    "SIMDKernels", "KernelsPortable", "KernelsAVX2", "KernelsAVX512", "KernelsBF16", "Kernels",
    "Cells", "GRUCore", "Collectives", "MPICollectives", "Engine", "Scoring",
    "Prediction",
  ]

  /// The names in the first column of that table, from top to bottom.
  static func order() throws -> [String] {
    let text = try Repository.text("docs/architecture.md")
    let start = try #require(text.firstRange(of: "| target | what it holds |"))
    let rows = text[start.upperBound...].split(separator: "\n").prefix { $0.hasPrefix("|") }
    return rows.flatMap { row in
      row.split(separator: "|")[0].matches(of: /`([^`]+)`/).map { String($0.1) }
    }
  }

  @Test func targetsImportOnlyThoseBeforeThem() throws {
    let order = try Self.order()
    let targets = try Repository.manifest().targets.filter { !$0.isTest }
    #expect(Set(order) == Set(targets.map(\.name)), "the table has other targets")
    let own = Set(order)
    for target in targets {
      let place = try #require(order.firstIndex(of: target.name))
      for dependency in target.dependencies where own.contains(dependency) {
        let other = try #require(order.firstIndex(of: dependency))
        #expect(other < place, "\(target.name) imports \(dependency), which stands below it")
      }
    }
  }

  @Test func declaredDependenciesEqualImports() throws {
    let manifest = try Repository.manifest()
    let own = Set(manifest.targets.map(\.name))
    let products = Set(manifest.targets.flatMap(\.dependencies)).subtracting(own)
    let files = Dictionary(grouping: try Repository.swiftFiles(), by: \.target)
    for target in manifest.targets {
      let folder = String(target.path.split(separator: "/")[1])
      let imports = Set((files[folder] ?? []).flatMap(\.imports))
      let known = imports.intersection(own.union(products))
      let declared = Set(target.dependencies)
      let missing = known.subtracting(declared).subtracting([target.name])
      #expect(missing.isEmpty, "\(target.name) imports \(missing.sorted()) undeclared")
      // A test may run a program that it does not import.
      let needless = declared.subtracting(imports).filter {
        manifest[$0]?.kind != .executableTarget
      }
      #expect(needless.isEmpty, "\(target.name) declares \(needless.sorted()) for nothing")
    }
  }

  @Test func dashboardAndSupervisionImportNothingThatComputes() throws {
    let manifest = try Repository.manifest()
    let targets = Set(manifest.targets.map(\.name))
    #expect(Self.computing.subtracting(targets).isEmpty)
    for name in ["Records", "Configuration", "Checkpoints", "Tasks", "Dashboard", "Supervision"] {
      try #require(manifest[name] != nil, "no target \(name)")
      let found = manifest.closure(of: name).intersection(Self.computing)
      #expect(found.isEmpty, "\(name) imports \(found.sorted())")
    }
  }

  @Test func onlyMPICollectivesImportsMPI() throws {
    for file in try Repository.swiftFiles() where file.imports.contains("CMPI") {
      #expect(file.target == "MPICollectives", "\(file.path) imports CMPI")
    }
  }
}
