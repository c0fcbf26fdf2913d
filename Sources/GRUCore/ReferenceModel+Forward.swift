#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension ReferenceModel {
  /// Embedding, layers from the bottom, output layer.
  func forward(_ parameters: [Double], _ window: Window, _ state: [Double]) -> Trace {
    var trace = Trace()
    var input = dropped(embed(parameters, window), beforeLayer: 0, window)
    let stateCount = window.sequences * shape.hiddenSize
    for layer in 0..<shape.layerCount {
      let initial = Array(state[layer * stateCount..<(layer + 1) * stateCount])
      let states = shape.directions(ofLayer: layer).map { direction in
        let isReversed = shape.isReversed(direction)
        forward(
          direction, parameters, isReversed ? mirrored(window) : window,
          input: isReversed ? mirrored(input, window) : input, initial: initial, &trace)
        let own = Array(trace.hidden[direction].dropFirst(stateCount))
        return isReversed ? mirrored(own, window) : own
      }
      trace.features.append(joined(states))
      input = dropped(trace.features[layer], beforeLayer: layer + 1, window)
    }
    let features = shape.featureSize
    let weight = table.outputWeight.offset
    let bias = table.outputBias.range
    if shape.task.readout != .every {
      input = dropped(readout(trace, window), beforeLayer: shape.layerCount, window)
      trace.readout = input
    }
    let rows = input.count / features
    trace.logits.reserveCapacity(rows * shape.vocabularySize)
    for row in 0..<rows {
      var logits = Array(parameters[bias])
      addProduct(
        parameters, at: weight, columns: features, input, at: row * features, to: &logits)
      trace.logits += withTails(logits, parameters, input, at: row * features)
    }
    return trace
  }

  /// An arena of weights, or of gradients, with 0 for the recurrent weights that the step drops.
  func connected(_ arena: [Double], _ window: Window) -> [Double] {
    guard let step = window.trainingStep, shape.regularization.recurrentDropout > 0 else {
      return arena
    }
    var arena = arena
    for direction in 0..<shape.layerDirectionCount {
      let weights = table["\(shape.prefix(ofDirection: direction)).recurrent.weight"]
      for weight in 0..<weights.count {
        arena[weights.offset + weight] *= shape.regularization.recurrentFactor(
          step: UInt32(truncatingIfNeeded: step), direction: direction, weight: weight)
      }
    }
    return arena
  }

  /// What a layer, or with L the output layer, reads of values [T, B, I]. Gradients of one turn
  /// into those of the other in the same way.
  func dropped(_ values: [Double], beforeLayer layer: Int, _ window: Window) -> [Double] {
    guard let step = window.trainingStep, shape.regularization.dropout > 0 else { return values }
    if layer == 0, shape.task.input == .values { return values }
    let columns = layer == 0 ? shape.embeddingSize : shape.featureSize
    return values.enumerated().map { index, value in
      let row = index / columns
      return value
        * shape.regularization.factor(
          step: UInt32(truncatingIfNeeded: step), layer: layer, sequence: row % window.sequences,
          time: row / window.sequences, column: index % columns, columns: columns)
    }
  }

  /// What a token's embedding is multiplied with.
  func tokenFactor(_ token: Int, _ window: Window) -> Double {
    guard let step = window.trainingStep, shape.regularization.embeddingDropout > 0 else {
      return 1
    }
    return Double(
      shape.regularization.embeddingFactor(step: UInt32(truncatingIfNeeded: step), token: token))
  }

  /// The embedding rows of the window's inputs, [T, B, E].
  func embed(_ parameters: [Double], _ window: Window) -> [Double] {
    if shape.task.input == .values { return window.values }
    let offset = table["embedding.weight"].offset
    let size = shape.embeddingSize
    return window.inputs.flatMap { token in
      let factor = tokenFactor(Int(token), window)
      return parameters[offset + Int(token) * size..<offset + (Int(token) + 1) * size]
        .map { $0 * factor }
    }
  }

  /// Runs one direction over the window and appends what it computed to `trace`.
  ///
  /// Shapes: `input` [T, B, I], `initial` [B, H].
  private func forward(
    _ direction: Int, _ parameters: [Double], _ window: Window, input: [Double], initial: [Double],
    _ trace: inout Trace
  ) {
    let hidden = shape.hiddenSize
    let gates = shape.cell.gateCount
    let inputSize = shape.inputSize(ofLayer: shape.layer(ofDirection: direction))
    let prefix = shape.prefix(ofDirection: direction)
    let inputWeight = table["\(prefix).input.weight"].offset
    let bias = table["\(prefix).bias"].range
    var states = initial
    var used: [Double] = []
    var activations: [Double] = []
    var candidates: [Double] = []
    var allSums: [Double] = []
    for row in 0..<window.steps * window.sequences {
      let starts = isStart(row, window)
      let previous =
        starts
        ? initialState(ofDirection: direction, parameters)
        : Array(states[row * hidden..<(row + 1) * hidden])
      used += previous
      var sums = Array(parameters[bias])
      addProduct(
        parameters, at: inputWeight, columns: inputSize, input, at: row * inputSize, to: &sums)
      var candidate = [Double](repeating: 0, count: gates == 3 ? hidden : 0)
      var summed: [Double] = []
      let next = step(direction, parameters, previous, &sums, &candidate, &summed)
      allSums += summed
      activations += sums
      candidates += candidate
      states += next
    }
    trace.hidden.append(states)
    trace.previous.append(used)
    trace.gates.append(activations)
    trace.sums.append(allSums)
    trace.recurrentCandidates.append(candidates)
  }

  /// One step of one row of a direction: turns `sums`, which hold W x + b, into activations, and
  /// returns the new hidden vector. A GRU leaves U_h h + c_h (reset after) or U_h (r ⊙ h) (reset
  /// before) in `candidate`; `summed` receives what the gates summed up.
  private func step(
    _ direction: Int, _ parameters: [Double], _ previous: [Double], _ sums: inout [Double],
    _ candidate: inout [Double], _ summed: inout [Double]
  ) -> [Double] {
    let hidden = shape.hiddenSize
    let prefix = shape.prefix(ofDirection: direction)
    let weight = table["\(prefix).recurrent.weight"].offset
    if shape.cell == .rnn {
      addProduct(parameters, at: weight, columns: hidden, previous, at: 0, to: &sums)
      summed = sums
      sums = normalized(sums, direction: direction, gate: 0, parameters)
      for i in 0..<hidden { sums[i] = tanh(sums[i]) }
      return sums
    }
    var gates = Array(sums[..<(2 * hidden)])
    addProduct(parameters, at: weight, columns: hidden, previous, at: 0, to: &gates)
    summed = gates
    gates =
      normalized(Array(summed[..<hidden]), direction: direction, gate: 0, parameters)
      + normalized(Array(summed[hidden...]), direction: direction, gate: 1, parameters)
    for i in 0..<2 * hidden { sums[i] = 1 / (1 + exp(-gates[i])) }
    let reset = sums[hidden..<2 * hidden]
    let candidateWeight = weight + 2 * hidden * hidden
    if shape.cell == .gruResetBefore {
      let kept = zip(reset, previous).map { $0 * $1 }
      addProduct(parameters, at: candidateWeight, columns: hidden, kept, at: 0, to: &candidate)
      for i in 0..<hidden { sums[2 * hidden + i] += candidate[i] }
    } else {
      candidate = Array(parameters[table["\(prefix).recurrent.bias"].range])
      addProduct(parameters, at: candidateWeight, columns: hidden, previous, at: 0, to: &candidate)
      for i in 0..<hidden { sums[2 * hidden + i] += sums[hidden + i] * candidate[i] }
    }
    summed += sums[(2 * hidden)...]
    let scores = normalized(Array(sums[(2 * hidden)...]), direction: direction, gate: 2, parameters)
    for i in 0..<hidden { sums[2 * hidden + i] = tanh(scores[i]) }
    return (0..<hidden).map { i in
      sums[i] * sums[2 * hidden + i] + (1 - sums[i]) * previous[i]
    }
  }

  /// y += M x, for the rows of M that `y` has room for.
  func addProduct(
    _ matrix: [Double], at offset: Int, columns: Int, _ x: [Double], at start: Int,
    to y: inout [Double]
  ) {
    for i in y.indices {
      var sum = y[i]
      for j in 0..<columns { sum += matrix[offset + i * columns + j] * x[start + j] }
      y[i] = sum
    }
  }
}
