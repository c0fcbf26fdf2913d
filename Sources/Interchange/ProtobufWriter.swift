/// Writes messages in the wire format of Protocol Buffers (protobuf.dev, "Encoding"): each field is
/// its number and wire type, then a varint, eight or four little-endian bytes, or a length and as
/// many bytes. That much is all that ONNX models and TensorBoard events need.
package struct ProtobufWriter {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  private enum WireType: UInt64 {
    case varint = 0
    case eightBytes = 1
    case lengthDelimited = 2
    case fourBytes = 5
  }

  package mutating func integer(_ field: Int, _ value: Int) {
    tag(field, .varint)
    varint(UInt64(bitPattern: Int64(value)))
  }

  package mutating func double(_ field: Int, _ value: Double) {
    tag(field, .eightBytes)
    littleEndian(value.bitPattern, bytes: 8)
  }

  package mutating func float(_ field: Int, _ value: Float) {
    tag(field, .fourBytes)
    littleEndian(UInt64(value.bitPattern), bytes: 4)
  }

  package mutating func string(_ field: Int, _ value: String) {
    data(field, count: value.utf8.count) { $0 += Array(value.utf8) }
  }

  /// The fields of another message, after those of this one.
  package mutating func append(_ other: ProtobufWriter) { bytes += other.bytes }

  /// A message within this one.
  package mutating func message(_ field: Int, _ build: (inout ProtobufWriter) -> Void) {
    var inner = ProtobufWriter()
    build(&inner)
    data(field, count: inner.bytes.count) { $0 += inner.bytes }
  }

  /// Numbers as the packed form of a repeated field.
  package mutating func packedIntegers(_ field: Int, _ values: [Int]) {
    var inner = ProtobufWriter()
    for value in values { inner.varint(UInt64(bitPattern: Int64(value))) }
    data(field, count: inner.bytes.count) { $0 += inner.bytes }
  }

  /// The little-endian bytes of floats as one field of bytes.
  package mutating func floatBytes(_ field: Int, _ values: [Float]) {
    data(field, count: 4 * values.count) { bytes in
      unsafe values.withUnsafeBytes { unsafe bytes += $0 }
    }
  }

  /// The little-endian bytes of doubles as one field of bytes.
  package mutating func doubleBytes(_ field: Int, _ values: [Double]) {
    data(field, count: 8 * values.count) { bytes in
      unsafe values.withUnsafeBytes { unsafe bytes += $0 }
    }
  }

  /// The little-endian bytes of 64-bit integers as one field of bytes.
  package mutating func integerBytes(_ field: Int, _ values: [Int]) {
    data(field, count: 8 * values.count) { bytes in
      unsafe values.map { Int64($0) }.withUnsafeBytes { unsafe bytes += $0 }
    }
  }

  private mutating func data(
    _ field: Int, count: Int, append: (inout [UInt8]) -> Void
  ) {
    tag(field, .lengthDelimited)
    varint(UInt64(count))
    append(&bytes)
  }

  private mutating func tag(_ field: Int, _ type: WireType) {
    varint(UInt64(field) << 3 | type.rawValue)
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func littleEndian(_ value: UInt64, bytes count: Int) {
    for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))) }
  }
}
