import Cells
import Foundation
import GRUCore
import Interchange
import ReferenceModels
import Testing

/// A window of a model in Tests/References, computed by the library that the file is named for.
struct Reference: Decodable {
  let cell: String
  let vocabulary, embedding, hidden, layers, window, sequences: Int
  let inputs: [Int32]
  let state, logits: [Double]
  /// Of the files that PyTorch's double precision wrote; our own tensors.
  let parameters: [String: [Float]]?

  static var folder: String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../References").standardized.path
  }

  init(_ name: String) throws {
    let file = URL(fileURLWithPath: "\(Self.folder)/\(name).json")
    self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: file))
  }

  var shape: ModelShape {
    ModelShape(
      cell: Cell(rawValue: cell)!, vocabularySize: vocabulary, embeddingSize: embedding,
      hiddenSize: hidden, layerCount: layers)
  }

  /// The largest difference between the logits of the file and those of our double-precision model.
  func error(of model: ModelTensors) -> Double {
    let table = ParameterTable(shape: shape)
    var arena = [Double](repeating: 0, count: table.elementCount)
    for parameter in table.parameters {
      arena.replaceSubrange(parameter.range, with: model[parameter.name].map(Double.init))
    }
    let found = ReferenceModel(shape: shape, table: table).logits(
      parameters: arena, inputs: inputs, window: window, sequences: sequences, state: state)
    precondition(found.logits.count == logits.count)
    return zip(found.logits, logits).reduce(0) { max($0, abs($1.0 - $1.1)) }
  }
}

/// Runs a script of Tests/References; nil where Python or a module that it needs is missing.
enum Python {
  static let hasONNX = (try? run(["-c", "import numpy, onnx, onnxruntime"])) != nil

  struct Failure: Error { let output: String }

  @discardableResult
  static func run(_ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3"] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    if process.terminationStatus != 0 { throw Failure(output: output) }
    return output.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
