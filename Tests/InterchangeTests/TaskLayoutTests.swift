import Cells
import Foundation
import GRUCore
import Interchange
import Testing

/// Models that are not language models.
@Suite struct TaskLayoutTests {
  @Test(arguments: TaskReference.names)
  func importedPyTorchModelsGiveTheirOutputs(name: String) throws {
    let reference = try TaskReference(name)
    let error = try reference.error(of: reference.model(name))
    #expect(error < 1e-5, "\(name): \(error)")
  }

  @Test(arguments: TaskReference.names)
  func importedModelsExportBitIdentically(name: String) throws {
    let foreign = try TaskReference.tensors(name)
    let written = try TorchLayout.tensors(of: TaskReference(name).model(name))
    #expect(Set(written.map(\.name)) == Set(foreign.map(\.name)))
    for tensor in foreign {
      let mine = try #require(written.first { $0.name == tensor.name }, "\(tensor.name)")
      #expect(mine.shape == tensor.shape, "\(tensor.name)")
      #expect(mine.values.map(\.bitPattern) == tensor.values.map(\.bitPattern), "\(tensor.name)")
      #expect(
        mine.doubles?.map(\.bitPattern) == tensor.doubles?.map(\.bitPattern), "\(tensor.name)")
    }
  }

  @Test func filesKeepNumbersOfBothLengths() throws {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("gru-dist-\(UUID().uuidString).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    let tensors = [
      NamedTensor("a", [1], [1.5]), NamedTensor("b", [2], doubles: [0.1, 1e300]),
      NamedTensor("c", [0], []), NamedTensor("d", [2, 1], [2, 3]),
    ]
    try NamedTensor.write(tensors, metadata: [:], to: file)
    let read = try NamedTensor.read(file)
    #expect(Set(read.map(\.name)) == ["a", "b", "c", "d"])
    for tensor in tensors { #expect(read.contains(tensor), "\(tensor.name)") }
  }

  @Test func modelMismatchIsAnErrorWithAHint() throws {
    let name = "task-classes"
    let reference = try TaskReference(name)
    func failure(
      _ hint: String, tensors: [NamedTensor]? = nil, scales: DataScales? = nil,
      _ change: (inout ModelShape) -> Void = { _ in }
    ) throws {
      var shape = reference.shape
      change(&shape)
      let all = try tensors ?? TaskReference.tensors(name)
      let error = #expect(throws: InterchangeError.self) {
        try TorchLayout.model(
          from: all, shape: shape, scales: scales ?? reference.dataScales, path: "file")
      }
      #expect(error?.description.contains(hint) == true, "\(hint): \(error?.description ?? "")")
    }
    try failure("--set model.bidirectional=true") { $0.isBidirectional = false }
    try failure("predicts what comes next") {
      $0.task.readout = .every
      $0.task.looksAhead = true
    }
    try failure("reads 2 columns") { $0.embeddingSize = 3 }
    try failure("3 outputs") { $0.vocabularySize = 4 }
    try failure("data.normalize=true", scales: DataScales())
    var other = reference.dataScales
    other.inputs?.means[1] += 1e-3
    try failure("'input_mean', element 1", scales: other)
    other.inputs = .init(means: [0], deviations: [1])
    try failure("shape [2], expected [1]", scales: other)
    let tensors = try TaskReference.tensors(name)
    try failure("'more' [1, 1] has no place", tensors: tensors + [NamedTensor("more", [1, 1], [0])])
    let exact = tensors.map { tensor in
      tensor.name == "output.weight"
        ? NamedTensor(tensor.name, tensor.shape, doubles: tensor.values.map(Double.init)) : tensor
    }
    try failure("'output.weight' has type F64", tensors: exact)
  }

  @Test func fileMayOmitScales() throws {
    let name = "task-classes"
    let reference = try TaskReference(name)
    let bare = try TaskReference.tensors(name).filter { !$0.name.hasPrefix("input_") }
    let model = try TorchLayout.model(
      from: bare, shape: reference.shape, scales: reference.dataScales, path: "file")
    #expect(try model == reference.model(name))
  }

  /// Labels of every token are not tokens: neither library may take them for what is read next.
  @Test func taggersAreNotMistakenForLanguageModels() throws {
    func model(_ task: TaskShape) throws -> ModelTensors {
      var shape = ModelShape(
        cell: .gruResetAfter, vocabularySize: 7, embeddingSize: 4, hiddenSize: 5, layerCount: 1)
      shape.task = task
      let tensors = ParameterTable(shape: shape).parameters
      return ModelTensors(
        shape: shape,
        values: Dictionary(
          uniqueKeysWithValues: tensors.map { ($0.name, [Float](repeating: 0.5, count: $0.count)) }
        ))
    }
    func graph(_ model: ModelTensors, _ task: TaskDescription) throws -> String {
      String(
        decoding: try ONNXModel.encoded(model, task: task, metadata: [], producerVersion: "0"),
        as: UTF8.self)
    }
    let tagger = try model(
      TaskShape(
        input: .tokens, readout: .every, loss: .softmax, inputVocabularySize: 50, sumsMetric: true,
        looksAhead: false))
    #expect(tagger["embedding.weight"].count == 50 * 4)
    let labels = TaskDescription(
      name: "tagger", inputs: .tokens, sequences: .packed, targets: .everyStep, looksAhead: false,
      outputs: .classes, readout: .every, loss: .softmax, metrics: [], unit: .steps)
    #expect(try graph(tagger, labels).contains("gru-dist sequence model"))
    #expect(try graph(tagger, labels).contains("lengths"))
    #expect(throws: InterchangeError.self) { try KerasLayout.tensors(of: tagger) }
    let language = try graph(model(TaskShape()), TaskName.language.description)
    #expect(language.contains("gru-dist language model"))
    #expect(!language.contains("lengths"))
    // What the copy task says are tokens that go in, but its sequences start afresh.
    let copy = try graph(model(TaskShape()), TaskName.copy.description)
    #expect(copy.contains("gru-dist sequence model"))
    #expect(copy.contains("lengths"))
    // Tokens and values together are two inputs, side by side in the first layer's.
    var both = try model(
      TaskShape(
        input: .both, readout: .last, loss: .softmax, sumsMetric: true, looksAhead: false)
    ).shape
    both.valuesBesideTokens = 3
    let values = ParameterTable(shape: both).parameters.map {
      ($0.name, [Float](repeating: 0.5, count: $0.count))
    }
    let joined = try graph(
      ModelTensors(shape: both, values: Dictionary(uniqueKeysWithValues: values)), labels)
    for name in ["tokens", "features", "joined"] { #expect(joined.contains(name), "\(name)") }
  }

  /// A graph of version 2 takes and gives doubles; an offset of 1e8 has no digits left in floats.
  @Test func scaledNumbersStayInDoublePrecision() throws {
    func graph(keepsDoubles: Bool) throws -> String {
      var model = try TaskReference("task-forecast").model("task-forecast")
      model.scales.keepsDoubles = keepsDoubles
      return String(
        decoding: try ONNXModel.encoded(
          model, task: TaskName.forecasting.description, metadata: [], producerVersion: "0"),
        as: UTF8.self)
    }
    let (one, two) = (try graph(keepsDoubles: false), try graph(keepsDoubles: true))
    for name in ["features.exact", "forecast.moved"] {
      #expect(one.contains(name))
      #expect(!two.contains(name))
    }
    for name in ["features.centred", "forecast.scaled", "predictions"] {
      #expect(two.contains(name))
    }
  }

  @Test func kerasTakesModelsThatPredictTheNextTokenOnly() throws {
    let reference = try TaskReference("task-classes")
    let model = try reference.model("task-classes")
    let export = #expect(throws: InterchangeError.self) { try KerasLayout.tensors(of: model) }
    #expect(export?.description.contains("read a token and predict the next") == true)
    let read = #expect(throws: InterchangeError.self) {
      try KerasLayout.model(from: [], shape: reference.shape, path: "file")
    }
    #expect(read == export)
  }

  @Test func resetBeforeErrorNamesTheAlternatives() throws {
    var model = try TaskReference("task-classes").model("task-classes")
    model.shape.cell = .gruResetBefore
    let error = #expect(throws: InterchangeError.self) { try TorchLayout.tensors(of: model) }
    #expect(error?.description.contains("--format onnx, or train") == true)
  }
}
