/// A member of a JSON object that is not there, or not of its kind.
package struct JSONFieldError: Error, Equatable, CustomStringConvertible {
  /// The member's dotted path; empty for the value itself.
  package var key: String
  /// What is wrong with it, as the rest of a sentence.
  package var problem: String

  package init(key: String, problem: String) {
    self.key = key
    self.problem = problem
  }

  package var description: String { key.isEmpty ? "it \(problem)" : "key '\(key)' \(problem)" }
}

/// The members of a JSON object by name and kind; others than those asked for are left alone.
package struct JSONFields: Sendable {
  private let value: OrderedJSON
  private let path: [String]

  /// Takes an object.
  ///
  /// - Parameter path: where it stands in its text, for errors.
  package init(_ value: OrderedJSON, at path: [String] = []) throws(JSONFieldError) {
    self.value = value
    self.path = path
    guard case .object = value else { throw error(nil, "is \(value.kind), expected an object") }
  }

  /// The member of that name, which must be there.
  package func value(_ name: String) throws(JSONFieldError) -> OrderedJSON {
    guard let member = value[name] else { throw error(name, "is missing") }
    return member
  }

  /// The member of that name; nil where it is missing or null.
  package func value(ifPresent name: String) -> OrderedJSON? {
    let member = value[name]
    return member == .null ? nil : member
  }

  /// A whole number.
  package func integer(_ name: String) throws(JSONFieldError) -> Int {
    try read(name, "an integer") { $0.wholeValue }
  }

  /// A whole number; nil where it is missing or null.
  package func integer(ifPresent name: String) throws(JSONFieldError) -> Int? {
    value(ifPresent: name) == nil ? nil : try integer(name)
  }

  package func number(_ name: String) throws(JSONFieldError) -> Double {
    try read(name, "a number") { $0.doubleValue }
  }

  /// A number; nil where it is missing or null.
  package func number(ifPresent name: String) throws(JSONFieldError) -> Double? {
    value(ifPresent: name) == nil ? nil : try number(name)
  }

  package func string(_ name: String) throws(JSONFieldError) -> String {
    try read(name, "a string") { $0.stringValue }
  }

  /// A string; nil where it is missing or null.
  package func string(ifPresent name: String) throws(JSONFieldError) -> String? {
    value(ifPresent: name) == nil ? nil : try string(name)
  }

  package func bool(_ name: String) throws(JSONFieldError) -> Bool {
    try read(name, "a boolean") { if case .bool(let value) = $0 { value } else { nil } }
  }

  /// An array of values that `read` takes.
  ///
  /// - Parameter kind: what they are, in words for an error message: "numbers".
  package func array<Element>(
    _ name: String, of kind: String, _ read: (OrderedJSON) -> Element?
  ) throws(JSONFieldError) -> [Element] {
    try self.read(name, "an array of \(kind)") { value in
      guard case .array(let values) = value else { return nil }
      let elements = values.compactMap(read)
      return elements.count == values.count ? elements : nil
    }
  }

  package func numbers(_ name: String) throws(JSONFieldError) -> [Double] {
    try array(name, of: "numbers") { $0.doubleValue }
  }

  package func strings(_ name: String) throws(JSONFieldError) -> [String] {
    try array(name, of: "strings") { $0.stringValue }
  }

  /// The fields of an object within this one.
  package func object(_ name: String) throws(JSONFieldError) -> JSONFields {
    try JSONFields(try value(name), at: path + [name])
  }

  /// The error of a member that says something impossible.
  package func error(_ name: String?, _ problem: String) -> JSONFieldError {
    JSONFieldError(key: (path + (name.map { [$0] } ?? [])).joined(separator: "."), problem: problem)
  }

  private func read<Value>(
    _ name: String, _ kind: String, _ read: (OrderedJSON) -> Value?
  ) throws(JSONFieldError) -> Value {
    let member = try value(name)
    guard let value = read(member) else { throw error(name, "is \(member.kind), expected \(kind)") }
    return value
  }
}

extension OrderedJSON {
  /// The value of a whole number, however it is written; nil for anything else.
  package var wholeValue: Int? {
    switch self {
    case .integer(let value): value
    case .number(let value): Int(exactly: value)
    default: nil
    }
  }

  /// The same with every whole number as an integer, in which form checkpoints keep values of
  /// others.
  package var withWholeNumbersAsIntegers: OrderedJSON {
    switch self {
    case .number(let value): Int(exactly: value).map { .integer($0) } ?? self
    case .array(let values): .array(values.map(\.withWholeNumbersAsIntegers))
    case .object(let members):
      .object(members.map { Member($0.name, $0.value.withWholeNumbersAsIntegers) })
    default: self
    }
  }
}
