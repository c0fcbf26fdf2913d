import NumericContract
import Records

/// The values that a key takes: in words, from JSON and to JSON.
struct ValueKind<Value>: Sendable {
  /// The values as the documentation lists them.
  let words: String
  /// Whether null leaves the default.
  var takesNull = false
  /// The value of some JSON.
  let parse: @Sendable (OrderedJSON, ConfigPlace) throws(ConfigError) -> Value
  /// The JSON of a value.
  let json: @Sendable (Value) -> OrderedJSON
}

extension ValueKind where Value == Bool {
  static var boolean: Self {
    Self(
      words: "true or false",
      parse: { value, place throws(ConfigError) in
        guard case .bool(let boolean) = value else {
          throw place.failure("expected true or false, found \(value.found)")
        }
        return boolean
      },
      json: { .bool($0) })
  }
}

extension ValueKind where Value == Int {
  static func integer(_ range: ClosedRange<Int>) -> Self {
    let words =
      range.upperBound == .max
      ? "an integer of at least \(range.lowerBound)"
      : "an integer from \(range.lowerBound) to \(range.upperBound)"
    return Self(
      words: words,
      parse: { value, place throws(ConfigError) in
        guard case .integer(let integer) = value else {
          throw place.failure("expected \(words), found \(value.found)")
        }
        guard range.contains(integer) else {
          throw place.failure("expected \(words), found \(integer)")
        }
        return integer
      },
      json: { .integer($0) })
  }
}

extension ValueKind where Value == Int? {
  /// An integer; null for none.
  static func optionalInteger(_ range: ClosedRange<Int>) -> Self {
    let integer = ValueKind<Int>.integer(range)
    return Self(
      words: "null or \(integer.words)", takesNull: true,
      parse: { value, place throws(ConfigError) in try integer.parse(value, place) },
      json: { $0.map { .integer($0) } ?? .null })
  }
}

extension ValueKind where Value == ContractVersion? {
  /// A version of the numeric contract; null for what a run has, or the newest.
  static var contractVersion: Self {
    let words = "null, " + ContractVersion.allCases.map { "\($0.rawValue)" }.joined(separator: ", ")
    return Self(
      words: words, takesNull: true,
      parse: { value, place throws(ConfigError) in
        guard case .integer(let integer) = value, let version = ContractVersion(rawValue: integer)
        else { throw place.failure("expected \(words), found \(value.found)") }
        return version
      },
      json: { $0.map { .integer($0.rawValue) } ?? .null })
  }
}

extension ValueKind where Value == Double {
  static func number(_ range: NumberRange) -> Self {
    Self(
      words: range.words,
      parse: { value, place throws(ConfigError) in
        guard let number = value.doubleValue, range.contains(number) else {
          throw place.failure(
            "expected \(range.words), found \(value.found)",
            hint: value.doubleValue.flatMap(NumberRange.rounding))
        }
        return number
      },
      json: { .number($0) })
  }
}

extension ValueKind where Value == Double? {
  /// A number; null for none.
  static func optionalNumber(_ range: NumberRange) -> Self {
    let number = ValueKind<Double>.number(range)
    return Self(
      words: "null or \(number.words)", takesNull: true,
      parse: { value, place throws(ConfigError) in try number.parse(value, place) },
      json: { $0.map { .number($0) } ?? .null })
  }
}

extension ValueKind where Value == String {
  /// A string that is not empty.
  static var text: Self {
    Self(
      words: "a string",
      parse: { value, place throws(ConfigError) in
        guard case .string(let string) = value, !string.isEmpty else {
          throw place.failure("expected a string that is not empty, found \(value.found)")
        }
        return string
      },
      json: { .string($0) })
  }

  /// The path of a file or directory.
  static var path: Self { text }
}

extension ValueKind where Value == String? {
  /// A string that is not empty, although there may be none by default for other tasks.
  static var text: Self {
    let text = ValueKind<String>.text
    return Self(
      words: text.words,
      parse: { value, place throws(ConfigError) in try text.parse(value, place) },
      json: { $0.map { .string($0) } ?? .null })
  }

  /// A string that is not empty; null for none.
  static var optionalText: Self { optionalText(takesEmpty: false) }

  /// A string; null for none.
  ///
  /// - Parameter takesEmpty: whether it may be empty.
  static func optionalText(takesEmpty: Bool) -> Self {
    Self(
      words: "null or a string", takesNull: true,
      parse: { value, place throws(ConfigError) in
        guard case .string(let string) = value, takesEmpty || !string.isEmpty else {
          let found = value == .string("") ? "an empty one" : value.found
          throw place.failure("expected null or a string, found \(found)")
        }
        return string
      },
      json: { $0.map { .string($0) } ?? .null })
  }

  /// One of some texts; null for none.
  static func optionalChoice(_ choices: [String]) -> Self {
    let words = "null, " + choices.map { "\"\($0)\"" }.joined(separator: ", ")
    return Self(
      words: words, takesNull: true,
      parse: { value, place throws(ConfigError) in
        guard case .string(let string) = value, choices.contains(string) else {
          throw place.failure("expected one of \(words), found \(value.found)")
        }
        return string
      },
      json: { $0.map { .string($0) } ?? .null })
  }

  /// The path of a file or directory; null for none.
  static var optionalPath: Self { optionalText }
}

extension ValueKind where Value: RawRepresentable<String> & CaseIterable {
  /// One of the named values of an enumeration; `aliases` are accepted too, but not listed.
  ///
  /// - Parameter listed: those that an error names; nil for all.
  static func choice(
    aliases: [String: Value] = [:], listing listed: [Value]? = nil
  ) -> Self where Value: Sendable {
    let words = listed?.quoted ?? Value.names
    return Self(
      words: words,
      parse: { value, place throws(ConfigError) in
        if case .string(let string) = value {
          if let choice = Value(rawValue: string) ?? aliases[string] { return choice }
        }
        throw place.failure("expected one of \(words), found \(value.found)")
      },
      json: { .string($0.rawValue) })
  }
}

extension ValueKind {
  /// One of the named values of an enumeration, or null for none.
  static func optionalChoice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    aliases: [String: Choice] = [:]
  ) -> Self where Value == Choice? {
    let choice = ValueKind<Choice>.choice(aliases: aliases)
    let words = "null, " + choice.words
    return Self(
      words: words, takesNull: true,
      parse: { value, place throws(ConfigError) in
        guard case .string = value else {
          throw place.failure("expected one of \(words), found \(value.found)")
        }
        return try choice.parse(value, place)
      },
      json: { $0.map { .string($0.rawValue) } ?? .null })
  }
}

extension RawRepresentable where RawValue == String, Self: CaseIterable {
  /// All names, quoted, in the order of the cases.
  static var names: String { allCases.quoted }
}

extension Collection where Element: RawRepresentable<String> {
  /// The names, quoted.
  var quoted: String { map { "\"\($0.rawValue)\"" }.joined(separator: ", ") }
}

extension OrderedJSON {
  /// The value as an error names it.
  var found: String {
    switch self {
    case .object, .array, .null: kind
    default: "\(line) (\(kind))"
    }
  }
}
