/// Any JSON value, for parts of a file that other modules give their meaning, such as the config
/// within a checkpoint's state.
package enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int64)
  /// A whole number above the range of `integer`, such as a seed.
  case unsigned(UInt64)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// The JSON form of a value.
  package init(encoding value: some Encodable) throws(CheckpointError) {
    let text = try JSONCoding.encodeCompact(value, file: "\(type(of: value))")
    self = try JSONCoding.decode(JSONValue.self, from: text, path: "\(type(of: value))")
  }

  /// The value that this JSON describes.
  ///
  /// - Parameter path: the file it came from, for the error.
  package func decoded<Value: Decodable>(
    as type: Value.Type, path: String
  ) throws(CheckpointError) -> Value {
    try JSONCoding.decode(
      type, from: try JSONCoding.encodeCompact(self, file: path), path: path)
  }
}

extension JSONValue: Codable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int64.self) {
      self = .integer(value)
    } else if let value = try? container.decode(UInt64.self) {
      self = .unsigned(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .unsigned(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let values): try container.encode(values)
    case .object(let members): try container.encode(members)
    }
  }
}
