import Cells

/// Blocks of rows within tensors of all gates.
enum Rows {
  /// Cuts a tensor into blocks of equal length.
  static func blocks(_ tensor: [Float], _ count: Int) -> [[Float]] {
    let length = tensor.count / count
    return (0..<count).map { Array(tensor[$0 * length..<($0 + 1) * length]) }
  }

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

  /// Our gates in a library's order and signs.
  static func toForeign(_ tensor: [Float], _ layer: ForeignLayer.Layer) -> [Float] {
    let blocks = blocks(tensor, layer.rows.count)
    return layer.rows.flatMap { row in
      row.isNegated ? blocks[row.gate].map { -$0 } : blocks[row.gate]
    }
  }

  /// A library's gates in our order and signs.
  static func fromForeign(_ tensor: [Float], _ layer: ForeignLayer.Layer) -> [Float] {
    var ours = [[Float]](repeating: [], count: layer.rows.count)
    for (row, block) in zip(layer.rows, blocks(tensor, layer.rows.count)) {
      ours[row.gate] = row.isNegated ? block.map { -$0 } : block
    }
    return ours.flatMap { $0 }
  }
}

extension Cell {
  /// The cells that PyTorch has layers for, one of each layer.
  static let torchCells = allCases.reduce(into: [(layer: ForeignLayer.Layer, cell: Cell)]()) {
    found, cell in
    guard let layer = cell.torch.layer else { return }
    if !found.contains(where: { $0.layer.name == layer.name }) { found.append((layer, cell)) }
  }

  /// "GRU or RNN": the recurrent layers that can be exchanged, in words.
  package static let exchangedLayers = inWords(torchCells.map(\.layer.name))

  /// "a, b or c".
  static func inWords(_ items: [String], _ conjunction: String = "or") -> String {
    guard let last = items.last, items.count > 1 else { return items.first ?? "" }
    return items.dropLast().joined(separator: ", ") + " \(conjunction) \(last)"
  }
}
