import Cells
import GRUCore

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
    if !shape.task.readsTokens { return gradient }
    let embedding = table["embedding.weight"].offset
    let size = shape.embeddingSize
    let rowSize = shape.inputSize(ofLayer: 0)
    let perRow = shape.task.tokensPerStep
    for (index, token) in window.inputs.enumerated() {
      let factor = tokenFactor(Int(token), window)
      let first = index / perRow * rowSize + index % perRow * size
      for i in 0..<size {
        gradient[embedding + Int(token) * size + i] += above[first + i] * factor
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
    if shape.task.readout != .every || shape.task.loss != .softmax {
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
      let errors = softmaxErrors(
        trainedScores(scores(trace.logits, row: row), target: Int(target), window),
        target: Int(target))
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
    let tensors = table.tensors(ofDirection: direction)
    let vectors = shape.cell.stateVectors.count
    var below = [Double](repeating: 0, count: window.steps * window.sequences * inputSize)
    // By sequence, [B, S, H].
    var carried = [[[Double]]](
      repeating: [[Double]](repeating: [Double](repeating: 0, count: hidden), count: vectors),
      count: window.sequences)
    for t in (0..<window.steps).reversed() {
      for b in 0..<window.sequences {
        let place = t * window.sequences + b
        var total = carried[b]
        for i in 0..<hidden { total[0][i] += above[place * hidden + i] }
        var row = trace.rows[direction][place]
        carried[b] = shape.cell.reference.backward(&row, total: total, &gradient)
        if isStart(place, window) {
          for (vector, slopes) in carried[b].enumerated() {
            guard let start = tensors.initialState(ofVector: vector) else { break }
            for i in 0..<hidden { gradient[start + i] += slopes[i] }
          }
          carried[b] = carried[b].map { $0.map { _ in 0 } }
        }
        addOuter(
          row.gates, input, at: place * inputSize, columns: inputSize, to: &gradient,
          at: tensors.inputWeight)
        for i in row.gates.indices { gradient[tensors.bias + i] += row.gates[i] }
        addTransposed(
          parameters, at: tensors.inputWeight, columns: inputSize, row.gates, to: &below,
          at: place * inputSize)
      }
    }
    return below
  }
}
