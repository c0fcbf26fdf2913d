import Records
import Tasks

/// Where a value stands in a config: what an error says of it.
package struct ConfigPlace: Sendable {
  /// The section or key, such as "model.hidden"; "" is the whole config.
  let path: String
  let source: ConfigSource

  /// The place of a key of the section.
  subscript(name: String) -> ConfigPlace {
    ConfigPlace(path: path.isEmpty ? name : "\(path).\(name)", source: source)
  }

  /// An error about the value.
  func failure(_ problem: String, hint: String? = nil) -> ConfigError {
    ConfigError(
      place: source.place(of: path), key: path.isEmpty ? nil : path, problem: problem, hint: hint)
  }

  /// An error about a key of the section.
  func failure(_ key: String, _ problem: String, hint: String? = nil) -> ConfigError {
    self[key].failure(problem, hint: hint)
  }

  /// The members of an object; nil counts as an empty one.
  func members(of value: OrderedJSON?) throws(ConfigError) -> [OrderedJSON.Member] {
    switch value {
    case nil: return []
    case .object(let members): return members
    case let other?: throw failure("expected an object, found \(other.kind)")
    }
  }

  /// Throws for a member that is none of the known keys, naming what may have been meant.
  func checkNames(
    of members: [OrderedJSON.Member], known: [String], task: TaskName
  ) throws(ConfigError) {
    guard let stranger = members.first(where: { !known.contains($0.name) }) else { return }
    guard stranger.name.utf8.count <= Self.longestName else {
      throw failure(
        "unknown key of \(stranger.name.utf8.count) bytes",
        hint: "the keys \(path.isEmpty ? "of a config" : "of \(path)") are "
          + known.joined(separator: ", "))
    }
    let suggestion = KeySuggestion(section: path, known: known, task: task)
    throw failure(
      stranger.name, "unknown key", hint: suggestion.hint(for: stranger.name, stranger.value))
  }

  /// Bytes of a name that may be a misspelt key.
  private static let longestName = 100
}

/// The fewest insertions, deletions, replacements and swaps of neighbours that make `a` into `b`.
package func editDistance(_ a: String, _ b: String) -> Int {
  let a = Array(a.unicodeScalars)
  let b = Array(b.unicodeScalars)
  var rows = [Array(0...b.count)]
  for i in 0..<a.count {
    var row = [i + 1]
    for j in 0..<b.count {
      var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
        best = min(best, rows[i - 1][j - 1] + 1)
      }
      row.append(best)
    }
    rows.append(row)
  }
  return rows[a.count][b.count]
}
