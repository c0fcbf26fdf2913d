package import Checkpoints

/// A tensor of floats under the name that a file has for it.
package struct NamedTensor: Sendable, Equatable {
  package var name: String
  /// Row-major.
  package var shape: [Int]
  package var values: [Float]
  /// The numbers in full where they have 64 bits; nil where `values` are all there is.
  package var doubles: [Double]?

  package init(_ name: String, _ shape: [Int], _ values: [Float]) {
    precondition(
      values.count == shape.reduce(1, *), "\(name): \(values.count) values, shape \(shape)")
    self.name = name
    self.shape = shape
    self.values = values
  }

  /// A tensor of 64-bit numbers.
  package init(_ name: String, _ shape: [Int], doubles: [Double]) {
    self.init(name, shape, doubles.map { Float($0) })
    self.doubles = doubles
  }

  /// Reads all tensors of a file. Half-precision numbers become floats, exactly.
  ///
  /// - Throws: `CheckpointError` where the file is damaged, `InterchangeError` where it holds
  ///   numbers that a float cannot hold.
  package static func read(_ path: String) throws -> [NamedTensor] {
    let reader = try SafetensorsReader(path: path)
    return try reader.header.entries.map { entry in
      let tensor = entry.tensor
      let count = tensor.shape.reduce(1, *)
      var bytes = [UInt8](repeating: 0, count: tensor.byteCount)
      try unsafe bytes.withUnsafeMutableBytes {
        try unsafe reader.read(tensor.name, type: tensor.type, shape: tensor.shape, into: $0)
      }
      if tensor.type == .float64 {
        let doubles = unsafe bytes.withUnsafeBytes { bytes in
          (0..<count).map { unsafe bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
        }
        try requireFinite(doubles, tensor.name, path: path)
        return NamedTensor(tensor.name, tensor.shape, doubles: doubles)
      }
      let values: [Float] = try unsafe bytes.withUnsafeBytes { bytes in
        let half = { unsafe bytes.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self) }
        switch tensor.type {
        case .float32:
          return (0..<count).map {
            unsafe bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)
          }
        case .bfloat16: return (0..<count).map { Float(bitPattern: UInt32(half($0)) << 16) }
        case .float16: return (0..<count).map { expanded(half($0)) }
        default:
          throw InterchangeError(
            "\(path): tensor '\(tensor.name)' has type \(tensor.type.rawValue), and parameters "
              + "have F32, F16 or BF16; leave it out of the file where it is none, and import a "
              + "model before it is quantised")
        }
      }
      try requireFinite(values, tensor.name, path: path)
      return NamedTensor(tensor.name, tensor.shape, values)
    }
  }

  /// What a file says besides its tensors.
  package static func metadata(of path: String) throws -> [String: String] {
    try SafetensorsReader(path: path).header.metadata
  }

  private static func requireFinite(
    _ values: [some BinaryFloatingPoint], _ name: String, path: String
  ) throws(InterchangeError) {
    guard let place = values.firstIndex(where: { !$0.isFinite }) else { return }
    throw InterchangeError(
      "\(path): tensor '\(name)', element \(place) is \(values[place]), expected a finite number; "
        + "nothing can be computed with such a model")
  }

  /// Writes tensors into a new safetensors file.
  package static func write(
    _ tensors: [NamedTensor], metadata: [String: String], to path: String
  ) throws(CheckpointError) {
    // One array for all, since sources point into memory that must stay.
    var all: [UInt8] = []
    all.reserveCapacity(tensors.reduce(0) { $0 + $1.description.byteCount })
    for tensor in tensors {
      if let doubles = tensor.doubles {
        unsafe doubles.withUnsafeBytes { unsafe all += $0 }
      } else {
        unsafe tensor.values.withUnsafeBytes { unsafe all += $0 }
      }
    }
    let result = unsafe all.withUnsafeBytes { buffer in
      Result { () throws(CheckpointError) in
        var offset = 0
        let sources = tensors.map { tensor in
          let description = tensor.description
          let range = offset..<offset + description.byteCount
          offset = range.upperBound
          return unsafe TensorSource(
            description, bytes: UnsafeRawBufferPointer(rebasing: buffer[range]))
        }
        try SafetensorsWriter.write(sources, metadata: metadata, to: path)
      }
    }
    try result.get()
  }

  /// How a file lists the tensor.
  private var description: TensorDescription {
    let type: ElementType = doubles == nil ? .float32 : .float64
    guard let description = TensorDescription(name: name, type: type, shape: shape) else {
      preconditionFailure("\(name): impossible shape \(shape)")
    }
    return description
  }

  /// The value of an IEEE half-precision number.
  static func expanded(_ bits: UInt16) -> Float {
    let sign: Float = bits >> 15 == 0 ? 1 : -1
    let exponent = Int(bits >> 10 & 0x1F)
    let fraction = Float(bits & 0x3FF)
    switch exponent {
    case 0: return sign * fraction * 0x1p-24
    case 31: return fraction == 0 ? sign * .infinity : .nan
    default:
      return sign * (1024 + fraction) * Float(sign: .plus, exponent: exponent - 25, significand: 1)
    }
  }
}
