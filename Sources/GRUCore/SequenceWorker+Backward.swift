import Cells
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
    buffer(layout.carry).update(repeating: 0, count: vectorCount * layout.carryVectorStride)
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
    // Nothing learns from the gradient of real-valued inputs, or below what is trained.
    if layer <= reach.floor || passesDownLast(layer) { return }
    inputGradient(direction: direction, weights: weights, lower: lower)
  }

  /// The gradient of a layer's input, after those of its weights.
  func passDown(
    direction: Int, weights: PackedWeights, _ lower: UnsafeMutablePointer<Float>
  ) {
    let layer = shape.layer(ofDirection: direction)
    if layer <= reach.floor { return }
    inputGradient(direction: direction, weights: weights, lower: lower)
    dropGradient(layer: layer, lower)
  }

  private func backwardStep(
    direction: Int, t: Int, weights: PackedWeights, upper: UnsafePointer<Float>
  ) {
    var arguments = stepArguments(direction: direction, t: t, upper: upper)
    // What is computed again takes the place of gradients from above, which no later step reads.
    if recomputesInner { arguments.inner = UnsafeMutablePointer(mutating: arguments.upper) }
    for index in 0..<steps.backwardCount {
      switch steps.backward[index] {
      case .product(let product):
        backwardProduct(product, direction: direction, arguments, weights)
      case .elementwise(let function): gates(function, arguments)
      case .normalize(let gates):
        normalizeBackward(gates, direction: direction, t: t, weights: weights)
      case .endUnlessPassedOn:
        // A carried state is detached: nothing to carry beyond the first step.
        if !passesOn(direction, t) { return }
      }
    }
  }

  /// Takes the gradient of some gates' recurrent part to what they multiplied: with A of several
  /// gates, each H of every Hp columns, c = A · U, added to c or not.
  private func backwardProduct(
    _ index: Int, direction: Int, _ arguments: GateArguments, _ weights: PackedWeights
  ) {
    let product = steps.products[index]
    let operand = weights.product(index, ofDirection: direction).backward
    let isDense = layout.hidden == shape.hiddenSize
    let gates = product.gates.count
    let isOfGates = product.sum == .gates
    let a =
      isOfGates ? arguments.gates + product.gates.lowerBound * layout.hidden : arguments.inner
    let c = product.source == .inner ? arguments.innerGradient : arguments.carry
    self.product(
      .recurrentProducts,
      ProductArguments(
        rows: sequences.count, columns: layout.hidden, segments: isDense ? 1 : gates,
        segmentLength: isDense ? gates * shape.hiddenSize : shape.hiddenSize,
        segmentStride: layout.hidden, a: a,
        aStride: isOfGates ? layout.gatesStride : layout.hiddenStride,
        b: weights.pointer(operand), start: product.addsToGradient ? UnsafePointer(c) : nil,
        startStride: layout.hiddenStride, c: c, cStride: layout.hiddenStride))
  }

  /// The gradient of the layer's input, dA · W, in chunks of rows that stay in cache.
  private func inputGradient(
    direction: Int, weights: PackedWeights, lower: UnsafeMutablePointer<Float>
  ) {
    let operand = weights.directions[direction].inputBackward
    let isFirst = !shape.isReversed(direction)
    let lowerStride =
      shape.layer(ofDirection: direction) == 0 ? layout.embeddingStride : layout.featureStride
    let gates = gateCount
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

  /// The gradient of the embedding, once layer 0 has left that of its input.
  func embeddingGradients(partialSums: UnsafePointer<UnsafeMutablePointer<Float>>) {
    let lookups = gradientBuffers(layer: 0).lower
    if shape.tiesWeights { return tiedGradient(lookups: lookups, partialSums: partialSums) }
    timer.enter(
      .embedding,
      bytes: 4 * (inputCount * layout.embedding + table.embeddingWeight.count * partialSumCount))
    embeddingGradient.accumulate(
      inputs: inputs, gradients: lookups, stride: layout.embeddingStride,
      size: shape.embeddingSize, window: window, sequences: sequences.count,
      sequencesPerShard: sequencesPerShard, folds: folds,
      stack: buffer(layout.embeddingStack), stackStride: layout.embedding, kernels: kernels,
      partialSums: partialSums, partialSumCount: partialSumCount,
      offset: table.embeddingWeight.offset)
  }
}
