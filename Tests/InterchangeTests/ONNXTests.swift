import Cells
import Foundation
import GRUCore
import Interchange
import ReferenceModels
import Testing

/// The models of Tests/References/*.onnx were run by onnxruntime, whose outputs lie within 1e-4 of
/// those that the JSON beside them has from PyTorch; `interchange.py check` does it again. After a
/// change of what is written, set GRU_DIST_WRITE_REFERENCES to write them anew, where Python has
/// onnxruntime.
@Suite struct ONNXTests {
  static let names = ["gru-reset-before", "gru-reset-after", "rnn", "lstm"]

  @Test(arguments: names + TaskReference.names)
  func modelsEqualTheRecordedFiles(name: String) throws {
    let bytes = try encoded(name)
    let file = URL(fileURLWithPath: "\(Reference.folder)/\(name).onnx")
    if ProcessInfo.processInfo.environment["GRU_DIST_WRITE_REFERENCES"] != nil {
      try #require(Python.hasONNX, "nobody could run what would be written")
      try Data(bytes).write(to: file)
    }
    #expect([UInt8](try Data(contentsOf: file)) == bytes, "\(name): see interchange.py check")
  }

  @Test(
    .enabled(if: Python.hasONNX, "python3 with onnx and onnxruntime"),
    arguments: names + TaskReference.names)
  func onnxRuntimeGivesTheSameOutputs(name: String) throws {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("gru-dist-\(UUID().uuidString).onnx")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(encoded(name)).write(to: file)
    let folder = Reference.folder
    let output = try Python.run(
      ["\(folder)/interchange.py", "check", file.path, "\(folder)/\(name).json"])
    let error = try #require(Double(output), "\(output)")
    #expect(error < 1e-4, "\(name)")
  }

  /// A learned state is what a missing `initial_state` stands for, for any number of sequences, and
  /// does not matter where one is given.
  @Test(.enabled(if: Python.hasONNX, "python3 with onnx and onnxruntime"), arguments: names)
  func aLearnedInitialStateIsTheDefault(name: String) throws {
    let reference = try Reference(name)
    var model = ModelTensors(shape: reference.shape, values: try #require(reference.parameters))
    model.shape.learnsInitialState = true
    let vectors = reference.shape.cell.stateVectors
    let states = (0..<vectors.count * reference.layers * reference.hidden).map {
      Float($0 % 7) / 7 - 0.4
    }
    for (place, vector) in vectors.enumerated() {
      let count = reference.layers * reference.hidden
      model.setInitialStates(Array(states[place * count..<(place + 1) * count]), of: vector)
    }
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("gru-dist-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("model.onnx")
    try Data(
      ONNXModel.encoded(
        model, task: TaskName.language.description, metadata: [], producerVersion: "0")
    ).write(to: file)
    let script = "\(Reference.folder)/interchange.py"
    let given = try Python.run([
      "\(script)", "check", file.path, "\(Reference.folder)/\(name).json",
    ])
    #expect(try #require(Double(given), "\(given)") < 1e-4)

    // Without one: what our own model says that starts from it.
    let table = ParameterTable(shape: reference.shape)
    var arena = [Double](repeating: 0, count: table.elementCount)
    for parameter in table.parameters {
      arena.replaceSubrange(parameter.range, with: model[parameter.name].map(Double.init))
    }
    let state = (0..<vectors.count * reference.layers).flatMap { layer in
      (0..<reference.sequences).flatMap { _ in
        states[layer * reference.hidden..<(layer + 1) * reference.hidden].map(Double.init)
      }
    }
    let expected = ReferenceModel(shape: reference.shape, table: table).logits(
      parameters: arena, inputs: reference.inputs, window: reference.window,
      sequences: reference.sequences, state: state)
    let record: [String: Any] = [
      "layers": reference.layers, "hidden": reference.hidden, "window": reference.window,
      "sequences": reference.sequences, "inputs": reference.inputs,
      "logits": expected.logits, "finalState": expected.finalState,
    ]
    let json = folder.appendingPathComponent("reference.json")
    try JSONSerialization.data(withJSONObject: record).write(to: json)
    let missing = try Python.run([script, "check", file.path, json.path])
    #expect(try #require(Double(missing), "\(missing)") < 1e-4)
  }

  @Test func wireFormat() {
    var writer = ProtobufWriter()
    writer.integer(1, 150)
    writer.integer(2, -1)
    writer.string(2, "testing")
    writer.float(16, 1)
    writer.double(3, 1)
    writer.message(3) { $0.packedIntegers(4, [3, 270, 86942]) }
    let expected: [UInt8] =
      [0x08, 0x96, 0x01, 0x10] + [UInt8](repeating: 0xFF, count: 9) + [0x01]
      + [0x12, 0x07] + Array("testing".utf8)
      + [0x85, 0x01, 0, 0, 0x80, 0x3F, 0x19, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F]
      + [0x1A, 0x08, 0x22, 0x06, 0x03, 0x8E, 0x02, 0x9E, 0xA7, 0x05]
    #expect(writer.bytes == expected)
  }

  private func encoded(_ name: String) throws -> [UInt8] {
    if TaskReference.names.contains(name) {
      return try ONNXModel.encoded(
        TaskReference(name).model(name), task: TaskName.classification.description,
        metadata: [("name", name)], producerVersion: "0")
    }
    let reference = try Reference(name)
    let model = ModelTensors(shape: reference.shape, values: try #require(reference.parameters))
    return try ONNXModel.encoded(
      model, task: TaskName.language.description, metadata: [("name", name)], producerVersion: "0")
  }
}
