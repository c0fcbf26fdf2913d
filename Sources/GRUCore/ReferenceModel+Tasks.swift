#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Tasks other than a softmax at every step, and sequences laid end to end.
extension ReferenceModel {
  /// The time steps of each sequence, [K, B].
  func ranges(_ window: Window) -> [Range<Int>] {
    window.slots.isEmpty
      ? [Range<Int>](repeating: 0..<window.steps, count: window.sequences) : window.slots
  }

  /// The state before a stream or sequence.
  func initialState(ofLayer layer: Int, _ parameters: [Double]) -> [Double] {
    shape.learnsInitialState
      ? Array(parameters[table["layers.\(layer).initial_state"].range])
      : [Double](repeating: 0, count: shape.hiddenSize)
  }

  /// Whether a sequence starts at a row (t, b).
  func isStart(_ row: Int, _ window: Window) -> Bool {
    let (t, b) = (row / window.sequences, row % window.sequences)
    if t == 0 { return window.startsAfresh }
    return window.slots.enumerated().contains { index, range in
      index % window.sequences == b && range.lowerBound == t && !range.isEmpty
    }
  }

  /// The last or mean state of every sequence, [K, B, H]; 0 for none.
  func readout(_ trace: Trace, _ window: Window) -> [Double] {
    let hidden = shape.hiddenSize
    let top = trace.hidden[shape.layerCount - 1]
    return ranges(window).enumerated().flatMap { index, range in
      var vector = [Double](repeating: 0, count: hidden)
      for t in readSteps(range) {
        let state = ((t + 1) * window.sequences + index % window.sequences) * hidden
        for i in 0..<hidden { vector[i] += top[state + i] / Double(readSteps(range).count) }
      }
      return vector
    }
  }

  /// The steps whose states the output layer reads.
  private func readSteps(_ range: Range<Int>) -> Range<Int> {
    shape.task.readout == .last ? range.suffix(1) : range
  }

  /// The summed loss of real targets.
  func valueLoss(of trace: Trace, _ window: Window) -> Double {
    let outputs = shape.vocabularySize
    var sum = 0.0
    for (row, target) in window.targets.enumerated() where target >= 0 {
      for j in 0..<outputs {
        let score = trace.logits[row * outputs + j]
        let truth = window.targetValues[row * outputs + j]
        switch shape.task.loss {
        case .squaredError: sum += (score - truth) * (score - truth) / Double(outputs)
        case .absoluteError: sum += abs(score - truth) / Double(outputs)
        case .sigmoid: sum += max(score, 0) - truth * score + log1p(exp(-abs(score)))
        case .softmax: break
        }
      }
    }
    return sum
  }

  /// ∂ loss / ∂ score: softmax − one-hot; 2 (y − t) / V; sign (y − t) / V; σ(x) − t.
  private func errors(_ row: Int, _ target: Int32, _ trace: Trace, _ window: Window) -> [Double] {
    let outputs = shape.vocabularySize
    let scores = trace.logits[row * outputs..<(row + 1) * outputs]
    if shape.task.loss == .softmax {
      let normaliser = logSumExp(trace.logits, row: row)
      var errors = scores.map { exp($0 - normaliser) }
      errors[Int(target)] -= 1
      return errors
    }
    return zip(scores, window.targetValues[(row * outputs)...]).map { score, truth in
      switch shape.task.loss {
      case .squaredError: 2 * (score - truth) / Double(outputs)
      case .absoluteError: (score < truth ? -1 : score > truth ? 1 : 0) / Double(outputs)
      case .sigmoid, .softmax: 1 / (1 + exp(-score)) - truth
      }
    }
  }

  /// Losses and output layer.
  ///
  /// - Returns: the gradient of the top layer's hidden vectors, [T, B, H].
  func taskOutputBackward(
    _ parameters: [Double], _ window: Window, _ trace: Trace, _ gradient: inout [Double]
  ) -> [Double] {
    let hidden = shape.hiddenSize
    let weight = table["output.weight"].offset
    let bias = table["output.bias"].offset
    let isEvery = shape.task.readout == .every
    let read =
      isEvery
      ? dropped(
        Array(trace.hidden[shape.layerCount - 1].dropFirst(window.sequences * hidden)),
        beforeLayer: shape.layerCount, window)
      : trace.readout
    var below = [Double](repeating: 0, count: read.count)
    for (row, target) in window.targets.enumerated() where target >= 0 {
      let errors = errors(row, target, trace, window)
      addOuter(errors, read, at: row * hidden, columns: hidden, to: &gradient, at: weight)
      for i in errors.indices { gradient[bias + i] += errors[i] }
      addTransposed(
        parameters, at: weight, columns: hidden, errors, to: &below, at: row * hidden)
    }
    if isEvery { return below }
    below = dropped(below, beforeLayer: shape.layerCount, window)
    var above = [Double](repeating: 0, count: window.steps * window.sequences * hidden)
    for (index, range) in ranges(window).enumerated() {
      for t in readSteps(range) {
        let state = (t * window.sequences + index % window.sequences) * hidden
        for i in 0..<hidden {
          above[state + i] += below[index * hidden + i] / Double(readSteps(range).count)
        }
      }
    }
    return above
  }
}
