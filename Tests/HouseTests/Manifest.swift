import Foundation

/// What Package.swift says of the targets, read as text: asking the package manager would need its
/// lock, which the build that runs these tests may hold.
struct Manifest {
  struct Target {
    enum Kind: String { case target, executableTarget, testTarget, systemLibrary }
    var kind: Kind
    var name: String
    /// Names of targets of this package and of products of others, as they are written.
    var dependencies: [String]
    var settings: String
    var path: String

    var isTest: Bool { kind == .testTarget || path.hasPrefix("Tests/") }
  }

  let text: String
  let targets: [Target]

  init(_ text: String) {
    self.text = text
    var targets: [Target] = []
    let head = /\.(target|executableTarget|testTarget|systemLibrary)\(\s*name: "([^"]+)"/
    for match in text.matches(of: head) {
      guard let kind = Target.Kind(rawValue: String(match.1)),
        let open = text[match.range].firstIndex(of: "("),
        let whole = Self.balanced(text, from: open)
      else { continue }
      let name = String(match.2)
      let list = whole.firstRange(of: "dependencies: ").flatMap {
        Self.balanced(text, from: $0.upperBound)
      }
      let dependency = /(?:\.product\(\s*name: )?"([^"]+)"(?:, package: "[^"]+")?/
      let names = (list ?? "").matches(of: dependency)
      let path = whole.firstMatch(of: /path: "([^"]+)"/).map { String($0.1) }
      let settings = whole.firstRange(of: "swiftSettings:").map { whole[$0.upperBound...] } ?? ""
      targets.append(
        Target(
          kind: kind, name: name, dependencies: names.map { String($0.1) },
          settings: String(settings),
          path: path ?? (kind == .testTarget ? "Tests/" : "Sources/") + name))
    }
    self.targets = targets
  }

  subscript(name: String) -> Target? { targets.first { $0.name == name } }

  /// All targets that a target imports, directly or by others.
  func closure(of name: String) -> Set<String> {
    var found: Set<String> = []
    var waiting = [name]
    while let next = waiting.popLast() {
      for dependency in self[next]?.dependencies ?? [] where found.insert(dependency).inserted {
        waiting.append(dependency)
      }
    }
    return found
  }

  /// From an opening bracket to the one that closes it; nil where there is none.
  private static func balanced(_ text: String, from open: String.Index) -> Substring? {
    var depth = 0
    var isQuoted = false
    for index in text[open...].indices {
      switch text[index] {
      case "\"": isQuoted.toggle()
      case "(", "[": depth += isQuoted ? 0 : 1
      case ")", "]":
        depth -= isQuoted ? 0 : 1
        if depth == 0 { return text[open...index] }
      default: break
      }
      if depth == 0, !isQuoted { return nil }
    }
    return nil
  }
}
