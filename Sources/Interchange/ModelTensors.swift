package import Cells
package import GRUCore

/// A model as it goes from one format to another: named tensors in our own order and orientation.
///
/// How a library's rows stand to the gates of a cell says the cell's description. The z of our GRU
/// is the weight of the candidate, h' = z ⊙ n + (1 − z) ⊙ h; other libraries give z to the previous
/// hidden vector, so that their update gate is 1 − z = σ(−a), and all rows which make its
/// pre-activation a change their sign. Negation is exact, and so is every other change on the way.
package struct ModelTensors: Sendable, Equatable {
  package var shape: ModelShape
  /// By the names of `ParameterTable`.
  package var values: [String: [Float]]
  /// How the model's real inputs and outputs stand to the numbers of its data.
  package var scales = DataScales()
  /// Biases as a format with two of them had them, by what the names of a direction begin with:
  /// those added to W x and those added to U h, each [G H]. A model of ours has one bias in their
  /// place, so that the pair is kept beside it, and is given back for as long as its sum is still
  /// that bias.
  package var biasPairs: [String: BiasPair] = [:]
  /// What was taken for granted, since the file that the model came from cannot prove it.
  package var assumptions: [String] = []

  package struct BiasPair: Sendable, Equatable {
    package var input: [Float]
    package var recurrent: [Float]

    package init(input: [Float], recurrent: [Float]) {
      self.input = input
      self.recurrent = recurrent
    }
  }

  package init(shape: ModelShape, values: [String: [Float]]) {
    self.shape = shape
    self.values = values
  }

  /// The model in an arena laid out by `table`.
  ///
  /// - Throws: where it has tensors that no other library's layers have a place for.
  package init(
    shape: ModelShape, table: ParameterTable, arena: UnsafePointer<Float>
  ) throws(InterchangeError) {
    self.init(shape: shape, values: [:])
    try Self.requireOneOutputMatrix(shape)
    for parameter in table.parameters {
      values[parameter.name] = unsafe Array(
        UnsafeBufferPointer(start: arena + parameter.offset, count: parameter.count))
    }
    if values["output.weight"] == nil, shape.embeddingSize == shape.hiddenSize {
      // A tied model's output layer is its embedding table.
      values["output.weight"] = values["embedding.weight"]
    }
    let expected = Self.names(of: shape)
    if let strange = table.parameters.first(where: { !expected.contains($0.name) }) {
      throw InterchangeError(
        "the model has a tensor '\(strange.name)' \(strange.shape), for which the layers of other "
          + "libraries have no place; only embedding, \(Cell.exchangedLayers) layers and one "
          + "linear output layer can be exchanged")
    }
    if let missing = expected.first(where: { values[$0] == nil }) {
      throw InterchangeError(
        "the model has no tensor '\(missing)', which the layers of other libraries need; only "
          + "embedding, \(Cell.exchangedLayers) layers and one linear output layer can be "
          + "exchanged")
    }
  }

  /// - Throws: for an output layer in parts.
  package static func requireOneOutputMatrix(_ shape: ModelShape) throws(InterchangeError) {
    guard shape.adaptiveSoftmax == nil else {
      throw InterchangeError(
        "the output layer is an adaptive softmax (config model.adaptive_softmax), and only one "
          + "linear output layer over all tokens can be exchanged; train with "
          + "model.adaptive_softmax=null")
    }
  }

  /// Throws unless the model that is asked for is one that these tensors fill.
  package func requirePlaces(path: String) throws(InterchangeError) {
    let table = ParameterTable(shape: shape)
    if let strange = table.parameters.first(where: { values[$0.name] == nil }) {
      throw InterchangeError(
        "\(path): the config's model has a tensor '\(strange.name)' \(strange.shape), which no "
          + "file of another library has; only embedding, \(Cell.exchangedLayers) layers and one "
          + "linear output layer can be exchanged")
    }
    if shape.tiesWeights, self["output.weight"] != self["embedding.weight"] {
      throw InterchangeError(
        "\(path): its output weight is not its embedding, and the config's model ties them; add "
          + "--set model.tie_weights=false")
    }
  }

  /// Makes the output layer 0, and says which tensors of the file are left.
  mutating func leaveHead(_ names: [String]) {
    for parameter in ParameterTable(shape: shape).parameters where parameter.group == "output" {
      self[parameter.name] = [Float](repeating: 0, count: parameter.count)
    }
    if names.isEmpty { return }
    assumptions.append("\(names.joined(separator: ", ")) of the file belong to its output layer")
  }

  /// The names of the tensors of a plain model.
  static func names(of shape: ModelShape) -> [String] {
    var names = shape.task.readsTokens ? ["embedding.weight"] : []
    names += ["output.weight", "output.bias"]
    var tensors = ["input.weight", "bias"]
    if shape.cell.hasRecurrentWeights { tensors.append("recurrent.weight") }
    if !shape.cell.recurrentBiasGates.isEmpty { tensors.append("recurrent.bias") }
    if shape.learnsInitialState { tensors += shape.cell.stateVectors.map(\.initialName) }
    for direction in 0..<shape.layerDirectionCount {
      let prefix = shape.prefix(ofDirection: direction)
      names += tensors.map { "\(prefix).\($0)" }
    }
    return names
  }

  /// A tensor that `init` found to be there.
  package subscript(name: String) -> [Float] {
    get { values[name] ?? [] }
    set { values[name] = newValue }
  }

  /// What a state vector starts from in all directions, [D L, H]; nothing where it is 0.
  package func initialStates(_ vector: Cell.StateVector) -> [Float] {
    guard shape.learnsInitialState else { return [] }
    return (0..<shape.layerDirectionCount).flatMap {
      self["\(shape.prefix(ofDirection: $0)).\(vector.initialName)"]
    }
  }

  /// Takes what a state vector starts from out of [D L, H].
  package mutating func setInitialStates(
    _ states: [Float], of vector: Cell.StateVector = .hidden
  ) {
    for (direction, state) in Rows.blocks(states, shape.layerDirectionCount).enumerated() {
      self["\(shape.prefix(ofDirection: direction)).\(vector.initialName)"] = state
    }
  }

  /// Copies the tensors into an arena.
  ///
  /// Preconditions: `table` is that of `shape`.
  package func write(to arena: UnsafeMutablePointer<Float>, table: ParameterTable) {
    for parameter in table.parameters {
      let tensor = self[parameter.name]
      precondition(
        tensor.count == parameter.count,
        "\(parameter.name): \(tensor.count) values != \(parameter.count)")
      unsafe (arena + parameter.offset).update(from: tensor, count: tensor.count)
    }
  }

  /// The biases of a direction as a pair, each [G H] in our order: what came in where it still
  /// holds, else one bias and zeros.
  package func biasPair(ofDirection direction: Int) -> BiasPair {
    let prefix = shape.prefix(ofDirection: direction)
    let bias = self["\(prefix).bias"]
    let recurrent = self["\(prefix).recurrent.bias"]
    if let pair = biasPairs[prefix], pair.input.count == bias.count,
      pair.recurrent.count == bias.count
    {
      let sums = pair.sums(cell: shape.cell, hiddenSize: shape.hiddenSize)
      if Self.haveEqualBits(sums.bias, bias), Self.haveEqualBits(sums.recurrent, recurrent) {
        return pair
      }
    }
    let start = shape.cell.recurrentBiasGates.lowerBound * shape.hiddenSize
    var zeros = [Float](repeating: 0, count: bias.count)
    zeros.replaceSubrange(start..<start + recurrent.count, with: recurrent)
    return BiasPair(input: bias, recurrent: zeros)
  }

  /// Takes a direction's biases from a pair.
  package mutating func setBiasPair(_ pair: BiasPair, ofDirection direction: Int) {
    let sums = pair.sums(cell: shape.cell, hiddenSize: shape.hiddenSize)
    let prefix = shape.prefix(ofDirection: direction)
    self["\(prefix).bias"] = sums.bias
    if !shape.cell.recurrentBiasGates.isEmpty { self["\(prefix).recurrent.bias"] = sums.recurrent }
    biasPairs[prefix] = pair
  }

  private static func haveEqualBits(_ a: [Float], _ b: [Float]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern }
  }
}

extension ModelTensors.BiasPair {
  /// What our cell has in place of a pair: one bias, but for gates whose recurrent part keeps its
  /// own since another gate stands between the two.
  func sums(cell: Cell, hiddenSize: Int) -> (bias: [Float], recurrent: [Float]) {
    let kept =
      cell.recurrentBiasGates.lowerBound * hiddenSize..<cell.recurrentBiasGates.upperBound
      * hiddenSize
    let bias = input.indices.map { kept.contains($0) ? input[$0] : input[$0] + recurrent[$0] }
    return (bias, kept.isEmpty ? [] : Array(recurrent[kept]))
  }
}
