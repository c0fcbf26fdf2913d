import Cells
import Foundation
import GRUCore
import Testing

@testable import Interchange

@Suite struct LayoutTests {
  @Test(arguments: [
    "torch-gru", "torch-rnn", "keras-gru-before", "keras-gru-after", "keras-rnn",
    "torch-lstm", "keras-lstm",
  ])
  func importedModelsGiveTheirLibrarysLogits(name: String) throws {
    let reference = try Reference(name)
    let model = try read(name, reference.shape)
    let error = reference.error(of: model)
    #expect(error < 1e-5, "\(name): \(error)")
  }

  @Test(arguments: [
    "torch-gru", "torch-rnn", "keras-gru-before", "keras-gru-after", "keras-rnn",
    "torch-lstm", "keras-lstm",
  ])
  func importedModelsExportBitIdentically(name: String) throws {
    let reference = try Reference(name)
    let foreign = try NamedTensor.read("\(Reference.folder)/\(name).safetensors")
    let model = try read(name, reference.shape)
    let written =
      try name.hasPrefix("torch") ? TorchLayout.tensors(of: model) : KerasLayout.tensors(of: model)
    let names = ["encoder": "embedding", "decoder": "output"]
    #expect(written.count == foreign.count)
    for tensor in foreign {
      let parts = tensor.name.split(separator: ".").map(String.init)
      let name = ([names[parts[0]] ?? parts[0]] + parts.dropFirst()).joined(separator: ".")
      let mine = try #require(written.first { $0.name == name }, "\(name)")
      #expect(mine.shape == tensor.shape, "\(name)")
      #expect(mine.values.map(\.bitPattern) == tensor.values.map(\.bitPattern), "\(name)")
    }
  }

  @Test func changedBiasesAreNotExportedAsImported() throws {
    let reference = try Reference("torch-gru")
    var model = try read("torch-gru", reference.shape)
    model["layers.0.bias"][0] += 1
    let pair = model.biasPair(ofDirection: 0)
    #expect(pair.input == model["layers.0.bias"])
    #expect(pair.recurrent.prefix(2 * reference.hidden).allSatisfy { $0 == 0 })
    #expect(Array(pair.recurrent.suffix(reference.hidden)) == model["layers.0.recurrent.bias"])
    #expect(model.biasPair(ofDirection: 1).recurrent.prefix(reference.hidden).contains { $0 != 0 })
  }

  @Test func torchRejectsResetBefore() throws {
    let reference = try Reference("keras-gru-before")
    let model = try read("keras-gru-before", reference.shape)
    let error = #expect(throws: InterchangeError.self) { try TorchLayout.tensors(of: model) }
    #expect(error?.description.contains("--format onnx or keras") == true)
  }

  @Test func minGRUIsRejectedByEveryLibrary() throws {
    let shape = ModelShape(
      cell: .minGRU, vocabularySize: 3, embeddingSize: 2, hiddenSize: 2, layerCount: 1)
    let table = ParameterTable(shape: shape)
    let model = try [Float](repeating: 0, count: table.elementCount).withUnsafeBufferPointer {
      try ModelTensors(shape: shape, table: table, arena: #require($0.baseAddress))
    }
    let ways: [() throws -> Void] = [
      { _ = try TorchLayout.tensors(of: model) }, { _ = try KerasLayout.tensors(of: model) },
      {
        _ = try ONNXModel.encoded(
          model, task: TaskName.language.description, metadata: [], producerVersion: "0")
      },
      { _ = try KerasLayout.model(from: [], shape: shape, path: "file") },
    ]
    for way in ways {
      let error = #expect(throws: InterchangeError.self) { try way() }
      #expect(error?.description.contains("do not see the state") == true)
    }
    expectFailure(shape, "model.cell \"mingru\"")
  }

  @Test func shapeMismatchNamesTheKeyToSet() throws {
    let shape = try Reference("torch-gru").shape
    let changes: [(String, (inout ModelShape) -> Void)] = [
      ("--set model.reset=after", { $0.cell = .gruResetBefore }),
      ("--set model.cell=gru", { $0.cell = .rnn }),
      ("model.cell is lstm and the file has gru", { $0.cell = .lstm }),
      ("--set model.hidden=6", { $0.hiddenSize += 1 }),
      ("--set model.embedding=5", { $0.embeddingSize += 1 }),
      ("--set model.layers=2", { $0.layerCount += 1 }),
      ("tokenizer", { $0.vocabularySize += 1 }),
    ]
    for (hint, change) in changes {
      var other = shape
      change(&other)
      expectFailure(other, hint)
    }
  }

  private func expectFailure(_ shape: ModelShape, _ hint: String) {
    let error = #expect(throws: InterchangeError.self) { try read("torch-gru", shape) }
    #expect(error?.description.contains(hint) == true, "\(hint): \(error?.description ?? "")")
  }

  @Test(arguments: [
    "torch-gru", "torch-rnn", "keras-gru-before", "keras-rnn", "torch-lstm", "keras-lstm",
  ])
  func learnedInitialStateRoundTrips(name: String) throws {
    let shape = try Reference(name).shape
    var model = try read(name, shape)
    model.shape.learnsInitialState = true
    let states = (0..<shape.layerCount * shape.hiddenSize).map { Float($0) / 100 }
    for vector in shape.cell.stateVectors { model.setInitialStates(states, of: vector) }
    #expect(model["layers.1.initial_state"].first == Float(shape.hiddenSize) / 100)
    let isTorch = name.hasPrefix("torch")
    let written = try isTorch ? TorchLayout.tensors(of: model) : KerasLayout.tensors(of: model)
    let tensor = try #require(written.first { $0.name == "initial_state" })
    #expect(tensor.shape == [shape.layerCount] + (isTorch ? [1] : []) + [shape.hiddenSize])
    #expect(tensor.values == states)
    func back(_ tensors: [NamedTensor], _ shape: ModelShape) throws -> ModelTensors {
      isTorch
        ? try TorchLayout.model(from: tensors, shape: shape, path: "file")
        : try KerasLayout.model(from: tensors, shape: shape, path: "file")
    }
    #expect(try back(written, model.shape) == model)
    let surplus = #expect(throws: InterchangeError.self) { try back(written, shape) }
    #expect(surplus?.description.contains("model.learned_initial_state=true") == true)
    let missing = #expect(throws: InterchangeError.self) {
      try back(written.filter { $0.name != "initial_state" }, model.shape)
    }
    #expect(missing?.description.contains("model.learned_initial_state=false") == true)
  }

  @Test func kerasResetFormMismatchNamesTheKey() throws {
    var shape = try Reference("keras-gru-before").shape
    shape.cell = .gruResetAfter
    let error = #expect(throws: InterchangeError.self) { try read("keras-gru-before", shape) }
    #expect(error?.description.contains("--set model.reset=before") == true)
  }

  @Test func unknownTensorsAreErrors() throws {
    let shape = try Reference("torch-gru").shape
    let tensors = try NamedTensor.read("\(Reference.folder)/torch-gru.safetensors")
    func failure(_ tensors: [NamedTensor]) -> String {
      let error = #expect(throws: InterchangeError.self) {
        try TorchLayout.model(from: tensors, shape: shape, path: "file")
      }
      return error?.description ?? ""
    }
    #expect(failure(tensors + [NamedTensor("norm.weight", [2], [1, 1])]).contains("norm.weight"))
    let reverse = NamedTensor("rnn.weight_ih_l0_reverse", [1], [0])
    #expect(failure(tensors + [reverse]).contains("bidirectional"))
    #expect(failure([]).contains("found 0"))
    #expect(failure(tensors.filter { $0.name != "decoder.weight" }).contains("output layer"))
    let untied = tensors.filter { !$0.name.hasPrefix("rnn.weight_hh") }
    #expect(failure(untied).contains("weight_hh_l0"))
    let lstm = tensors.map { tensor in
      tensor.name.hasPrefix("rnn.weight_hh")
        ? NamedTensor(tensor.name, [24, 6], [Float](repeating: 0, count: 144)) : tensor
    }
    #expect(failure(lstm).contains("--set model.cell=lstm"))
    let unknown = tensors.map { tensor in
      tensor.name.hasPrefix("rnn.weight_hh")
        ? NamedTensor(tensor.name, [30, 6], [Float](repeating: 0, count: 180)) : tensor
    }
    #expect(failure(unknown).contains("[3 H, H] of a GRU, [H, H] of an RNN or [4 H, H] of an LSTM"))
  }

  @Test func tiedWeightsMayHaveEitherName() throws {
    var shape = try Reference("torch-gru").shape
    shape.embeddingSize = shape.hiddenSize
    let hidden = shape.hiddenSize
    var tensors = try NamedTensor.read("\(Reference.folder)/torch-gru.safetensors").filter {
      $0.name != "encoder.weight" && $0.name != "rnn.weight_ih_l0"
    }
    tensors.append(
      NamedTensor(
        "rnn.weight_ih_l0", [3 * hidden, hidden],
        [Float](repeating: 0.5, count: 3 * hidden * hidden)))
    let model = try TorchLayout.model(from: tensors, shape: shape, path: "file")
    #expect(model["embedding.weight"] == model["output.weight"])
    #expect(model["output.bias"].contains { $0 != 0 })
  }

  @Test func halfPrecisionExpandsExactly() {
    for bits in UInt16.min...UInt16.max where bits >> 10 & 0x1F != 31 {
      let sign: Double = bits >> 15 == 0 ? 1 : -1
      let exponent = Int(bits >> 10 & 0x1F)
      let fraction = Double(bits & 0x3FF) / 1024
      let expected =
        exponent == 0
        ? sign * fraction * pow(2, -14) : sign * (1 + fraction) * pow(2, Double(exponent - 15))
      #expect(Double(NamedTensor.expanded(bits)) == expected)
    }
    #expect(NamedTensor.expanded(0x7C00) == .infinity)
    #expect(NamedTensor.expanded(0x7C01).isNaN)
  }

  private func read(_ name: String, _ shape: ModelShape) throws -> ModelTensors {
    let path = "\(Reference.folder)/\(name).safetensors"
    let tensors = try NamedTensor.read(path)
    return name.hasPrefix("torch")
      ? try TorchLayout.model(from: tensors, shape: shape, path: path)
      : try KerasLayout.model(from: tensors, shape: shape, path: path)
  }
}
