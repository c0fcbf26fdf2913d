import Cells
import GRUCore

extension ReferenceModel {
  /// Embedding, layers from the bottom, output layer.
  func forward(_ parameters: [Double], _ window: Window, _ state: [Double]) -> Trace {
    var trace = Trace()
    var input = dropped(embed(parameters, window), beforeLayer: 0, window)
    let stateCount = window.sequences * shape.hiddenSize
    for layer in 0..<shape.layerCount {
      let initial = shape.cell.stateVectors.indices.map { vector in
        let start = (vector * shape.layerCount + layer) * stateCount
        return Array(state[start..<start + stateCount])
      }
      let states = shape.directions(ofLayer: layer).map { direction in
        let isReversed = shape.isReversed(direction)
        forward(
          direction, parameters, isReversed ? mirrored(window) : window,
          input: isReversed ? mirrored(input, window) : input, initial: initial, &trace)
        let own = Array(trace.states[direction][0].dropFirst(stateCount))
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
    guard let step = window.trainingStep, shape.dropsRecurrentWeights else { return arena }
    var arena = arena
    let count = shape.cell.recurrentGateCount * shape.hiddenSize * shape.hiddenSize
    for direction in 0..<shape.layerDirectionCount {
      guard let start = table.tensors(ofDirection: direction).recurrentWeight else { continue }
      for weight in 0..<count {
        arena[start + weight] *= shape.regularization.recurrentFactor(
          step: UInt32(truncatingIfNeeded: step), direction: direction, weight: weight)
      }
    }
    return arena
  }

  /// What a layer, or with L the output layer, reads of values [T, B, I]. Gradients of one turn
  /// into those of the other in the same way.
  func dropped(_ values: [Double], beforeLayer layer: Int, _ window: Window) -> [Double] {
    guard let step = window.trainingStep, shape.regularization.dropout > 0 else { return values }
    if layer == 0, !shape.task.readsTokens { return values }
    // What stands beside an embedding is not dropped.
    let columns = layer == 0 ? shape.firstValue : shape.featureSize
    let rowSize = shape.inputSize(ofLayer: layer)
    return values.enumerated().map { index, value in
      let (row, column) = (index / rowSize, index % rowSize)
      if column >= columns { return value }
      return value
        * shape.regularization.factor(
          step: UInt32(truncatingIfNeeded: step), layer: layer, sequence: row % window.sequences,
          time: row / window.sequences, column: column, columns: columns)
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

  /// What the first layer reads, [T, B, I]: the embedding rows of the window's inputs, real values,
  /// or in each row one after the other.
  func embed(_ parameters: [Double], _ window: Window) -> [Double] {
    if !shape.task.readsTokens { return window.values }
    let offset = table["embedding.weight"].offset
    let size = shape.embeddingSize
    let valueSize = shape.valueSize
    var rows: [Double] = []
    let perRow = shape.task.tokensPerStep
    for row in 0..<window.inputs.count / perRow {
      for token in window.inputs[row * perRow..<(row + 1) * perRow] {
        let factor = tokenFactor(Int(token), window)
        let start = offset + Int(token) * size
        rows += parameters[start..<start + size].map { $0 * factor }
      }
      rows += window.values[row * valueSize..<(row + 1) * valueSize]
    }
    return rows
  }

  /// Runs one direction over the window and appends what it computed to `trace`.
  ///
  /// Shapes: `input` [T, B, I], `initial` [S, B, H].
  private func forward(
    _ direction: Int, _ parameters: [Double], _ window: Window, input: [Double],
    initial: [[Double]], _ trace: inout Trace
  ) {
    let hidden = shape.hiddenSize
    let inputSize = shape.inputSize(ofLayer: shape.layer(ofDirection: direction))
    let tensors = table.tensors(ofDirection: direction)
    let bias = tensors.bias..<tensors.bias + shape.cell.gateCount * hidden
    var states = initial
    var rows: [ReferenceRow] = []
    for place in 0..<window.steps * window.sequences {
      let previous =
        isStart(place, window)
        ? initialStates(ofDirection: direction, parameters)
        : states.map { Array($0[place * hidden..<(place + 1) * hidden]) }
      var sums = Array(parameters[bias])
      addProduct(
        parameters, at: tensors.inputWeight, columns: inputSize, input, at: place * inputSize,
        to: &sums)
      var row = ReferenceRow(
        hidden: hidden, gates: sums, previous: previous, parameters: parameters,
        places: tensors.referencePlaces)
      shape.cell.reference.forward(&row)
      for (vector, next) in row.next.enumerated() { states[vector] += next }
      rows.append(row)
    }
    trace.states.append(states)
    trace.rows.append(rows)
  }
}
