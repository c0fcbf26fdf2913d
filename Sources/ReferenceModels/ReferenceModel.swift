import Cells
package import GRUCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The model once more, with any cell and for any task, as plain scalar loops in `Double`: what the
/// fast path is checked against, by the gradient check of `--debug` and by tests. Written to be
/// read, not to be fast.
///
/// The steps of a layer are those of its cell's reference.
///
/// Parameters and gradients are arenas laid out by `ParameterTable`. State is [S, L, B, H];
/// inputs and targets are [T, B], time-major, and a target of -1 is not counted; `Window` says what
/// other tasks have. The loss is the sum over counted targets of `shape.task.loss`, that of a
/// softmax the negative log-likelihood in nats.
package final class ReferenceModel {
  package let shape: ModelShape
  package let table: ParameterTable

  /// What a forward pass leaves for the backward pass.
  struct Trace {
    /// States by direction, each [S, T + 1, B, H]; time 0 is the initial state. All that is by
    /// direction has the order of time in which the direction goes through it.
    var states: [[[Double]]] = []
    /// What each layer hands on, [T, B, D H].
    var features: [[Double]] = []
    /// The steps of every sequence by direction, each [T, B].
    var rows: [[ReferenceRow]] = []
    /// Scores before the softmax, [T, B, V].
    var logits: [Double] = []
    /// What the output layer read where it does not read every step, [K, B, D H].
    var readout: [Double] = []
  }

  /// What one window holds, with its sizes.
  package struct Window {
    /// Tokens, [T, B]; nothing where the model reads values.
    package var inputs: [Int32]
    /// [T, B], or for one output of each sequence [K, B].
    package var targets: [Int32]
    /// Time steps (T).
    package var steps: Int
    /// Sequences (B).
    package var sequences: Int
    /// Real inputs, [T, B, E] or beside tokens [T, B, F], and real targets, a row for each of
    /// `targets` with as many numbers as the task has targets.
    package var values: [Double] = []
    package var targetValues: [Double] = []
    /// The time steps of each sequence, [K, B]; an empty range is none. Nothing at all means one
    /// sequence in each row.
    package var slots: [Range<Int>] = []
    /// The step in which the model trains on the window, or nil where nothing is dropped.
    package var trainingStep: Int?
    /// Whether the window is the first of its streams, so that it starts from the model's initial
    /// state, 0 or learned, whatever state is given.
    package var startsAfresh = false

    package init(inputs: [Int32], targets: [Int32], steps: Int, sequences: Int) {
      self.inputs = inputs
      self.targets = targets
      self.steps = steps
      self.sequences = sequences
    }
  }

  package init(shape: ModelShape, table: ParameterTable) {
    self.shape = shape
    self.table = table
  }

  /// The summed loss of one window, in nats.
  ///
  /// - Parameters:
  ///   - parameters: the arena.
  ///   - inputs: tokens [T, B].
  ///   - targets: the tokens to predict [T, B]; -1 is not counted.
  ///   - window: time steps T.
  ///   - sequences: sequences B.
  ///   - state: state vectors before the window, [S, L, B, H].
  ///   - trainingStep: the step whose random choices regularise the model; nil for none.
  ///   - startsAfresh: whether the window starts from the model's initial state, not from `state`.
  package func loss(
    parameters: [Double], inputs: [Int32], targets: [Int32], window: Int, sequences: Int,
    state: [Double], trainingStep: Int? = nil, startsAfresh: Bool = false
  ) -> Double {
    var window = Window(inputs: inputs, targets: targets, steps: window, sequences: sequences)
    window.trainingStep = trainingStep
    window.startsAfresh = startsAfresh
    check(parameters, window, state)
    let parameters = connected(parameters, window)
    return loss(of: forward(parameters, window, state), window)
  }

  /// The summed loss of one window, its gradient (an arena), and the state [S, L, B, H] it leaves.
  /// The gradient does not pass through `state`: windows are detached from each other. A learned
  /// initial state has one where sequences start.
  package func lossAndGradient(
    parameters: [Double], inputs: [Int32], targets: [Int32], window: Int, sequences: Int,
    state: [Double], trainingStep: Int? = nil, startsAfresh: Bool = false
  ) -> (loss: Double, gradient: [Double], finalState: [Double]) {
    var window = Window(inputs: inputs, targets: targets, steps: window, sequences: sequences)
    window.trainingStep = trainingStep
    window.startsAfresh = startsAfresh
    check(parameters, window, state)
    let parameters = connected(parameters, window)
    let trace = forward(parameters, window, state)
    return (
      loss(of: trace, window), connected(backward(parameters, window, trace), window),
      finalState(trace, sequences: sequences)
    )
  }

  /// As the above, of any task's window.
  package func loss(parameters: [Double], window: Window, state: [Double]) -> Double {
    check(parameters, window, state)
    let parameters = connected(parameters, window)
    return loss(of: forward(parameters, window, state), window)
  }

  package func lossAndGradient(
    parameters: [Double], window: Window, state: [Double]
  ) -> (loss: Double, gradient: [Double]) {
    check(parameters, window, state)
    let parameters = connected(parameters, window)
    let trace = forward(parameters, window, state)
    return (loss(of: trace, window), connected(backward(parameters, window, trace), window))
  }

  /// The logits [T, B, V] of one window and the state [S, L, B, H] it leaves.
  package func logits(
    parameters: [Double], inputs: [Int32], window: Int, sequences: Int, state: [Double]
  ) -> (logits: [Double], finalState: [Double]) {
    let uncounted = [Int32](repeating: -1, count: inputs.count)
    let window = Window(inputs: inputs, targets: uncounted, steps: window, sequences: sequences)
    check(parameters, window, state)
    let trace = forward(parameters, window, state)
    return (trace.logits, finalState(trace, sequences: sequences))
  }

  /// What the output layer says of any task's window: a row for each of its targets.
  package func scores(parameters: [Double], window: Window, state: [Double]) -> [Double] {
    check(parameters, window, state)
    return forward(parameters, window, state).logits
  }

  /// The states after the window, [S, D L, B, H].
  private func finalState(_ trace: Trace, sequences: Int) -> [Double] {
    shape.cell.stateVectors.indices.flatMap { vector in
      trace.states.flatMap { $0[vector].suffix(sequences * shape.hiddenSize) }
    }
  }

  /// The logits of one row.
  func scores(_ logits: [Double], row: Int) -> [Double] {
    Array(logits[row * shape.vocabularySize..<(row + 1) * shape.vocabularySize])
  }

  func logSumExp(_ scores: [Double]) -> Double {
    let largest = scores.max() ?? 0
    return largest + log(scores.reduce(0) { $0 + exp($1 - largest) })
  }

  private func loss(of trace: Trace, _ window: Window) -> Double {
    if shape.task.loss != .softmax { return valueLoss(of: trace, window) }
    var sum = 0.0
    for (row, target) in window.targets.enumerated() where target >= 0 {
      let scores = trainedScores(
        scores(trace.logits, row: row), target: Int(target), window)
      var wanted = scores[Int(target)]
      if shape.regularization.labelSmoothing > 0 {
        let mean = scores.reduce(0, +) / Double(scores.count)
        wanted += shape.regularization.labelSmoothing * (mean - wanted)
      }
      sum += classWeight(Int(target)) * (logSumExp(scores) - wanted)
    }
    return sum
  }

  private func classWeight(_ target: Int) -> Double {
    let weights = shape.regularization.classWeights
    return weights.isEmpty ? 1 : Double(weights[target])
  }

  /// ∂ loss / ∂ score of a softmax: (softmax − (1 − ε) one-hot − ε / V) times the class's weight.
  func softmaxErrors(_ scores: [Double], target: Int) -> [Double] {
    let normaliser = logSumExp(scores)
    let smoothing = shape.regularization.labelSmoothing
    var errors = scores.map { exp($0 - normaliser) - smoothing / Double(scores.count) }
    errors[target] -= 1 - smoothing
    return errors.map { $0 * classWeight(target) }
  }

  private func check(_ parameters: [Double], _ window: Window, _ state: [Double]) {
    let tokens = window.steps * window.sequences
    let states = shape.stateCount(sequences: window.sequences)
    let vocabulary = Int32(shape.vocabularySize)
    let kinds = Int32(shape.inputVocabularySize)
    precondition(
      parameters.count == table.elementCount,
      "\(parameters.count) parameters, the table has \(table.elementCount)")
    let values = tokens * shape.valueSize
    let inputs = shape.task.readsTokens ? tokens * shape.task.tokensPerStep : 0
    let rows = shape.task.readout == .every ? tokens : ranges(window).count
    precondition(window.inputs.count == inputs, "\(window.inputs.count) inputs != \(inputs)")
    precondition(window.values.count == values, "\(window.values.count) values != \(values)")
    precondition(window.targets.count == rows, "\(window.targets.count) targets != \(rows)")
    precondition(state.count == states, "\(state.count) state values != \(states)")
    precondition(
      window.inputs.allSatisfy { $0 >= 0 && $0 < kinds }, "input beyond \(kinds) tokens")
    precondition(
      window.targets.allSatisfy { $0 >= -1 && $0 < vocabulary },
      "target beyond \(vocabulary) tokens")
  }
}
