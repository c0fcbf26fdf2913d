import Records

/// Decodes one object of a config and remembers which keys were asked for, so that any other key
/// is an error.
struct ConfigReader {
  let path: String
  let source: ConfigSource
  private let members: [OrderedJSON.Member]
  private var known: [String] = []

  /// Reads the object at `path` ("" is the whole config); nil counts as an empty object.
  init(_ value: OrderedJSON?, path: String, source: ConfigSource) throws(ConfigError) {
    self.path = path
    self.source = source
    switch value {
    case nil: members = []
    case .object(let members): self.members = members
    case let other?:
      throw ConfigError(
        place: source.place(of: path), key: path.isEmpty ? nil : path,
        problem: "expected an object, found \(other.kind)")
    }
  }

  mutating func section(_ name: String) throws(ConfigError) -> ConfigReader {
    try ConfigReader(take(name), path: key(name), source: source)
  }

  mutating func integer(
    _ name: String, default fallback: Int, in range: ClosedRange<Int>
  ) throws(ConfigError) -> Int {
    let expected =
      range.upperBound == .max
      ? "an integer of at least \(range.lowerBound)"
      : "an integer from \(range.lowerBound) to \(range.upperBound)"
    note(name, expected, .integer(fallback))
    guard let value = take(name) else { return fallback }
    guard case .integer(let integer) = value else {
      throw failure(name, "expected \(expected), found \(describe(value))")
    }
    guard range.contains(integer) else {
      throw failure(name, "expected \(expected), found \(integer)")
    }
    return integer
  }

  /// A finite number for which `isValid` holds; `expected` says in words which those are.
  mutating func number(
    _ name: String, default fallback: Double, expected: String, where isValid: (Double) -> Bool
  ) throws(ConfigError) -> Double {
    note(name, expected, .number(fallback))
    guard let value = take(name) else { return fallback }
    guard let number = value.doubleValue else {
      throw failure(name, "expected \(expected), found \(describe(value))")
    }
    guard isValid(number) else {
      throw failure(name, "expected \(expected), found \(describe(value))")
    }
    return number
  }

  mutating func boolean(_ name: String, default fallback: Bool) throws(ConfigError) -> Bool {
    note(name, "true or false", .bool(fallback))
    guard let value = take(name) else { return fallback }
    guard case .bool(let boolean) = value else {
      throw failure(name, "expected true or false, found \(describe(value))")
    }
    return boolean
  }

  /// A string that is not empty; without a default the key is required.
  mutating func string(_ name: String, default fallback: String?) throws(ConfigError) -> String {
    note(name, "a string", fallback.map { .string($0) })
    guard let value = take(name) else {
      guard let fallback else {
        throw failure(name, "is missing, and has no default", hint: "name a text file to train on")
      }
      return fallback
    }
    guard case .string(let string) = value, !string.isEmpty else {
      throw failure(name, "expected a string that is not empty, found \(describe(value))")
    }
    return string
  }

  /// A string, or null for none.
  mutating func optionalString(_ name: String) throws(ConfigError) -> String? {
    note(name, "null or a string", .null)
    guard let value = take(name), value != .null else { return nil }
    guard case .string(let string) = value, !string.isEmpty else {
      throw failure(name, "expected null or a string, found \(describe(value))")
    }
    return string
  }

  /// One of the named values of an enumeration; `aliases` are accepted too, but not listed.
  mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ name: String, default fallback: Choice, aliases: [String: Choice] = [:]
  ) throws(ConfigError) -> Choice {
    let valid = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    note(name, valid, .string(fallback.rawValue))
    guard let value = take(name) else { return fallback }
    if case .string(let string) = value {
      if let choice = Choice(rawValue: string) ?? aliases[string] { return choice }
    }
    throw failure(name, "expected one of \(valid), found \(describe(value))")
  }

  /// Call last: throws for a member that nothing asked for, naming the nearest key that exists.
  func finish() throws(ConfigError) {
    guard let stranger = members.first(where: { !known.contains($0.name) }) else { return }
    // The beginning of a key is nearer to it than its length tells.
    let distances = known.map {
      ($0, $0.hasPrefix(stranger.name) ? 1 : editDistance($0, stranger.name))
    }
    let hint: String
    if let nearest = distances.min(by: { $0.1 < $1.1 }),
      nearest.1 <= max(2, stranger.name.count / 2)
    {
      hint = "did you mean \(key(nearest.0))?"
    } else {
      let list = known.map { "\($0)" }.joined(separator: ", ")
      hint = "the keys \(path.isEmpty ? "of a config" : "of \(path)") are \(list)"
    }
    throw failure(stranger.name, "unknown key", hint: hint)
  }

  func failure(_ name: String, _ problem: String, hint: String? = nil) -> ConfigError {
    source.failure(key(name), problem, hint: hint)
  }

  /// Tells what a key takes, where somebody asks for it; a key without a default is required.
  func note(_ name: String, _ values: String, _ fallback: OrderedJSON?) {
    source.recorder?.note(key(name), values, fallback)
  }

  mutating func take(_ name: String) -> OrderedJSON? {
    known.append(name)
    return members.first { $0.name == name }?.value
  }

  private func key(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  func describe(_ value: OrderedJSON) -> String {
    switch value {
    case .object, .array, .null: value.kind
    default: "\(value.line) (\(value.kind))"
    }
  }
}

/// The fewest insertions, deletions, replacements and swaps of neighbours that make `a` into `b`.
func editDistance(_ a: String, _ b: String) -> Int {
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
