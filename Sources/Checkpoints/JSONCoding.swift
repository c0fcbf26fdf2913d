#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// JSON as the run directory's files are written: sorted keys, indented, one newline at the end.
package enum JSONCoding {
  /// The UTF-8 text of a value.
  ///
  /// - Parameter file: the name the text is for, for the error.
  package static func encode(
    _ value: some Encodable, file: String
  ) throws(CheckpointError) -> [UInt8] {
    try encode(value, file: file, formatting: [.prettyPrinted]) + [UInt8(ascii: "\n")]
  }

  /// The UTF-8 text of a value without spaces or newlines.
  package static func encodeCompact(
    _ value: some Encodable, file: String
  ) throws(CheckpointError) -> [UInt8] {
    try encode(value, file: file, formatting: [])
  }

  /// The value that a UTF-8 text describes; unlike Foundation, other encodings are refused.
  package static func decode<Value: Decodable>(
    _ type: Value.Type, from text: [UInt8], path: String
  ) throws(CheckpointError) -> Value {
    guard String(validating: text, as: UTF8.self) != nil, !text.contains(0) else {
      throw .damaged(path: path, reason: "not UTF-8 text")
    }
    do {
      return try JSONDecoder().decode(type, from: Data(text))
    } catch {
      throw .damaged(path: path, reason: reason(of: error))
    }
  }

  private static func encode(
    _ value: some Encodable, file: String, formatting: JSONEncoder.OutputFormatting
  ) throws(CheckpointError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = formatting.union([.sortedKeys, .withoutEscapingSlashes])
    do {
      return Array(try encoder.encode(value))
    } catch {
      throw .unencodable(file: file, reason: reason(of: error))
    }
  }

  /// What an encoder or decoder complains of, with the key it happened at.
  private static func reason(of error: any Error) -> String {
    switch error {
    case DecodingError.keyNotFound(let key, let context):
      "key '\(dotted(context.codingPath + [key]))' is missing"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
      DecodingError.dataCorrupted(let context):
      context.codingPath.isEmpty
        ? context.debugDescription
        : "key '\(dotted(context.codingPath))': \(context.debugDescription)"
    case EncodingError.invalidValue(let value, let context):
      "key '\(dotted(context.codingPath))' is \(value)"
    default:
      "\(error)"
    }
  }

  private static func dotted(_ path: [any CodingKey]) -> String {
    path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
  }
}
