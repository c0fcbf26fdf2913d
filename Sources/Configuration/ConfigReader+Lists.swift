import Records

extension ConfigReader {
  /// A list that is not empty of integers, none twice.
  mutating func integers(
    _ name: String, default fallback: [Int], in range: ClosedRange<Int>
  ) throws(ConfigError) -> [Int] {
    let expected = "a list of integers from \(range.lowerBound) to \(range.upperBound)"
    note(name, expected, .array(fallback.map { .integer($0) }))
    return try integers(name, expected, in: range) ?? fallback
  }

  /// A list that is not empty of ascending integers; null or no key for none.
  mutating func ascendingIntegers(
    _ name: String, in range: ClosedRange<Int>
  ) throws(ConfigError) -> [Int] {
    let numbers = "ascending integers from \(range.lowerBound) to \(range.upperBound)"
    note(name, "null or a list of \(numbers)", .null)
    let found = try integers(name, "null or a list of \(numbers)", in: range) ?? []
    guard zip(found, found.dropFirst()).allSatisfy({ $0 < $1 }) else {
      throw failure(name, "expected \(numbers), found them in another order")
    }
    return found
  }

  private mutating func integers(
    _ name: String, _ expected: String, in range: ClosedRange<Int>
  ) throws(ConfigError) -> [Int]? {
    guard let items = try list(name, expected) else { return nil }
    var integers: [Int] = []
    for item in items {
      guard case .integer(let integer) = item, range.contains(integer) else {
        throw failure(name, "expected \(expected), found \(describe(item)) in it")
      }
      if integers.contains(integer) { throw failure(name, "has \(integer) twice") }
      integers.append(integer)
    }
    return integers
  }

  /// A list that is not empty of named values, none twice.
  mutating func choices<Choice: RawRepresentable<String> & CaseIterable & Equatable>(
    _ name: String, default fallback: [Choice]
  ) throws(ConfigError) -> [Choice] {
    let valid = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    note(name, "a list of \(valid)", .array(fallback.map { .string($0.rawValue) }))
    guard let items = try list(name, "a list of \(valid)") else { return fallback }
    var choices: [Choice] = []
    for item in items {
      guard case .string(let string) = item, let choice = Choice(rawValue: string) else {
        throw failure(name, "expected a list of \(valid), found \(describe(item)) in it")
      }
      if choices.contains(choice) { throw failure(name, "has \"\(string)\" twice") }
      choices.append(choice)
    }
    return choices
  }

  /// A list that is not empty of strings, none twice; null or no key for nil.
  mutating func strings(_ name: String) throws(ConfigError) -> [String]? {
    note(name, "null or a list of strings", .null)
    guard let items = try list(name, "null or a list of strings") else { return nil }
    var strings: [String] = []
    for item in items {
      guard case .string(let string) = item else {
        throw failure(name, "expected a list of strings, found \(describe(item)) in it")
      }
      if strings.contains(string) { throw failure(name, "has \"\(string)\" twice") }
      strings.append(string)
    }
    return strings
  }

  private mutating func list(
    _ name: String, _ expected: String
  ) throws(ConfigError) -> [OrderedJSON]? {
    guard let value = take(name), value != .null else { return nil }
    guard case .array(let items) = value else {
      throw failure(name, "expected \(expected), found \(describe(value))")
    }
    if items.isEmpty { throw failure(name, "expected \(expected), found an empty one") }
    return items
  }
}
