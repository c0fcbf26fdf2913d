import Records
import Tasks

/// What somebody may have meant by a key that does not exist.
struct KeySuggestion {
  /// The section that the key was looked for in; "" is the whole config.
  let section: String
  /// The names that the section has.
  let known: [String]
  let task: TaskName

  /// What to do about a name that is none of them.
  ///
  /// - Parameter value: what it was to be set to; an object may be a section by another name.
  func hint(for stranger: String, _ value: OrderedJSON? = nil) -> String {
    let name = Self.plain(stranger)
    if paths.contains(stranger), stranger.contains(".") { return Self.nested(stranger) }
    if known.contains(name) { return meant([full(name)]) }
    if let tasks = tasks(of: full(name)) { return tasks }
    if let near = near(stranger, within: 1) { return meant([full(near)]) }
    if case .object? = value, let own = subsection(name) { return meant([own]) }
    if case .object(let members)? = value, members.count == 1, let inner = members.first,
      let key = elsewhere(Self.plain(inner.name))
    {
      return meant(key)
    }
    if case .object? = value, let other = KeyAliases.sections[name] { return meant([other]) }
    if let key = elsewhere(name) { return meant(key) }
    if let near = near(stranger, within: max(2, stranger.count / 2)) { return meant([full(near)]) }
    if let path = nearestPath(name) { return meant([path]) }
    return
      "the keys \(section.isEmpty ? "of a config" : "of \(section)") are "
      + known.joined(separator: ", ")
  }

  /// All keys of the task, but those of the memory study, which are no part of a run.
  private var paths: [String] {
    Config.declarations(below: "", of: [task]).map(\.path).filter { !$0.hasPrefix("memory.") }
  }

  /// The section within another one that has a name.
  private func subsection(_ name: String) -> String? {
    paths.lazy.map { $0.split(separator: ".").dropLast().joined(separator: ".") }
      .first { $0.hasSuffix(".\(name)") }
  }

  /// A name as keys are written: "learningRate" and "learning-rate" as "learning_rate".
  static func plain(_ name: String) -> String {
    var plain = ""
    for character in name {
      if character == "-" || character == " " {
        plain.append("_")
      } else if character.isUppercase {
        if plain.last?.isLowercase == true { plain.append("_") }
        plain.append(contentsOf: character.lowercased())
      } else {
        plain.append(character)
      }
    }
    return plain
  }

  private func full(_ name: String) -> String { section.isEmpty ? name : "\(section).\(name)" }

  private func meant(_ paths: [String]) -> String {
    "did you mean \(paths.joined(separator: " or "))?"
  }

  /// How a key of a section is written.
  private static func nested(_ path: String) -> String {
    let names = path.split(separator: ".")
    let opened = names.map { "{\"\($0)\": " }.joined()
    return "in a file it is written \(opened)...\(String(repeating: "}", count: names.count))"
  }

  /// The nearest name of the section; nil where none is as near as that.
  private func near(_ stranger: String, within most: Int) -> String? {
    // The beginning of a key is nearer to it than its length tells.
    let distances = known.map {
      ($0, $0.hasPrefix(stranger) ? 1 : editDistance($0, stranger))
    }
    guard let nearest = distances.min(by: { $0.1 < $1.1 }), nearest.1 <= most else { return nil }
    return nearest.0
  }

  /// What is to be known of a key that other tasks have.
  private func tasks(of path: String) -> String? {
    let tasks = TaskName.allCases.filter { other in
      other != task && Config.declarations(below: "", of: [other]).contains { $0.path == path }
    }
    if tasks.isEmpty { return nil }
    let names = tasks.quoted
    return "it is a key of \(tasks.count == 1 ? "task" : "tasks") \(names), and task is "
      + "\"\(task.rawValue)\""
  }

  /// Keys that the name stands for, or that have it in other sections.
  private func elsewhere(_ name: String) -> [String]? {
    let paths = paths
    let last = name.split(separator: ".").last.map(String.init) ?? name
    let aliases = (KeyAliases.keys["\(section).\(last)"] ?? []) + (KeyAliases.keys[last] ?? [])
    let possible = aliases.filter { paths.contains($0) }
    if let own = possible.first(where: { $0.hasPrefix(section + ".") }) ?? possible.first {
      return [own]
    }
    let same = paths.filter { $0 == last || $0.hasSuffix(".\(last)") }
    return same.isEmpty ? nil : Array(same.prefix(3))
  }

  /// The key of any section whose name is nearly that.
  private func nearestPath(_ name: String) -> String? {
    let distances = paths.map { path in
      (path, editDistance(path.split(separator: ".").last.map(String.init) ?? path, name))
    }
    guard let nearest = distances.min(by: { $0.1 < $1.1 }), nearest.1 <= max(1, name.count / 4)
    else { return nil }
    return nearest.0
  }
}

extension Config {
  /// The keys that names of other frameworks stand for; those with a section in front within that
  /// section alone.
  package static var aliases: [String: [String]] { KeyAliases.keys }

  /// What to do about a path that is no key of the config.
  package func hint(forKey path: String) -> String {
    var section = json
    var names = path.split(separator: ".").map(String.init)
    var walked: [String] = []
    while let first = names.first, names.count > 1, case .object? = section[first] {
      section = section[first] ?? .null
      walked.append(names.removeFirst())
    }
    guard case .object(let members) = section, let name = names.first else { return "" }
    let suggestion = KeySuggestion(
      section: walked.joined(separator: "."), known: members.map(\.name), task: task)
    return suggestion.hint(for: names.count > 1 ? names[names.count - 1] : name)
  }
}
