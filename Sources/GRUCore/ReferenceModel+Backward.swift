#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension ReferenceModel {
  /// The gradient of the summed loss, by back-propagation through the whole window.
  func backward(_ parameters: [Double], _ window: Window, _ trace: Trace) -> [Double] {
    var gradient = [Double](repeating: 0, count: table.elementCount)
    var above = outputBackward(parameters, window, trace, &gradient)
    if shape.task.readout == .every {
      above = dropped(above, beforeLayer: shape.layerCount, window)
    }
    for layer in (0..<shape.layerCount).reversed() {
      above = dropped(
        layerBackward(layer, parameters, window, trace, above, &gradient), beforeLayer: layer,
        window)
    }
    if shape.task.input == .values { return gradient }
    let embedding = table["embedding.weight"].offset
    let size = shape.embeddingSize
    for (row, token) in window.inputs.enumerated() {
      let factor = tokenFactor(Int(token), window)
      for i in 0..<size {
        gradient[embedding + Int(token) * size + i] += above[row * size + i] * factor
      }
    }
    return gradient
  }

  /// Softmax cross-entropy and output layer: ∂loss/∂logit = softmax − one-hot at counted targets.
  ///
  /// - Returns: the gradient of what the top layer hands on, [T, B, D H].
  private func outputBackward(
    _ parameters: [Double], _ window: Window, _ trace: Trace, _ gradient: inout [Double]
  ) -> [Double] {
    if !shape.task.isSoftmaxAtEveryStep {
      return taskOutputBackward(parameters, window, trace, &gradient)
    }
    let hidden = shape.featureSize
    let vocabulary = shape.vocabularySize
    let weight = table.outputWeight.offset
    let bias = table.outputBias.offset
    let top = dropped(
      trace.features[shape.layerCount - 1], beforeLayer: shape.layerCount, window)
    if shape.adaptiveSoftmax != nil {
      return adaptiveBackward(parameters, window, top, &gradient)
    }
    var above = [Double](repeating: 0, count: window.steps * window.sequences * hidden)
    for (row, target) in window.targets.enumerated() where target >= 0 {
      let normaliser = logSumExp(trace.logits, row: row)
      var errors = (0..<vocabulary).map { exp(trace.logits[row * vocabulary + $0] - normaliser) }
      errors[Int(target)] -= 1
      addOuter(errors, top, at: row * hidden, columns: hidden, to: &gradient, at: weight)
      for i in 0..<vocabulary { gradient[bias + i] += errors[i] }
      addTransposed(
        parameters, at: weight, columns: hidden, errors, to: &above, at: row * hidden)
    }
    return above
  }

  /// One layer in all its directions.
  ///
  /// - Parameter above: the gradient of what it hands on, [T, B, D H].
  /// - Returns: the gradient of its input, [T, B, I].
  private func layerBackward(
    _ layer: Int, _ parameters: [Double], _ window: Window, _ trace: Trace, _ above: [Double],
    _ gradient: inout [Double]
  ) -> [Double] {
    let source = layer == 0 ? embed(parameters, window) : trace.features[layer - 1]
    let input = dropped(source, beforeLayer: layer, window)
    var below = [Double](repeating: 0, count: input.count)
    for direction in shape.directions(ofLayer: layer) {
      let own = part(of: above, direction: shape.indexInLayer(ofDirection: direction))
      let isReversed = shape.isReversed(direction)
      let found = backward(
        direction, parameters, isReversed ? mirrored(window) : window, trace,
        input: isReversed ? mirrored(input, window) : input,
        isReversed ? mirrored(own, window) : own, &gradient)
      let inOrder = isReversed ? mirrored(found, window) : found
      for i in below.indices { below[i] += inOrder[i] }
    }
    return below
  }

  /// One direction, from its last time step to the first.
  ///
  /// - Parameter above: the gradient of its hidden vectors from what lies above, [T, B, H].
  /// - Returns: the gradient of its input, [T, B, I].
  private func backward(
    _ direction: Int, _ parameters: [Double], _ window: Window, _ trace: Trace, input: [Double],
    _ above: [Double], _ gradient: inout [Double]
  ) -> [Double] {
    let hidden = shape.hiddenSize
    let inputSize = shape.inputSize(ofLayer: shape.layer(ofDirection: direction))
    let prefix = shape.prefix(ofDirection: direction)
    let weight = table["\(prefix).input.weight"].offset
    let bias = table["\(prefix).bias"].offset
    let stateCount = window.sequences * hidden
    var below = [Double](repeating: 0, count: window.steps * window.sequences * inputSize)
    var carried = [Double](repeating: 0, count: stateCount)
    for t in (0..<window.steps).reversed() {
      for b in 0..<window.sequences {
        let row = t * window.sequences + b
        let total = (0..<hidden).map { above[row * hidden + $0] + carried[b * hidden + $0] }
        var previous = [Double](repeating: 0, count: hidden)
        let errors =
          shape.cell == .rnn
          ? rnnStep(direction, parameters, trace, row, total, &previous, &gradient)
          : gruStep(direction, parameters, trace, row, total, &previous, &gradient)
        let starts = isStart(row, window)
        for i in 0..<hidden { carried[b * hidden + i] = starts ? 0 : previous[i] }
        if starts, shape.learnsInitialState {
          let first = table["\(prefix).initial_state"].offset
          for i in 0..<hidden { gradient[first + i] += previous[i] }
        }
        addOuter(
          errors, input, at: row * inputSize, columns: inputSize, to: &gradient, at: weight)
        for i in errors.indices { gradient[bias + i] += errors[i] }
        addTransposed(
          parameters, at: weight, columns: inputSize, errors, to: &below, at: row * inputSize)
      }
    }
    return below
  }

  /// ∂/∂(W x + U h + b) = dh' ⊙ (1 − h'²).
  ///
  /// - Returns: the gradient of the pre-activations, [H]; `previous` receives that of h.
  private func rnnStep(
    _ direction: Int, _ parameters: [Double], _ trace: Trace, _ row: Int, _ total: [Double],
    _ previous: inout [Double], _ gradient: inout [Double]
  ) -> [Double] {
    let hidden = shape.hiddenSize
    let weight = table["\(shape.prefix(ofDirection: direction)).recurrent.weight"].offset
    let slopes = (0..<hidden).map { i in
      let new = trace.gates[direction][row * hidden + i]
      return total[i] * (1 - new * new)
    }
    let errors = normalizedBackward(
      slopes, direction: direction, row: row, gate: 0, parameters, trace, &gradient)
    addOuter(
      errors, trace.previous[direction], at: row * hidden, columns: hidden, to: &gradient,
      at: weight)
    addTransposed(parameters, at: weight, columns: hidden, errors, to: &previous, at: 0)
    return errors
  }

  /// With a the pre-activations and s = U_h h + c_h:
  /// ```
  /// da_z = dh' ⊙ (n − h) ⊙ z (1 − z)
  /// da_n = dh' ⊙ z ⊙ (1 − n²)
  /// da_r = dr ⊙ r (1 − r),  dr = h ⊙ U_hᵀ da_n (reset before)  or  s ⊙ da_n (reset after)
  /// dh   = dh' ⊙ (1 − z) + U_zᵀ da_z + U_rᵀ da_r
  ///        + r ⊙ U_hᵀ da_n (reset before)  or  + U_hᵀ (r ⊙ da_n) (reset after)
  /// ```
  /// - Returns: the gradient of the pre-activations, [3, H]; `previous` receives that of h.
  private func gruStep(
    _ direction: Int, _ parameters: [Double], _ trace: Trace, _ row: Int, _ total: [Double],
    _ previous: inout [Double], _ gradient: inout [Double]
  ) -> [Double] {
    let hidden = shape.hiddenSize
    let weight = table["\(shape.prefix(ofDirection: direction)).recurrent.weight"].offset
    let candidateWeight = weight + 2 * hidden * hidden
    let old = Array(trace.previous[direction][row * hidden..<(row + 1) * hidden])
    let gates = Array(trace.gates[direction][row * 3 * hidden..<(row + 1) * 3 * hidden])
    let (z, r, n) = (gates[..<hidden], Array(gates[hidden..<2 * hidden]), gates[(2 * hidden)...])
    var errors = [Double](repeating: 0, count: 3 * hidden)
    for i in 0..<hidden {
      let new = n[2 * hidden + i]
      errors[i] = total[i] * (new - old[i]) * z[i] * (1 - z[i])
      errors[2 * hidden + i] = total[i] * z[i] * (1 - new * new)
      previous[i] = total[i] * (1 - z[i])
    }
    let candidateErrors = normalizedBackward(
      Array(errors[(2 * hidden)...]), direction: direction, row: row, gate: 2, parameters, trace,
      &gradient)
    errors.replaceSubrange((2 * hidden)..., with: candidateErrors)
    var resetErrors = [Double](repeating: 0, count: hidden)
    if shape.cell == .gruResetBefore {
      let kept = zip(r, old).map { $0 * $1 }
      var keptErrors = [Double](repeating: 0, count: hidden)
      addOuter(candidateErrors, kept, at: 0, columns: hidden, to: &gradient, at: candidateWeight)
      addTransposed(
        parameters, at: candidateWeight, columns: hidden, candidateErrors, to: &keptErrors, at: 0)
      for i in 0..<hidden {
        resetErrors[i] = keptErrors[i] * old[i]
        previous[i] += keptErrors[i] * r[i]
      }
    } else {
      let bias = table["\(shape.prefix(ofDirection: direction)).recurrent.bias"].offset
      let gated = zip(candidateErrors, r).map { $0 * $1 }
      addOuter(gated, old, at: 0, columns: hidden, to: &gradient, at: candidateWeight)
      addTransposed(
        parameters, at: candidateWeight, columns: hidden, gated, to: &previous, at: 0)
      for i in 0..<hidden {
        gradient[bias + i] += gated[i]
        resetErrors[i] =
          candidateErrors[i] * trace.recurrentCandidates[direction][row * hidden + i]
      }
    }
    for i in 0..<hidden { errors[hidden + i] = resetErrors[i] * r[i] * (1 - r[i]) }
    let gateErrors = (0..<2).flatMap { gate in
      normalizedBackward(
        Array(errors[gate * hidden..<(gate + 1) * hidden]), direction: direction, row: row,
        gate: gate,
        parameters, trace, &gradient)
    }
    errors.replaceSubrange(..<(2 * hidden), with: gateErrors)
    addOuter(gateErrors, old, at: 0, columns: hidden, to: &gradient, at: weight)
    addTransposed(parameters, at: weight, columns: hidden, gateErrors, to: &previous, at: 0)
    return errors
  }

  /// M += a xᵀ, M with `a.count` rows.
  func addOuter(
    _ a: [Double], _ x: [Double], at start: Int, columns: Int, to matrix: inout [Double],
    at offset: Int
  ) {
    for i in a.indices {
      for j in 0..<columns { matrix[offset + i * columns + j] += a[i] * x[start + j] }
    }
  }

  /// y += Mᵀ a, M with `a.count` rows.
  func addTransposed(
    _ matrix: [Double], at offset: Int, columns: Int, _ a: [Double], to y: inout [Double],
    at start: Int
  ) {
    for i in a.indices {
      for j in 0..<columns { y[start + j] += matrix[offset + i * columns + j] * a[i] }
    }
  }
}
