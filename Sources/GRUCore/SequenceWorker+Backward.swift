import Kernels

extension SequenceWorker {
  private static var chunkRows: Int { 96 }

  /// Back-propagation through time of one direction of a layer.
  ///
  /// Reads the gradient of its states [T, B, H] from `upper`, replaces its gates by the gradients
  /// of their pre-activations, and leaves the gradient of its input [T, B, I] in `lower`, added to
  /// what the directions before it left there.
  func backward(
    direction: Int, weights: PackedWeights, upper: UnsafeMutablePointer<Float>,
    lower: UnsafeMutablePointer<Float>
  ) {
    timer.enter(.gates)
    buffer(layout.carry).update(repeating: 0, count: sequences.count * layout.hiddenStride)
    let layer = shape.layer(ofDirection: direction)
    let isReversed = shape.isReversed(direction)
    if hasBoundaries(direction) { clearStates(direction: direction, weights: weights) }
    for index in 0..<window {
      let t = isReversed ? index : window - 1 - index
      if stateGradientSquares != nil, !isReversed {
        recordStateGradient(layer: layer, t: t, upper: upper)
      }
      backwardStep(direction: direction, t: t, weights: weights, upper: upper)
      if hasBoundaries(direction) { stopGradients(direction: direction, t: t) }
      callProgress()
    }
    addFirstGradients(direction: direction)
    // Nothing learns from the gradient of real-valued inputs.
    if layer == 0, shape.task.input == .values { return }
    inputGradient(direction: direction, weights: weights, lower: lower)
  }

  private func backwardStep(
    direction: Int, t: Int, weights: PackedWeights, upper: UnsafePointer<Float>
  ) {
    let packed = weights.directions[direction]
    let arguments = stepArguments(direction: direction, t: t, upper: upper)
    let carry = arguments.carry
    let candidate = arguments.gates + (shape.cell.gateCount - 1) * layout.hidden
    switch shape.cell {
    case .gruResetBefore:
      gates(.resetBeforeBackwardState, arguments)
      normalizeBackward(2..<3, direction: direction, t: t, weights: weights)
      backwardProduct(
        packed.candidateBackward, weights, a: candidate, stride: layout.gatesStride, segments: 1,
        start: nil, into: arguments.innerGradient)
      gates(.resetBeforeBackwardGates, arguments)
      normalizeBackward(0..<2, direction: direction, t: t, weights: weights)
      // A carried state is detached: nothing to carry beyond the first step.
      guard passesOn(direction, t), let gates = packed.gatesBackward else { return }
      backwardProduct(
        gates, weights, a: arguments.gates, stride: layout.gatesStride, segments: 2,
        start: UnsafePointer(carry), into: carry)
    case .gruResetAfter:
      if shape.normalizesGates {
        gates(.resetBeforeBackwardState, arguments)
        normalizeBackward(2..<3, direction: direction, t: t, weights: weights)
        gates(.resetAfterBackwardSum, arguments)
        normalizeBackward(0..<2, direction: direction, t: t, weights: weights)
      } else {
        gates(.resetAfterBackward, arguments)
      }
      guard passesOn(direction, t), let gates = packed.gatesBackward else { return }
      backwardProduct(
        gates, weights, a: arguments.gates, stride: layout.gatesStride, segments: 2,
        start: UnsafePointer(carry), into: carry)
      backwardProduct(
        packed.candidateBackward, weights, a: arguments.inner, stride: layout.hiddenStride,
        segments: 1, start: UnsafePointer(carry), into: carry)
    case .rnn:
      gates(.recurrentBackward, arguments)
      normalizeBackward(0..<1, direction: direction, t: t, weights: weights)
      guard passesOn(direction, t) else { return }
      backwardProduct(
        packed.candidateBackward, weights, a: arguments.gates, stride: layout.gatesStride,
        segments: 1, start: nil, into: carry)
    }
  }

  /// c = start + A · U with A of `segments` gates, each H of every Hp columns.
  private func backwardProduct(
    _ operand: PackedOperand, _ weights: PackedWeights, a: UnsafePointer<Float>, stride: Int,
    segments: Int, start: UnsafePointer<Float>?, into c: UnsafeMutablePointer<Float>
  ) {
    let isDense = layout.hidden == shape.hiddenSize
    product(
      .recurrentProducts,
      ProductArguments(
        rows: sequences.count, columns: layout.hidden, segments: isDense ? 1 : segments,
        segmentLength: isDense ? segments * shape.hiddenSize : shape.hiddenSize,
        segmentStride: layout.hidden, a: a, aStride: stride, b: weights.pointer(operand),
        start: start, startStride: layout.hiddenStride, c: c, cStride: layout.hiddenStride))
  }

  /// The gradient of the layer's input, dA · W, in chunks of rows that stay in cache.
  private func inputGradient(
    direction: Int, weights: PackedWeights, lower: UnsafeMutablePointer<Float>
  ) {
    let operand = weights.directions[direction].inputBackward
    let isFirst = !shape.isReversed(direction)
    let lowerStride =
      shape.layer(ofDirection: direction) == 0 ? layout.embeddingStride : layout.featureStride
    let gates = shape.cell.gateCount
    let isDense = layout.hidden == shape.hiddenSize
    let rows = window * sequences.count
    var first = 0
    while first < rows {
      let count = min(Self.chunkRows, rows - first)
      product(
        .inputProducts,
        ProductArguments(
          rows: count, columns: operand.columns, segments: isDense ? 1 : gates,
          segmentLength: isDense ? gates * shape.hiddenSize : shape.hiddenSize,
          segmentStride: layout.hidden,
          a: directions[direction].gates + first * layout.gatesStride, aStride: layout.gatesStride,
          b: weights.pointer(operand),
          start: isFirst ? nil : UnsafePointer(lower + first * lowerStride),
          startStride: lowerStride, c: lower + first * lowerStride, cStride: lowerStride))
      callProgress()
      first += count
    }
  }
}
