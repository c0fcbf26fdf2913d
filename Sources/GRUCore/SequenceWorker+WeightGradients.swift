import Kernels

/// One right operand of a weight gradient and where its result goes.
private struct GradientOperand {
  var packed: UnsafePointer<Float>
  /// Padded columns of the operand, and the real ones (the row length of the gradient).
  var columns: Int
  var width: Int
  /// Offset of the gradient's first row within an arena.
  var offset: Int
}

extension SequenceWorker {
  /// Packs what the output layer read as the right operand of d output.weight.
  func packTopStates() {
    packColumns(
      shardRows(outputInput, layout.hiddenStride, steps: outputSteps), columns: layout.hidden,
      to: buffer(layout.packedState))
  }

  /// Rows [first, first + count) of d output.weight = Σ dlogits ⊗ h and of d output.bias = Σ dlogits.
  /// `left` holds the dlogits of these rows as columns.
  func outputWeightGradient(
    first: Int, count: Int, left: UnsafePointer<Float>, stride: Int,
    nodes: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    keepLookedUp(first: first, count: count, errors: left, stride: stride)
    let weight = table.outputWeight
    let bias = table.outputBias
    let operand = GradientOperand(
      packed: buffer(layout.packedState), columns: layout.hidden, width: shape.hiddenSize,
      offset: weight.offset + first * shape.hiddenSize)
    gradient(
      left: shardRows(left, stride, steps: outputSteps), outputs: count,
      operand, nil, bias: bias.offset + first, nodes: nodes)
  }

  /// d input.weight, d recurrent.weight and the biases of one layer, after its backward pass.
  ///
  /// Each gate's dA multiplies the layer's input and what its recurrent weight multiplied: h of the
  /// step before, or r ⊙ h for the candidate of reset-before.
  func weightGradients(layer: Int, nodes: UnsafePointer<UnsafeMutablePointer<Float>>) {
    let hidden = shape.hiddenSize
    let inputSize = shape.inputSize(ofLayer: layer)
    let inputColumns = layer == 0 ? layout.embedding : layout.hidden
    let input =
      layer == 0
      ? UnsafePointer(buffer(layout.embedded)) : input(ofUpperLayer: layer, count: window)
    let inputStride = layer == 0 ? layout.embeddingStride : layout.hiddenStride
    let packedInput = buffer(layout.packedInput)
    let packedState = buffer(layout.packedState)
    packColumns(shardRows(input, inputStride), columns: inputColumns, to: packedInput)
    packColumns(
      shardRows(layers[layer].states, layout.hiddenStride), columns: layout.hidden,
      to: packedState)
    // The order of tensors within a layer is that of ParameterTable.
    let perLayer = shape.cell == .gruResetAfter ? 4 : 3
    let index = (shape.task.input == .tokens ? 1 : 0) + layer * perLayer
    let inputWeight = table.parameters[index].offset
    let recurrentWeight = table.parameters[index + 1].offset
    let bias = table.parameters[index + 2].offset
    let gates = layers[layer].gates

    func gateGradient(first: Int, count: Int, withState: Bool) {
      let rows = first * hidden
      let ofInput = GradientOperand(
        packed: packedInput, columns: inputColumns, width: inputSize,
        offset: inputWeight + rows * inputSize)
      let ofState = GradientOperand(
        packed: packedState, columns: layout.hidden, width: hidden,
        offset: recurrentWeight + rows * hidden)
      gradient(
        left: shardRows(gates + first * layout.hidden, layout.gatesStride),
        outputs: count * hidden, ofInput, withState ? ofState : nil, bias: bias + rows,
        nodes: nodes)
    }

    switch shape.cell {
    case .rnn:
      gateGradient(first: 0, count: 1, withState: true)
    case .gruResetBefore, .gruResetAfter:
      if layout.hidden == hidden {
        gateGradient(first: 0, count: 2, withState: true)
      } else {
        gateGradient(first: 0, count: 1, withState: true)
        gateGradient(first: 1, count: 1, withState: true)
      }
    }
    if shape.cell == .gruResetBefore {
      packColumns(
        shardRows(layers[layer].inner, layout.hiddenStride), columns: layout.hidden,
        to: packedState)
      gateGradient(first: 2, count: 1, withState: true)
    }
    if shape.cell == .gruResetAfter {
      gateGradient(first: 2, count: 1, withState: false)
      let ofState = GradientOperand(
        packed: packedState, columns: layout.hidden, width: hidden,
        offset: recurrentWeight + 2 * hidden * hidden)
      gradient(
        left: shardRows(layers[layer].inner, layout.hiddenStride), outputs: hidden, ofState, nil,
        bias: table.parameters[index + 3].offset, nodes: nodes)
    }
  }

  /// Packs the right operand of a weight gradient.
  func packColumns(
    _ rows: ShardRows, columns: Int, to destination: UnsafeMutablePointer<Float>
  ) {
    timer.enter(.operandPacking, bytes: 8 * inputCount * columns)
    kernels.packShardColumns(rows, columns: columns, to: destination)
  }

  func shardRows(
    _ base: UnsafePointer<Float>, _ stride: Int, steps: Int? = nil
  ) -> ShardRows {
    ShardRows(
      base: base, stride: stride, timeSteps: steps ?? window, sequences: sequences.count,
      sequencesPerShard: sequencesPerShard)
  }

  private func gradient(
    left: ShardRows, outputs: Int, _ first: GradientOperand, _ second: GradientOperand?, bias: Int,
    nodes: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    let other = second ?? first
    timer.enter(
      .weightGradients,
      operations: 2 * outputs * inputCount * (first.columns + (second?.columns ?? 0)))
    kernels.weightGradient(
      WeightGradientArguments(
        left: left, outputs: outputs, operands: second == nil ? 1 : 2,
        right0: first.packed, columns0: first.columns,
        right1: other.packed, columns1: other.columns,
        folds: folds, nodeCount: nodeCount, nodes: nodes,
        offset0: first.offset, width0: first.width,
        offset1: other.offset, width1: other.width, biasOffset: bias,
        scratch: buffer(layout.scratch), stackDepth: layout.stackDepth))
  }
}
