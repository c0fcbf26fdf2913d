import Cells
import Foundation
import GRUCore

/// One file of Tests/References: a window of a small model with what it gives in double precision.
struct ReferenceValues: Decodable {
  let cell: String
  let vocabulary, embedding, hidden, layers, window, sequences: Int
  let inputs, targets: [Int32]
  let state, logits, finalState: [Double]
  let loss: Double
  let parameters, gradients: [String: [Double]]

  static let names = ["gru-reset-before", "gru-reset-after", "rnn", "lstm", "mingru"]

  init(named name: String) throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let file = folder.appendingPathComponent("../References/\(name).json")
    self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: file))
  }

  var shape: ModelShape {
    ModelShape(
      cell: Cell(rawValue: cell)!, vocabularySize: vocabulary, embeddingSize: embedding,
      hiddenSize: hidden, layerCount: layers)
  }

  /// Named tensors as one arena.
  func arena(_ tensors: [String: [Double]], table: ParameterTable) -> [Double] {
    var arena = [Double](repeating: 0, count: table.elementCount)
    for parameter in table.parameters {
      let values = tensors[parameter.name]!
      precondition(values.count == parameter.count, "\(parameter.name): \(values.count) values")
      arena.replaceSubrange(parameter.range, with: values)
    }
    return arena
  }
}

/// The largest difference, relative to the largest expected magnitude.
func relativeError(_ found: [Double], _ expected: [Double]) -> Double {
  precondition(found.count == expected.count, "\(found.count) values != \(expected.count)")
  let scale = expected.reduce(0) { max($0, abs($1)) }
  let error = zip(found, expected).reduce(0) { largest, pair in
    let difference = abs(pair.0 - pair.1)
    return difference <= largest ? largest : difference
  }
  return error / max(scale, .leastNormalMagnitude)
}
