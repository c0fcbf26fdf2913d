import Foundation
import Records
import Testing

/// Checkpoints were first written by Foundation's encoder; what is written now must be the same.
@Suite struct SortedJSONTests {
  /// A random value in both forms.
  private func value(
    depth: Int, using generator: inout SeededGenerator
  ) -> (json: OrderedJSON, foundation: FoundationValue) {
    switch Int.random(in: 0..<(depth > 3 ? 5 : 7), using: &generator) {
    case 0: return (.null, .null)
    case 1:
      let flag = Bool.random(using: &generator)
      return (.bool(flag), .bool(flag))
    case 2:
      let number = Int.random(in: .min ... .max, using: &generator)
        >> Int.random(in: 0..<64, using: &generator)
      return (.integer(number), .integer(number))
    case 3:
      let power = Double(Int.random(in: -330...300, using: &generator))
      let number = Double.random(in: -10...10, using: &generator) * pow(10, power)
      let sample = Bool.random(using: &generator) ? number : number.rounded()
      return (.number(sample), .number(sample))
    case 4:
      let text = text(using: &generator)
      return (.string(text), .string(text))
    case 5:
      let values = (0..<Int.random(in: 0..<4, using: &generator)).map { _ in
        value(depth: depth + 1, using: &generator)
      }
      return (.array(values.map(\.json)), .array(values.map(\.foundation)))
    default:
      var members: [String: (json: OrderedJSON, foundation: FoundationValue)] = [:]
      for _ in 0..<Int.random(in: 0..<5, using: &generator) {
        members[text(using: &generator)] = value(depth: depth + 1, using: &generator)
      }
      return (
        .object(members.map { .init($0.key, $0.value.json) }),
        .object(members.mapValues(\.foundation))
      )
    }
  }

  private func text(using generator: inout SeededGenerator) -> String {
    let scalars: [ClosedRange<UInt32>] = [0...0x7F, 0x20...0x7E, 0x80...0x2FF, 0x1F600...0x1F64F]
    let count = Int.random(in: 0..<6, using: &generator)
    let words = (0..<count).compactMap { _ in
      scalars.randomElement(using: &generator)
        .flatMap { Unicode.Scalar(UInt32.random(in: $0, using: &generator)) }
    }
    return String(String.UnicodeScalarView(words))
  }

  @Test func bytesEqualThoseOfVersion1Checkpoints() throws {
    var generator = SeededGenerator(state: 3)
    let encoder = JSONEncoder()
    for _ in 0..<2000 {
      let (json, foundation) = value(depth: 0, using: &generator)
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      var expected = String(decoding: try encoder.encode(foundation), as: UTF8.self)
      #expect(try json.sortedLine() == expected)
      encoder.outputFormatting.insert(.prettyPrinted)
      expected = String(decoding: try encoder.encode(foundation), as: UTF8.self)
      #expect(try json.sortedPretty() == expected + "\n")
    }
  }

  @Test func errorNamesNonFiniteNumbers() {
    let json: OrderedJSON = ["a": .array([1, .object([.init("b", .number(.nan))])])]
    let error = #expect(throws: JSONFieldError.self) { try json.sortedLine() }
    #expect(error?.description == "key 'a.1.b' is nan")
  }

  @Test func errorsNameFieldsWithTheirPath() throws {
    let fields = try JSONFields(["a": ["b": "text", "c": .null, "d": 2.0, "e": 0.5]])
    let inner = try fields.object("a")
    #expect(try inner.integer("d") == 2)
    #expect(try inner.integer(ifPresent: "c") == nil)
    let missing = #expect(throws: JSONFieldError.self) { try inner.string("x") }
    #expect(missing?.description == "key 'a.x' is missing")
    let wrong = #expect(throws: JSONFieldError.self) { try inner.integer("b") }
    #expect(wrong?.description == "key 'a.b' is a string, expected an integer")
    #expect(throws: JSONFieldError.self) { try inner.integer("e") }
  }
}

/// Any JSON value as Foundation's encoder takes it.
private enum FoundationValue: Encodable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([FoundationValue])
  case object([String: FoundationValue])

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let values): try container.encode(values)
    case .object(let members): try container.encode(members)
    }
  }
}
