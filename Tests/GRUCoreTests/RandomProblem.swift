import GRUCore

/// A seeded random model and two consecutive windows of tokens for it.
struct RandomProblem {
  let shape: ModelShape
  let table: ParameterTable
  let window: Int
  let sequences: Int
  /// The arena; gaps are zero.
  var parameters: [Float]
  /// Tokens [T, B] by window.
  var inputs: [[Int32]]
  /// Next tokens [T, B] by window; some are -1.
  var targets: [[Int32]]
  /// State before the first window, [S, L, B, H].
  var state: [Float]

  /// Whether the first window is that of new streams, so that `state` does not matter.
  var startsAfresh: Bool { shape.learnsInitialState }

  /// An arena with a wrong value in every tensor and zeros in the gaps.
  var stale: [Float] {
    var arena = [Float](repeating: 0, count: table.elementCount)
    for tensor in table.parameters {
      arena.replaceSubrange(tensor.range, with: repeatElement(7, count: tensor.count))
    }
    return arena
  }

  init(shape: ModelShape, window: Int, sequences: Int, windows: Int = 2, seed: UInt64) {
    var random = SplitMix(state: seed)
    let table = ParameterTable(shape: shape)
    var parameters = [Float](repeating: 0, count: table.elementCount)
    for tensor in table.parameters {
      // The usual 1 / √fan-in keeps gates away from saturation at every size.
      let columns = tensor.shape.count == 2 ? tensor.shape[1] : 4
      let bound = tensor.name == "embedding.weight" ? 1 : 1.5 / Float(columns).squareRoot()
      for i in tensor.range { parameters[i] = random.uniform(bound) }
    }
    let tokens = window * sequences
    self.shape = shape
    self.table = table
    self.window = window
    self.sequences = sequences
    self.parameters = parameters
    inputs = (0..<windows).map { _ in
      (0..<tokens).map { _ in random.token(below: shape.vocabularySize) }
    }
    targets = (0..<windows).map { _ in
      (0..<tokens).map { _ in
        random.next() % 8 == 0 ? -1 : random.token(below: shape.vocabularySize)
      }
    }
    state = (0..<shape.stateCount(sequences: sequences)).map { _ in random.uniform(0.9) }
  }

  /// The problem of a file of reference values: one window.
  init(_ values: ReferenceValues) {
    shape = values.shape
    table = ParameterTable(shape: shape)
    window = values.window
    sequences = values.sequences
    parameters = values.arena(values.parameters, table: table).map(Float.init)
    inputs = [values.inputs]
    targets = [values.targets]
    state = values.state.map(Float.init)
  }
}

/// The SplitMix64 generator.
struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Uniform in [-bound, bound).
  mutating func uniform(_ bound: Float) -> Float {
    (Float(next() >> 40) / Float(1 << 23) - 1) * bound
  }

  mutating func token(below limit: Int) -> Int32 { Int32(next() % UInt64(limit)) }
}
