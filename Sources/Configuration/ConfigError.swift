package import Records

/// A config that cannot be used: where, which key, what was expected and found, how to mend it.
package struct ConfigError: StatusError, CustomStringConvertible, Sendable {
  /// File with line and column, or the command-line option that set the value.
  package var place: String
  package var key: String?
  package var problem: String
  package var hint: String?

  package init(place: String, key: String? = nil, problem: String, hint: String? = nil) {
    self.place = place
    self.key = key
    self.problem = problem
    self.hint = hint
  }

  package var exitStatus: Int32 { ExitStatus.badUsage }

  package var description: String {
    var text = place
    if let key { text += ": \(key)" }
    text += ": \(problem)"
    if let hint { text += "; \(hint)" }
    return text
  }
}

/// Where the values of a config come from, for error messages.
package struct ConfigSource: Sendable {
  /// The file's path as given.
  package var file: String
  package var positions: [String: TextPosition]
  /// Keys set on the command line, with the option as it was given.
  package var overrides: [String: String] = [:]

  /// The place of a key, or of the nearest enclosing section when the key is left out; for a
  /// section that only the command line names, the option that does.
  func place(of key: String) -> String {
    if overrides[key] == nil, positions[key] == nil {
      let within = overrides.filter { $0.key.hasPrefix(key + ".") }
      if let first = within.min(by: { $0.key < $1.key }) { return first.value }
    }
    var parts = key.split(separator: ".")
    while !parts.isEmpty {
      let path = parts.joined(separator: ".")
      if let option = overrides[path] { return option }
      if let position = positions[path] { return "\(file):\(position)" }
      parts.removeLast()
    }
    return file
  }
}
