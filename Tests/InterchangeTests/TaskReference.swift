import Cells
import Foundation
import GRUCore
import Interchange
import ReferenceModels

/// A model in Tests/References/task-*, which is not a language model, with what PyTorch says of
/// sequences of several lengths.
struct TaskReference: Decodable {
  struct Scales: Decodable { let means, deviations: [Double] }

  static let names = ["task-classes", "task-mean", "task-forecast", "task-labels"]

  let cell, readout, loss: String
  let outputs, features, hidden, layers, window: Int
  let bidirectional, learnsInitialState: Bool
  let scales: Scales?
  let forecast: [Int]?
  let lengths: [Int]
  /// [T, B, F], and a row of scores for each sequence or step.
  let inputs, scores: [Double]

  init(_ name: String) throws {
    let file = URL(fileURLWithPath: "\(Reference.folder)/\(name).json")
    self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: file))
  }

  var shape: ModelShape {
    var shape = ModelShape(
      cell: Cell(rawValue: cell)!, vocabularySize: outputs, embeddingSize: features,
      hiddenSize: hidden, layerCount: layers)
    shape.task = TaskShape(
      input: .values, readout: TaskShape.Readout(rawValue: readout)!,
      loss: TaskShape.Loss(rawValue: loss)!, sumsMetric: true, looksAhead: false)
    shape.isBidirectional = bidirectional
    shape.learnsInitialState = learnsInitialState
    return shape
  }

  var dataScales: DataScales {
    var result = DataScales()
    result.inputs = scales.map { .init(means: $0.means, deviations: $0.deviations) }
    result.forecast = forecast
    return result
  }

  static func tensors(_ name: String) throws -> [NamedTensor] {
    try NamedTensor.read("\(Reference.folder)/\(name).safetensors")
  }

  /// The model of the file beside the JSON.
  func model(_ name: String) throws -> ModelTensors {
    try TorchLayout.model(
      from: Self.tensors(name), shape: shape, scales: dataScales, path: name)
  }

  /// The largest difference between PyTorch's scores and those of our double-precision model.
  func error(of model: ModelTensors) -> Double {
    let table = ParameterTable(shape: shape)
    var arena = [Double](repeating: 0, count: table.elementCount)
    for parameter in table.parameters {
      arena.replaceSubrange(parameter.range, with: model[parameter.name].map(Double.init))
    }
    let sequences = lengths.count
    let rows = readout == "every" ? window * sequences : sequences
    var batch = ReferenceModel.Window(
      inputs: [], targets: [Int32](repeating: -1, count: rows), steps: window, sequences: sequences)
    batch.slots = lengths.map { 0..<$0 }
    batch.startsAfresh = true
    batch.values = inputs.enumerated().map { index, value in
      guard let columns = model.scales.inputs else { return value }
      let column = index % features
      return Double(Float((value - columns.means[column]) / columns.deviations[column]))
    }
    let found = ReferenceModel(shape: shape, table: table).scores(
      parameters: arena, window: batch,
      state: [Double](repeating: 0, count: layers * sequences * hidden))
    precondition(found.count == scores.count, "\(found.count) scores, not \(scores.count)")
    return found.indices.reduce(0) { largest, index in
      if readout == "every" {
        let (step, sequence) = (index / outputs / sequences, index / outputs % sequences)
        if step >= lengths[sequence] { return largest }
      }
      var value = found[index]
      if let targets = model.scales.targets {
        let column = index % targets.means.count
        value = value * targets.deviations[column] + targets.means[column]
      }
      return max(largest, abs(value - scores[index]))
    }
  }
}
