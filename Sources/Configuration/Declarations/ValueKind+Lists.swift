import Records

extension ValueKind where Value == [Int] {
  /// A list that is not empty of integers, none twice; null leaves the default.
  static func integers(_ range: ClosedRange<Int>) -> Self {
    let words = "a list of integers from \(range.lowerBound) to \(range.upperBound)"
    return Self(
      words: words, takesNull: true,
      parse: { value, place throws(ConfigError) in try items(of: value, words, range, place) },
      json: { .array($0.map { .integer($0) }) })
  }

  /// A list of ascending integers; null for none.
  static func ascendingIntegers(_ range: ClosedRange<Int>) -> Self {
    let numbers = "ascending integers from \(range.lowerBound) to \(range.upperBound)"
    let words = "null or a list of \(numbers)"
    return Self(
      words: words, takesNull: true,
      parse: { value, place throws(ConfigError) in
        let found = try items(of: value, words, range, place)
        guard zip(found, found.dropFirst()).allSatisfy({ $0 < $1 }) else {
          throw place.failure("expected \(numbers), found them in another order")
        }
        return found
      },
      json: { $0.isEmpty ? .null : .array($0.map { .integer($0) }) })
  }

  private static func items(
    of value: OrderedJSON, _ words: String, _ range: ClosedRange<Int>, _ place: ConfigPlace
  ) throws(ConfigError) -> [Int] {
    var integers: [Int] = []
    var seen: Set<Int> = []
    for item in try value.items(words, place) {
      guard case .integer(let integer) = item, range.contains(integer) else {
        throw place.failure("expected \(words), found \(item.found) in it")
      }
      if !seen.insert(integer).inserted { throw place.failure("has \(integer) twice") }
      integers.append(integer)
    }
    return integers
  }
}

extension ValueKind where Value == [Double] {
  /// A list that is not empty of ascending numbers between 0 and 1; null leaves the default.
  static var ascendingFractions: Self {
    let words = "a list of ascending numbers between 0 and 1"
    return Self(
      words: words, takesNull: true,
      parse: { value, place throws(ConfigError) in
        var numbers: [Double] = []
        for item in try value.items(words, place) {
          guard let number = item.doubleValue, number > 0, number < 1,
            Float(number) > numbers.last.map({ Float($0) }) ?? 0, Float(number) < 1
          else { throw place.failure("expected \(words), found \(item.found) in it") }
          numbers.append(number)
        }
        return numbers
      },
      json: { .array($0.map { .number($0) }) })
  }
}

extension ValueKind {
  /// A list that is not empty of named values, none twice; null leaves the default.
  static func choices<Choice: RawRepresentable<String> & CaseIterable & Equatable & Sendable>()
    -> Self
  where Value == [Choice] {
    let words = "a list of \(Choice.names)"
    return Self(
      words: words, takesNull: true,
      parse: { value, place throws(ConfigError) in
        var choices: [Choice] = []
        for item in try value.items(words, place) {
          guard case .string(let string) = item, let choice = Choice(rawValue: string) else {
            throw place.failure("expected \(words), found \(item.found) in it")
          }
          if choices.contains(choice) { throw place.failure("has \"\(string)\" twice") }
          choices.append(choice)
        }
        return choices
      },
      json: { .array($0.map { .string($0.rawValue) }) })
  }
}

extension ValueKind where Value == [String]? {
  /// A program with its arguments; null for none.
  static var optionalCommand: Self {
    let words = "null, a program, or a list of a program and its arguments"
    return Self(
      words: words, takesNull: true,
      parse: { value, place throws(ConfigError) in
        let items = if case .string = value { [value] } else { try value.items(words, place) }
        var command: [String] = []
        for item in items {
          guard case .string(let string) = item else {
            throw place.failure("expected \(words), found \(item.found) in it")
          }
          guard !string.contains("\0") else {
            throw place.failure("has a zero byte, which no argument can have")
          }
          command.append(string)
        }
        guard command.first != "" else { throw place.failure("has no program") }
        return command
      },
      json: { $0.map { .array($0.map { .string($0) }) } ?? .null })
  }

  /// A list that is not empty of strings, none twice; null for none.
  static var optionalTexts: Self { optionalTexts(emptyIsNull: false) }

  /// - Parameter emptyIsNull: whether an empty list says the same as null, and is no error.
  static func optionalTexts(emptyIsNull: Bool) -> Self {
    let words = "null or a list of strings"
    return Self(
      words: words, takesNull: true,
      parse: { value, place throws(ConfigError) in
        if emptyIsNull, case .array(let items) = value, items.isEmpty { return nil }
        var strings: [String] = []
        var seen: Set<String> = []
        for item in try value.items(words, place) {
          guard case .string(let string) = item else {
            throw place.failure("expected a list of strings, found \(item.found) in it")
          }
          if !seen.insert(string).inserted { throw place.failure("has \"\(string)\" twice") }
          strings.append(string)
        }
        return strings
      },
      json: { $0.map { .array($0.map { .string($0) }) } ?? .null })
  }
}

extension OrderedJSON {
  /// The items of a list that is not empty; `words` says what was expected.
  fileprivate func items(
    _ words: String, _ place: ConfigPlace
  ) throws(ConfigError) -> [OrderedJSON] {
    guard case .array(let items) = self else {
      throw place.failure("expected \(words), found \(found)")
    }
    if items.isEmpty { throw place.failure("expected \(words), found an empty one") }
    return items
  }
}
