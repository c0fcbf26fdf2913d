/// Blocks of rows within tensors of all gates.
enum Rows {
  /// Cuts a tensor into blocks of equal length.
  static func blocks(_ tensor: [Float], _ count: Int) -> [[Float]] {
    let length = tensor.count / count
    return (0..<count).map { Array(tensor[$0 * length..<($0 + 1) * length]) }
  }

  static func negated(_ values: [Float]) -> [Float] { values.map { -$0 } }

  /// [rows, columns] as [columns, rows].
  static func transposed(_ tensor: [Float], rows: Int, columns: Int) -> [Float] {
    var result = [Float](repeating: 0, count: tensor.count)
    for row in 0..<rows {
      for column in 0..<columns {
        result[column * rows + row] = tensor[row * columns + column]
      }
    }
    return result
  }

  /// Our z, r, h as PyTorch's r, z, n, or an RNN's only block as it is.
  static func toTorch(_ tensor: [Float], gates: Int) -> [Float] {
    if gates == 1 { return tensor }
    let blocks = blocks(tensor, 3)
    return blocks[1] + negated(blocks[0]) + blocks[2]
  }

  /// PyTorch's r, z, n as our z, r, h.
  static func fromTorch(_ tensor: [Float], gates: Int) -> [Float] {
    if gates == 1 { return tensor }
    let blocks = blocks(tensor, 3)
    return negated(blocks[1]) + blocks[0] + blocks[2]
  }

  /// Our z, r, h as the z, r, h of Keras and ONNX, and back: only the sign of z differs.
  static func flippingUpdateGate(_ tensor: [Float], gates: Int) -> [Float] {
    if gates == 1 { return tensor }
    let blocks = blocks(tensor, 3)
    return negated(blocks[0]) + blocks[1] + blocks[2]
  }
}
