/// The number formats of a safetensors file, by the names the format gives them.
package enum ElementType: String, Sendable, CaseIterable {
  case float64 = "F64"
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case int64 = "I64"
  case int32 = "I32"
  case int16 = "I16"
  case int8 = "I8"
  case uint64 = "U64"
  case uint32 = "U32"
  case uint16 = "U16"
  case uint8 = "U8"
  case bool = "BOOL"

  /// Bytes of one element.
  package var byteCount: Int {
    switch self {
    case .float64, .int64, .uint64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .int8, .uint8, .bool: 1
    }
  }
}

/// The name, element type and row-major shape of a tensor in a file.
package struct TensorDescription: Sendable, Equatable, CustomStringConvertible {
  package let name: String
  package let type: ElementType
  package let shape: [Int]
  /// Bytes of all elements.
  package let byteCount: Int

  /// Nil where a dimension is negative or the size exceeds what an `Int` holds.
  package init?(name: String, type: ElementType, shape: [Int]) {
    var bytes = type.byteCount
    for dimension in shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: dimension)
      guard dimension >= 0, !overflow else { return nil }
      bytes = product
    }
    self.name = name
    self.type = type
    self.shape = shape
    byteCount = bytes
  }

  /// Type and shape, such as "F32 [768, 128]".
  package var description: String { "\(type.rawValue) \(shape)" }
}
