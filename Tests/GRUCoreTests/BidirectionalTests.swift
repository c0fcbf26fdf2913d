import Cells
import Foundation
import GRUCore
import Kernels
import ReferenceModels
import Testing

/// Both directions against PyTorch, which packs sequences of several lengths.
@Suite struct BidirectionalTests {
  /// Tests/References/bidirectional.json.
  private struct Values: Decodable {
    let vocabulary, embedding, hidden, layers, classes, window: Int
    let lengths: [Int]
    let inputs, targets: [Int32]
    let loss: Double
    let parameters, gradients: [String: [Double]]

    init() throws {
      let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      let file = folder.appendingPathComponent("../References/bidirectional.json")
      self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: file))
    }

    var shape: ModelShape {
      var shape = ModelShape(
        cell: .gruResetAfter, vocabularySize: classes, embeddingSize: embedding,
        hiddenSize: hidden, layerCount: layers)
      shape.task = TaskShape(
        input: .tokens, readout: .last, loss: .softmax, inputVocabularySize: vocabulary,
        sumsMetric: true, looksAhead: false)
      shape.isBidirectional = true
      return shape
    }

    var batch: ReferenceModel.Window {
      var batch = ReferenceModel.Window(
        inputs: inputs, targets: targets, steps: window, sequences: lengths.count)
      batch.slots = lengths.map { 0..<$0 }
      batch.startsAfresh = true
      return batch
    }

    func arena(_ tensors: [String: [Double]], _ table: ParameterTable) -> [Double] {
      var arena = [Double](repeating: 0, count: table.elementCount)
      for parameter in table.parameters {
        arena.replaceSubrange(parameter.range, with: tensors[parameter.name]!)
      }
      return arena
    }
  }

  @Test func referenceModelAgreesWithPyTorch() throws {
    let expected = try Values()
    let table = ParameterTable(shape: expected.shape)
    #expect(Set(table.parameters.map(\.name)) == Set(expected.parameters.keys))
    let found = ReferenceModel(shape: expected.shape, table: table).lossAndGradient(
      parameters: expected.arena(expected.parameters, table), window: expected.batch,
      state: [Double](
        repeating: 0, count: expected.layers * expected.lengths.count * expected.hidden))
    #expect(abs(found.loss - expected.loss) < 1e-11)
    for tensor in table.parameters {
      let error = relativeError(
        Array(found.gradient[tensor.range]), expected.gradients[tensor.name]!)
      #expect(error < 1e-11, "\(tensor.name)")
    }
  }

  @Test(arguments: InstructionSet.available)
  func everyInstructionSetAgreesWithPyTorch(set: InstructionSet) throws {
    let expected = try Values()
    let table = ParameterTable(shape: expected.shape)
    let kernels = Kernels(set)
    let parameters = Arena(expected.arena(expected.parameters, table).map(Float.init))
    let weights = PackedWeights(shape: expected.shape, table: table, kernels: kernels)
    weights.repack(from: parameters.pointer, part: 0, of: 1)
    let worker = SequenceWorker(
      shape: expected.shape, table: table, kernels: kernels, window: expected.window,
      plan: ShardPlan(sequences: expected.lengths.count, shards: 1, ranks: 1, threads: 1),
      worker: 0)
    worker.load(expected.batch)
    let gradient = Arena([Float](repeating: 7, count: table.elementCount))
    withUnsafePointer(to: gradient.pointer) {
      worker.computeGradients(parameters: parameters.pointer, weights: weights, partialSums: $0)
    }
    #expect(abs(worker.shardLosses[0] - expected.loss) < 1e-5)
    for tensor in table.parameters {
      let found = gradient.values[tensor.range].map(Double.init)
      #expect(relativeError(found, expected.gradients[tensor.name]!) < 1e-5, "\(tensor.name)")
    }
  }
}
