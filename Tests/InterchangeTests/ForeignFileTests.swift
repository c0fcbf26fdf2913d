import Cells
import Foundation
import GRUCore
import Interchange
import Testing

/// Names and files as other libraries write them by themselves.
@Suite struct ForeignFileTests {
  private static func found(_ name: String, _ bytes: [UInt8]) throws -> ForeignFile? {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("foreign-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent(name)
    try Data(bytes).write(to: file)
    return ForeignFile(file.path)
  }

  @Test func filesOfOtherLibrariesAreRecognized() throws {
    let zip: [UInt8] = [0x50, 0x4B, 3, 4, 0, 0]
    let cases: [(String, [UInt8], ForeignFile?, String)] = [
      ("m.pt", zip + Array("m/data.pkl".utf8), .torchArchive, "torch.load"),
      ("m.bin", [0x80, 2, 0x8A, 0x0A], .torchPickle, "weights_only=True"),
      ("m.keras", zip + Array("metadata.json{}".utf8), .kerasModel, "keras.models.load_model"),
      ("m.weights.h5", [0x89] + Array("HDF\r\n".utf8), .kerasWeights, "w.path: "),
      ("m.npz", zip + Array("arr_0.npy".utf8), .numpyArchive, "numpy.load"),
      ("m.onnx", [8, 7], .onnx, "state dict"),
      ("a.txt", Array("a text of some lines\n".utf8), .text, "is a text, and no file of a model"),
      ("b.txt", Array("größer".utf8.dropLast(0)), .text, "'a 'b'/b.txt'"),
      ("noise", [0xFF, 0xD8, 0xFF, 0, 1, 2, 3, 4, 5, 6], .other, "is no safetensors file"),
      ("m.safetensors", [2, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x7D], nil, ""),
    ]
    for (name, bytes, file, words) in cases {
      let found = try Self.found(name, bytes)
      #expect(found == file, "\(name)")
      let said = found?.words(path: "a 'b'/\(name)") ?? ""
      #expect(words.isEmpty || said.contains(words), "\(said)")
    }
    #expect(
      ForeignFile.torchArchive.words(path: "it's.pt").hasSuffix(
        #"sys.argv[2])' 'it'\''s.pt' 'it'\''s.safetensors'"#))
  }

  /// `weight.path` of Keras: layers follow each other by number, and not by letters.
  @Test func namesOfKerasAreTaken() throws {
    let (vocabulary, hidden, layers) = (5, 3, 11)
    let shape = ModelShape(
      cell: .gruResetAfter, vocabularySize: vocabulary, embeddingSize: hidden, hiddenSize: hidden,
      layerCount: layers)
    func tensor(_ name: String, _ shape: [Int], _ first: Float) -> NamedTensor {
      NamedTensor(name, shape, (0..<shape.reduce(1, *)).map { first + Float($0) / 128 })
    }
    func tensors(
      _ name: (Int, String) -> String, embedding: String, dense: String
    ) -> [NamedTensor] {
      var all = [tensor(embedding, [vocabulary, hidden], -1)]
      for layer in 0..<layers {
        all += [
          tensor(name(layer, "kernel"), [hidden, 3 * hidden], Float(layer)),
          tensor(name(layer, "recurrent_kernel"), [hidden, 3 * hidden], Float(layer) + 0.3),
          tensor(name(layer, "bias"), [2, 3 * hidden], Float(layer) + 0.6),
        ]
      }
      return all + [
        tensor("\(dense)kernel", [hidden, vocabulary], -2),
        tensor("\(dense)bias", [vocabulary], -3),
      ]
    }
    let ours = try KerasLayout.model(
      from: tensors(
        { "layers.\($0).\($1)" }, embedding: "embedding.embeddings", dense: "output."),
      shape: shape, path: "ours")
    for prefix in ["", "sequential/"] {
      let theirs = tensors(
        { "\(prefix)gru\($0 == 0 ? "" : "_\($0)")/gru_cell/\($1)" },
        embedding: "\(prefix)embedding/embeddings", dense: "\(prefix)dense/")
      // Files list tensors in any order.
      let model = try KerasLayout.model(
        from: theirs.sorted { $0.name < $1.name }, shape: shape, path: "theirs")
      #expect(model.values == ours.values)
      #expect(model.assumptions.contains { $0.hasSuffix("gru, gru_1, gru_2, gru_3, gru_4, gru_5, "
        + "gru_6, gru_7, gru_8, gru_9 and gru_10") }, "\(model.assumptions)")
      let error = #expect(throws: InterchangeError.self) {
        try KerasLayout.model(
          from: theirs + [tensor("dense_1/kernel", [hidden, vocabulary], 0)], shape: shape,
          path: "theirs")
      }
      #expect(error?.description.contains("dense/kernel") == true, "\(error?.description ?? "")")
    }
  }
}
