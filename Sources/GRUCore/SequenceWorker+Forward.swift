import Cells
import Kernels

extension SequenceWorker {
  /// Rows of one chunk of the input products: enough to use a panel often, few enough to stay in
  /// the second-level cache.
  private static var chunkRows: Int { 192 }

  /// All layers over the window, bottom first; leaves gates and states for the backward pass.
  func forward(parameters: UnsafePointer<Float>, weights: PackedWeights) {
    for layer in 0..<shape.layerCount {
      forward(layer: layer, parameters: parameters, weights: weights)
    }
  }

  /// One layer of the forward pass of a training step, after the one below. Reads the parameters of
  /// no other layer, but the embedding's for layer 0.
  package func trainForward(
    layer: Int, parameters: UnsafePointer<Float>, weights: PackedWeights
  ) {
    isTraining = true
    forward(layer: layer, parameters: parameters, weights: weights)
  }

  private func forward(
    layer: Int, parameters: UnsafePointer<Float>, weights: PackedWeights
  ) {
    if layer == 0 {
      firstCarried = shape.layerDirectionCount
      embedInputs(parameters: parameters)
    }
    for direction in shape.directions(ofLayer: layer) {
      forward(direction: direction, parameters: parameters, weights: weights)
    }
    if shape.isBidirectional { joinFeatures(layer: layer) }
  }

  /// One direction of a layer, in its own order of time.
  private func forward(
    direction: Int, parameters: UnsafePointer<Float>, weights: PackedWeights
  ) {
    let layer = shape.layer(ofDirection: direction)
    let isReversed = shape.isReversed(direction)
    if layer == 0 { tabulateTokens(direction: direction, parameters: parameters, weights: weights) }
    firstKeptStep = 0
    if startsAfresh || isReversed { takeInitialState(direction: direction, weights: weights) }
    let batch = sequences.count
    let steps = max(1, Self.chunkRows / max(1, batch))
    let inputStride = layer == 0 ? layout.embeddingStride : layout.featureStride
    var done = 0
    while done < window {
      let count = min(steps, window - done)
      let first = isReversed ? window - done - count : done
      // Nobody reads the gates of an evaluation again: their memory stays in cache.
      if !isTraining { firstKeptStep = first }
      let gates =
        directions[direction].gates + (first - firstKeptStep) * batch * layout.gatesStride
      if layer == 0, let tokenTable = layout.tokenTable {
        lookUp(buffer(tokenTable), tokens: inputs + first * batch, count: count * batch, gates)
      } else {
        let input =
          layer == 0
          ? UnsafePointer(buffer(layout.embedded) + first * batch * inputStride)
          : self.input(
            ofUpperLayer: layer, firstTime: first, count: count, isDropped: isReversed)
        inputProduct(
          direction: direction, weights: weights, input: input, inputStride: inputStride,
          rows: count * batch, into: gates)
      }
      for index in 0..<count {
        let t = isReversed ? first + count - 1 - index : first + index
        if hasBoundaries(direction) { startSequences(direction: direction, t: t, weights: weights) }
        forwardStep(direction: direction, t: t, weights: weights)
        callProgress()
      }
      done += count
    }
    if hasBoundaries(direction) { restoreStates(direction: direction) }
  }

  /// Looks the embeddings up.
  private func embedInputs(parameters: UnsafePointer<Float>) {
    timer.enter(.embedding, bytes: 8 * inputCount * layout.embedding)
    if shape.task.readsTokens { embed(parameters + table.embeddingWeight.offset) }
    if shape.task.input == .both { joinValues() }
    slots.index()
  }

  /// Makes the table of layer 0's input products where there is one.
  private func tabulateTokens(
    direction: Int, parameters: UnsafePointer<Float>, weights: PackedWeights
  ) {
    guard let tokenTable = layout.tokenTable else { return }
    // The products of equal tokens are equal to the bit: one row of the table for each.
    inputProduct(
      direction: direction, weights: weights, input: parameters + table.embeddingWeight.offset,
      inputStride: shape.embeddingSize, rows: shape.inputVocabularySize,
      into: buffer(tokenTable))
  }

  /// Looks up the embedding rows of every step's tokens.
  private func embed(_ embedding: UnsafePointer<Float>) {
    let rows = window * sequences.count
    let size = shape.embeddingSize
    var destination = buffer(layout.embedded)
    let perRow = shape.task.tokensPerStep
    for row in 0..<rows {
      for place in 0..<perRow {
        let token = Int(inputs[row * perRow + place])
        precondition(token >= 0, "token \(token) < 0")
        precondition(
          token < shape.inputVocabularySize, "token \(token) of \(shape.inputVocabularySize)")
        (destination + place * size).update(from: embedding + token * size, count: size)
      }
      destination += layout.embeddingStride
    }
    scaleTokens(buffer(layout.embedded))
    if dropsElements {
      let embedded = buffer(layout.embedded)
      drop(
        layer: 0, count: window, columns: shape.firstValue, embedded, into: embedded,
        stride: layout.embeddingStride)
    }
  }

  /// Puts the real inputs after the embeddings, of which by now some were dropped.
  private func joinValues() {
    let size = shape.valueSize
    var source = buffer(layout.values)
    var destination = buffer(layout.embedded) + shape.firstValue
    for _ in 0..<inputCount {
      destination.update(from: source, count: size)
      source += layout.valueStride
      destination += layout.embeddingStride
    }
  }

  /// gates = b + W x for `rows` rows.
  private func inputProduct(
    direction: Int, weights: PackedWeights, input: UnsafePointer<Float>, inputStride: Int,
    rows: Int, into gates: UnsafeMutablePointer<Float>
  ) {
    let packed = weights.directions[direction]
    product(
      .inputProducts,
      ProductArguments(
        rows: rows, columns: packed.inputForward.columns, segments: 1,
        segmentLength: shape.inputSize(ofLayer: shape.layer(ofDirection: direction)),
        segmentStride: 0,
        a: input, aStride: inputStride, b: weights.pointer(packed.inputForward),
        start: weights.pointer(at: packed.bias), startStride: 0,
        c: gates, cStride: layout.gatesStride, groups: gateCount))
  }

  /// Copies the table's row of every token to the gates of layer 0.
  private func lookUp(
    _ table: UnsafePointer<Float>, tokens: UnsafePointer<Int32>, count: Int,
    _ gates: UnsafeMutablePointer<Float>
  ) {
    let columns = gateCount * layout.hidden
    timer.enter(.inputProducts, bytes: 8 * count * columns)
    kernels.copyRows(
      tokens, count: count, of: table, columns: columns, groups: gateCount,
      stride: layout.gatesStride, to: gates)
  }

  /// One time step of one direction of a layer, for all its sequences.
  private func forwardStep(direction: Int, t: Int, weights: PackedWeights) {
    let arguments = stepArguments(direction: direction, t: t, upper: buffer(layout.upper))
    for index in 0..<steps.forwardCount {
      switch steps.forward[index] {
      case .product(let product):
        recurrentProduct(product, direction: direction, arguments, weights)
      case .elementwise(let function): gates(function, arguments)
      case .normalize(let gates): normalize(gates, direction: direction, t: t, weights: weights)
      case .endUnlessPassedOn: break
      }
    }
  }

  /// An elementwise function of a time step.
  @inline(__always) func gates(
    _ function: GateFunction, _ arguments: GateArguments
  ) {
    timer.enter(
      .gates,
      bytes: 4 * (function.operands.reads + function.operands.writes) * arguments.rows
        * arguments.columns)
    kernels.gates(function, arguments)
  }

  /// Adds some gates' recurrent part to their sums, or leaves it in the inner buffer.
  private func recurrentProduct(
    _ index: Int, direction: Int, _ arguments: GateArguments, _ weights: PackedWeights
  ) {
    let product = steps.products[index]
    let operand = weights.product(index, ofDirection: direction).forward
    let rows = product.source == .inner ? UnsafePointer(arguments.inner) : arguments.previous
    let sums = arguments.gates + product.gates.lowerBound * layout.hidden
    let isOfGates = product.sum == .gates
    // The inner buffer takes one gate's sum, whose recurrent bias is the only one.
    let bias = weights.pointer(at: weights.directions[direction].recurrentBias)
    self.product(
      .recurrentProducts,
      ProductArguments(
        rows: sequences.count, columns: operand.columns, segments: 1,
        segmentLength: shape.hiddenSize, segmentStride: 0, a: rows, aStride: layout.hiddenStride,
        b: weights.pointer(operand), start: isOfGates ? UnsafePointer(sums) : bias,
        startStride: isOfGates ? layout.gatesStride : 0, c: isOfGates ? sums : arguments.inner,
        cStride: isOfGates ? layout.gatesStride : layout.hiddenStride,
        groups: product.gates.count))
  }

  /// The pointers of one time step; `upper` holds gradients from above, [T, B, H].
  func stepArguments(
    direction: Int, t: Int, upper: UnsafePointer<Float>
  ) -> GateArguments {
    let batch = sequences.count
    let buffers = directions[direction]
    let row = t * batch * layout.hiddenStride
    let keptRow = (t - firstKeptStep) * batch
    let stateCount = batch * layout.hiddenStride
    let isReversed = shape.isReversed(direction)
    return GateArguments(
      rows: batch, columns: layout.hidden,
      gates: buffers.gates + keptRow * layout.gatesStride, gatesStride: layout.gatesStride,
      previous: buffers.states + row + (isReversed ? stateCount : 0),
      stateStride: layout.hiddenStride,
      next: buffers.states + row + (isReversed ? 0 : stateCount),
      inner: !hasInner
        ? buffers.states
        : buffers.inner + (recomputesInner ? 0 : keptRow * layout.hiddenStride),
      upper: upper + row, carry: buffer(layout.carry),
      innerGradient: buffer(layout.innerGradient),
      stateVectorStride: layout.stateVectorStride, carryVectorStride: layout.carryVectorStride)
  }
}
