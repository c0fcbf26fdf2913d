import Cells
import GRUCore
import Interchange
import Testing

/// Which tensor of a file is which: by whole words of names, then by shapes.
@Suite struct TensorRoleTests {
  private static let vocabulary = 9
  private static let embedding = 4
  private static let hidden = 6

  private static var shape: ModelShape {
    ModelShape(
      cell: .gruResetAfter, vocabularySize: vocabulary, embeddingSize: embedding,
      hiddenSize: hidden, layerCount: 1)
  }

  /// A language model under the names given, each element of a matrix its own number.
  private static func tensors(
    embedding embeddingName: String, output: String, rows: Int = vocabulary,
    columns embedding: Int = embedding
  ) -> [NamedTensor] {
    func tensor(_ name: String, _ shape: [Int]) -> NamedTensor {
      let count = shape.reduce(1, *)
      return NamedTensor(name, shape, (0..<count).map { Float($0 % 17) / 8 - 1 })
    }
    return [
      tensor("m.weight_ih_l0", [3 * hidden, embedding]),
      tensor("m.weight_hh_l0", [3 * hidden, hidden]),
      tensor(embeddingName, [rows, embedding]), tensor(output, [rows, hidden]),
      tensor("\(output).bias", [rows]),
    ]
  }

  private static func model(
    _ tensors: [NamedTensor], unknown: Int? = nil
  ) throws -> ModelTensors {
    try TorchLayout.model(from: tensors, shape: shape, unknown: unknown, path: "file")
  }

  /// "member_head" has "emb" in it and is no embedding; other names are told apart by shapes.
  @Test(arguments: [
    ("embedding.weight", "member_head.weight"), ("a.weight", "member_head.weight"),
    ("wordEmbedding.weight", "remember.weight"), ("table", "other"), ("table", "fc1.weight"),
    ("member.weight", "lm_head.weight"), ("encoder.weight", "x"),
  ])
  func rolesAreFound(names: (String, String)) throws {
    let tensors = Self.tensors(embedding: names.0, output: names.1)
    let model = try Self.model(tensors)
    #expect(model["embedding.weight"] == tensors[2].values)
    #expect(model["output.weight"] == tensors[3].values)
    #expect(model["output.bias"] == tensors[4].values)
    #expect(model.assumptions == ["the layers have no biases: they are 0"])
  }

  /// Of two matrices of one shape, with names that say nothing, the one with a bias is the linear
  /// layer.
  @Test func matricesOfOneShapeAreToldApartByBias() throws {
    var shape = Self.shape
    shape.embeddingSize = Self.hidden
    let tensors = Self.tensors(embedding: "x.weight", output: "y.weight", columns: Self.hidden)
    let bias = NamedTensor("y.bias", [Self.vocabulary], tensors[4].values)
    let model = try TorchLayout.model(
      from: tensors.dropLast() + [bias], shape: shape, path: "file")
    #expect(model["embedding.weight"] == tensors[2].values)
    #expect(model["output.weight"] == tensors[3].values)
    #expect(throws: InterchangeError.self) {
      try TorchLayout.model(from: tensors.dropLast(), shape: shape, path: "file")
    }
  }

  private static func zeros(_ name: String, _ shape: Int...) -> NamedTensor {
    NamedTensor(name, shape, [Float](repeating: 0, count: shape.reduce(1, *)))
  }

  /// What no model of ours has is said by name.
  @Test(arguments: [
    ([zeros("attention.weight", 6, 6)], "'attention.weight' [6, 6] has no place"),
    (
      [zeros("a.w", 3), zeros("b.w", 4), zeros("c.w", 2), zeros("d.w", 5), zeros("e.w", 7)],
      "'a.w' [3], 'b.w' [4], 'c.w' [2], 'd.w' [5] and 1 more have no place"
    ),
    ([zeros("m.weight_hr_l0", 2, 6)], "'m.weight_hr_l0' projects the hidden vector (proj_size)"),
    ([zeros("m.bias_ih_l0", 18)], "no tensor 'm.bias_hh_l0', though there is 'm.bias_ih_l0'"),
    (
      [zeros("n.weight_ih_l0", 18, 6)],
      "found 2, and one module with several layers is all that can be taken"
    ),
  ])
  func otherTensorsAreNamed(more: [NamedTensor], words: String) {
    let error = #expect(throws: InterchangeError.self) {
      try Self.model(Self.tensors(embedding: "emb.weight", output: "fc.weight") + more)
    }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }

  @Test func tensorsOfASingleStepAreRecognized() {
    let tensors = Self.tensors(embedding: "emb.weight", output: "fc.weight").map { tensor in
      NamedTensor(tensor.name.replacing("_l0", with: ""), tensor.shape, tensor.values)
    }
    let error = #expect(throws: InterchangeError.self) { try Self.model(tensors) }
    #expect(error?.description.contains("GRUCell and its kin") == true)
  }

  @Test func vocabulariesOfBothEndsMustBeOne() {
    let tensors = Self.tensors(embedding: "emb.weight", output: "fc.weight").dropLast(2) + [
      Self.zeros("fc.weight", Self.vocabulary - 1, Self.hidden)
    ]
    let error = #expect(throws: InterchangeError.self) { try Self.model(Array(tensors)) }
    #expect(error?.description.contains("has 9 tokens and 'fc.weight' 8") == true)
  }

  @Test(arguments: [0, 4, 8])
  func aRowForUnknownTokensIsAdded(token: Int) throws {
    let tensors = Self.tensors(embedding: "emb", output: "out", rows: Self.vocabulary - 1)
    let model = try Self.model(tensors, unknown: token)
    func others(_ name: String, _ columns: Int) -> [Float] {
      var values = model[name]
      values.removeSubrange(token * columns..<(token + 1) * columns)
      return values
    }
    #expect(others("embedding.weight", Self.embedding) == tensors[2].values)
    #expect(others("output.weight", Self.hidden) == tensors[3].values)
    #expect(others("output.bias", 1) == tensors[4].values)
    #expect(model["output.bias"].min() == model["output.bias"][token])
    #expect(model["output.bias"][token] < -28)
    #expect(model.assumptions.contains { $0.contains("no row for <unk> (token \(token))") })
    // Where the tokenizer knows everything, a row too few is an error.
    let error = #expect(throws: InterchangeError.self) { try Self.model(tensors) }
    #expect(error?.description.contains("has 8 tokens, and the config's tokenizer has 9") == true)
  }

  @Test func nonlinearityOfAnRNNIsAssumed() throws {
    var shape = Self.shape
    shape.cell = .rnn
    let tensors = Self.tensors(embedding: "emb", output: "out").map { tensor in
      tensor.name.hasPrefix("m.")
        ? NamedTensor(
          tensor.name, [Self.hidden, tensor.shape[1]],
          Array(tensor.values.prefix(Self.hidden * tensor.shape[1]))) : tensor
    }
    let model = try TorchLayout.model(from: tensors, shape: shape, path: "file")
    #expect(model.assumptions.contains("the layers' nonlinearity is tanh, not relu"))
  }
}
