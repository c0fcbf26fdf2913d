/// A JSON value whose objects keep the order of their members, so that what is written is stable.
package enum OrderedJSON: Sendable, Equatable, Codable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([OrderedJSON])
  case object([Member])

  /// One name and value of an object.
  package struct Member: Sendable, Equatable, Codable {
    package var name: String
    package var value: OrderedJSON

    package init(_ name: String, _ value: OrderedJSON) {
      self.name = name
      self.value = value
    }
  }

  /// What the value is, in words for an error message.
  package var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .integer: "an integer"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }

  /// The member of that name; nil when there is none or this is not an object.
  package subscript(name: String) -> OrderedJSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  /// The member of a name, or where there is none such, with points in the name a member of
  /// members: "review.text".
  package subscript(path path: String) -> OrderedJSON? {
    if let member = self[path] { return member }
    guard let point = path.firstIndex(of: "."), let outer = self[String(path[..<point])] else {
      return nil
    }
    return outer[path: String(path[path.index(after: point)...])]
  }

  /// The names of all members, those of members within members with points between.
  package var memberPaths: [String] {
    guard case .object(let members) = self else { return [] }
    return members.flatMap { member in
      guard case .object = member.value else { return [member.name] }
      return member.value.memberPaths.map { "\(member.name).\($0)" }
    }
  }

  package var integerValue: Int? {
    if case .integer(let value) = self { return value }
    return nil
  }

  package var doubleValue: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  package var stringValue: String? {
    if case .string(let value) = self { return value }
    return nil
  }

  /// Puts `value` at `path`, making the objects on the way; returns the part of the path that is
  /// in the way when it is not an object.
  package mutating func set(_ value: OrderedJSON, at path: [String]) -> [String]? {
    set(value, at: path[...], below: [])
  }

  private mutating func set(
    _ value: OrderedJSON, at path: ArraySlice<String>, below parents: [String]
  ) -> [String]? {
    guard let name = path.first else {
      self = value
      return nil
    }
    guard case .object(var members) = self else { return parents }
    if !members.contains(where: { $0.name == name }) {
      members.append(Member(name, .object([])))
    }
    for index in members.indices where members[index].name == name {
      let obstacle = members[index].value.set(
        value, at: path.dropFirst(), below: parents + [name])
      if let obstacle { return obstacle }
    }
    self = .object(members)
    return nil
  }

  /// This object followed by the members of another one.
  package func merging(_ other: OrderedJSON) -> OrderedJSON {
    guard case .object(let mine) = self, case .object(let others) = other else { return self }
    return .object(mine + others)
  }
}

extension OrderedJSON: ExpressibleByDictionaryLiteral, ExpressibleByStringLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral
{
  package init(dictionaryLiteral elements: (String, OrderedJSON)...) {
    self = .object(elements.map { Member($0.0, $0.1) })
  }
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .number(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
}
