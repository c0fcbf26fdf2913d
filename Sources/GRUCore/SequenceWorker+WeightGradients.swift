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
      shardRows(outputInput, layout.featureStride, steps: outputSteps), columns: layout.feature,
      to: buffer(layout.packedState))
  }

  /// Rows [first, first + count) of d output.weight = Σ dlogits ⊗ h and of d output.bias = Σ
  /// dlogits. `left` holds the dlogits of these rows as columns.
  func outputWeightGradient(
    first: Int, count: Int, left: UnsafePointer<Float>, stride: Int,
    partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    keepLookedUp(first: first, count: count, errors: left, stride: stride)
    let weight = table.outputWeight
    let bias = table.outputBias
    let operand = GradientOperand(
      packed: buffer(layout.packedState), columns: layout.feature, width: shape.featureSize,
      offset: weight.offset + first * shape.featureSize)
    gradient(
      left: shardRows(left, stride, steps: outputSteps), outputs: count,
      operand, nil, bias: bias.offset + first, partialSums: partialSums)
  }

  /// The rows of z and r of d input.weight, d recurrent.weight and of the biases of one direction
  /// of a layer, after its backward pass; of an RNN, all rows.
  ///
  /// Each gate's dA multiplies the layer's input and what its recurrent weight multiplied: h of the
  /// step before, or r ⊙ h for the candidate of reset-before.
  func gateWeightGradients(direction: Int, partialSums: UnsafePointer<UnsafeMutablePointer<Float>>)
  {
    // Both directions of a layer read the same.
    if !shape.isReversed(direction) { packInput(ofLayer: shape.layer(ofDirection: direction)) }
    packColumns(
      shardRows(statesBefore(direction, 0), layout.hiddenStride), columns: layout.hidden,
      to: buffer(layout.packedState))
    if shape.cell == .rnn {
      gateGradient(
        direction: direction, first: 0, count: 1, withState: true, partialSums: partialSums)
    } else if layout.hidden == shape.hiddenSize {
      gateGradient(
        direction: direction, first: 0, count: 2, withState: true, partialSums: partialSums)
    } else {
      gateGradient(
        direction: direction, first: 0, count: 1, withState: true, partialSums: partialSums)
      gateGradient(
        direction: direction, first: 1, count: 1, withState: true, partialSums: partialSums)
    }
  }

  private func packInput(ofLayer layer: Int) {
    let input =
      layer == 0
      ? UnsafePointer(buffer(layout.embedded)) : input(ofUpperLayer: layer, count: window)
    packColumns(
      shardRows(input, layer == 0 ? layout.embeddingStride : layout.featureStride),
      columns: inputColumns(layer: layer), to: buffer(layout.packedInput))
  }

  /// The rows of the candidate, after those of the gates.
  func candidateWeightGradients(
    direction: Int, partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    let hidden = shape.hiddenSize
    if shape.cell == .gruResetBefore {
      packColumns(
        shardRows(directions[direction].inner, layout.hiddenStride), columns: layout.hidden,
        to: buffer(layout.packedState))
      gateGradient(
        direction: direction, first: 2, count: 1, withState: true, partialSums: partialSums)
    }
    if shape.cell == .gruResetAfter {
      gateGradient(
        direction: direction, first: 2, count: 1, withState: false, partialSums: partialSums)
      let index = table.firstIndex(ofDirection: direction)
      let ofState = GradientOperand(
        packed: buffer(layout.packedState), columns: layout.hidden, width: hidden,
        offset: table.parameters[index + 1].offset + 2 * hidden * hidden)
      gradient(
        left: shardRows(directions[direction].inner, layout.hiddenStride), outputs: hidden, ofState,
        nil,
        bias: table.parameters[index + 3].offset, partialSums: partialSums)
    }
  }

  /// The rows of `count` gates from gate `first` on.
  private func gateGradient(
    direction: Int, first: Int, count: Int, withState: Bool,
    partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    let hidden = shape.hiddenSize
    let layer = shape.layer(ofDirection: direction)
    let inputSize = shape.inputSize(ofLayer: layer)
    let index = table.firstIndex(ofDirection: direction)
    let rows = first * hidden
    let ofInput = GradientOperand(
      packed: buffer(layout.packedInput), columns: inputColumns(layer: layer), width: inputSize,
      offset: table.parameters[index].offset + rows * inputSize)
    let ofState = GradientOperand(
      packed: buffer(layout.packedState), columns: layout.hidden, width: hidden,
      offset: table.parameters[index + 1].offset + rows * hidden)
    gradient(
      left: shardRows(directions[direction].gates + first * layout.hidden, layout.gatesStride),
      outputs: count * hidden, ofInput, withState ? ofState : nil,
      bias: table.parameters[index + 2].offset + rows, partialSums: partialSums)
  }

  private func inputColumns(layer: Int) -> Int { layer == 0 ? layout.embedding : layout.feature }

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

  /// In blocks of rows, as the kernel goes through them anyway, where others wait for their turn in
  /// between.
  private func gradient(
    left: ShardRows, outputs: Int, _ first: GradientOperand, _ second: GradientOperand?, bias: Int,
    partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    let block = progress == nil ? outputs : kernels.weightGradientRows
    var row = 0
    while row < outputs {
      let count = min(block, outputs - row)
      gradientBlock(
        left, rows: row..<row + count, first, second, bias: bias, partialSums: partialSums)
      callProgress()
      row += count
    }
  }

  private func gradientBlock(
    _ rows: ShardRows, rows outputs: Range<Int>, _ first: GradientOperand,
    _ second: GradientOperand?, bias: Int, partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    let other = second ?? first
    var left = rows
    left.base += outputs.lowerBound
    timer.enter(
      .weightGradients,
      operations: 2 * outputs.count * inputCount * (first.columns + (second?.columns ?? 0)))
    kernels.weightGradient(
      WeightGradientArguments(
        left: left, outputs: outputs.count, operands: second == nil ? 1 : 2,
        right0: first.packed, columns0: first.columns,
        right1: other.packed, columns1: other.columns,
        folds: folds, nodeCount: partialSumCount, nodes: partialSums,
        offset0: first.offset + outputs.lowerBound * first.width, width0: first.width,
        offset1: other.offset + outputs.lowerBound * other.width, width1: other.width,
        biasOffset: bias + outputs.lowerBound,
        scratch: buffer(layout.scratch), stackDepth: layout.stackDepth))
  }
}
