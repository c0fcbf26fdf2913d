package import Checkpoints

/// A tensor of floats under the name that a file has for it.
package struct NamedTensor: Sendable, Equatable {
  package var name: String
  /// Row-major.
  package var shape: [Int]
  package var values: [Float]

  package init(_ name: String, _ shape: [Int], _ values: [Float]) {
    precondition(
      values.count == shape.reduce(1, *), "\(name): \(values.count) values, shape \(shape)")
    self.name = name
    self.shape = shape
    self.values = values
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
      try bytes.withUnsafeMutableBytes {
        try reader.read(tensor.name, type: tensor.type, shape: tensor.shape, into: $0)
      }
      let values: [Float] = try bytes.withUnsafeBytes { bytes in
        let half = { bytes.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self) }
        switch tensor.type {
        case .float32:
          return (0..<count).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
        case .bfloat16: return (0..<count).map { Float(bitPattern: UInt32(half($0)) << 16) }
        case .float16: return (0..<count).map { expanded(half($0)) }
        default:
          throw InterchangeError(
            "\(path): tensor '\(tensor.name)' has type \(tensor.type.rawValue), expected F32, F16 "
              + "or BF16; convert it before (in PyTorch, model.float())")
        }
      }
      if let place = values.firstIndex(where: { !$0.isFinite }) {
        throw InterchangeError(
          "\(path): tensor '\(tensor.name)', element \(place) is \(values[place]), expected a "
            + "finite number; nothing can be computed with such a model")
      }
      return NamedTensor(tensor.name, tensor.shape, values)
    }
  }

  /// Writes tensors into a new safetensors file.
  package static func write(
    _ tensors: [NamedTensor], metadata: [String: String], to path: String
  ) throws(CheckpointError) {
    // One array for all, since sources point into memory that must stay.
    let all = tensors.flatMap(\.values)
    let result = all.withUnsafeBufferPointer { buffer in
      Result { () throws(CheckpointError) in
        var offset = 0
        var sources: [TensorSource] = []
        // An empty buffer has no address, and no tensor to read from it.
        guard let base = buffer.baseAddress else { return }
        for tensor in tensors {
          sources.append(
            TensorSource(name: tensor.name, shape: tensor.shape, floats: base + offset))
          offset += tensor.values.count
        }
        try SafetensorsWriter.write(sources, metadata: metadata, to: path)
      }
    }
    try result.get()
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
