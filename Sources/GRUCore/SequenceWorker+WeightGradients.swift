import Cells
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
      to: buffer(layout.packedTop))
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
      packed: buffer(layout.packedTop), columns: layout.feature, width: shape.featureSize,
      offset: weight.offset + first * shape.featureSize)
    gradient(
      left: shardRows(left, stride, steps: outputSteps), outputs: count,
      operand, nil, bias: bias.offset + first, partialSums: partialSums)
  }

  /// The rows that one of the cell's stages completes of d input.weight, d recurrent.weight and
  /// of the biases of one direction of a layer, after its backward pass.
  ///
  /// The gradient of each gate's sum multiplies the layer's input and what its recurrent weight
  /// multiplied.
  func weightGradients(
    direction: Int, stage: Int, partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    if stage == 0 {
      packedSource = nil
      if layout.reusesActivations {
        if let source = blocks.all[0].source { packStates(source, direction: direction) }
        carryState(direction: direction)
      }
      // Both directions of a layer read the same.
      if !shape.isReversed(direction) { packInput(ofLayer: shape.layer(ofDirection: direction)) }
    }
    for index in blocks.firsts[stage]..<blocks.firsts[stage + 1] {
      let block = blocks.all[index]
      if let source = block.source { packStates(source, direction: direction) }
      // Padding between gates has no rows.
      if layout.hidden == shape.hiddenSize {
        blockGradient(block, block.gates, direction: direction, partialSums: partialSums)
      } else {
        for gate in block.gates {
          blockGradient(block, gate..<gate + 1, direction: direction, partialSums: partialSums)
        }
      }
    }
  }

  /// Packs what recurrent weights multiplied, unless it is what was packed last.
  private func packStates(_ source: RecurrentProduct.Source, direction: Int) {
    if packedSource == source { return }
    precondition(
      source == .inner || direction < firstCarried, "the states of \(direction) are gone")
    packedSource = source
    let layer = shape.layer(ofDirection: direction)
    let rows = source == .inner ? recomputedInner(direction) : statesBefore(direction, 0)
    packColumns(
      shardRows(rows, layout.hiddenStride), columns: layout.hidden,
      to: buffer(layout.packedStates[layer]))
  }

  /// Where the backward pass of a direction has left what its recurrent weights multiplied.
  private func recomputedInner(_ direction: Int) -> UnsafeMutablePointer<Float> {
    shape.isBidirectional
      ? buffer(layout.directionUppers[shape.indexInLayer(ofDirection: direction)])
      : gradientBuffers(layer: direction).upper
  }

  private func packInput(ofLayer layer: Int) {
    let input =
      layer == 0
      ? UnsafePointer(buffer(layout.embedded)) : input(ofUpperLayer: layer, count: window)
    packColumns(
      shardRows(input, layer == 0 ? layout.embeddingStride : layout.featureStride),
      columns: inputColumns(layer: layer), to: buffer(layout.packedInputs[layer]))
  }

  /// The rows of some gates of a block.
  private func blockGradient(
    _ block: WeightStage.Block, _ gates: Range<Int>, direction: Int,
    partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    let tensors = table.tensors(ofDirection: direction)
    let hidden = shape.hiddenSize
    let layer = shape.layer(ofDirection: direction)
    let inputSize = shape.inputSize(ofLayer: layer)
    let row = gates.lowerBound * hidden
    let ofInput = GradientOperand(
      packed: buffer(layout.packedInputs[layer]), columns: inputColumns(layer: layer),
      width: inputSize,
      offset: tensors.inputWeight + row * inputSize)
    let ofState =
      block.source == nil
      ? nil
      : GradientOperand(
        packed: buffer(layout.packedStates[layer]), columns: layout.hidden, width: hidden,
        offset: required(tensors.recurrentWeight) + row * hidden)
    guard let first = block.hasInput ? ofInput : ofState else {
      preconditionFailure("weights of neither input nor state")
    }
    let left: ShardRows
    let bias: Int
    switch block.sum {
    case .gates:
      left = shardRows(
        directions[direction].gates + gates.lowerBound * layout.hidden, layout.gatesStride)
      bias = tensors.bias + row
    case .inner:
      left = shardRows(directions[direction].inner, layout.hiddenStride)
      bias = required(tensors.recurrentBias)
    }
    gradient(
      left: left, outputs: gates.count * hidden, first, block.hasInput ? ofState : nil,
      bias: bias, partialSums: partialSums)
  }

  /// The place of a tensor that the cell's description says there is.
  private func required(_ place: Int?) -> Int {
    guard let place else { preconditionFailure("a tensor that the model does not have") }
    return place
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
    let block = progress == nil ? outputs : kernels.weightGradientRows * crew.memberCount
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
        folds: folds, partialSumCount: partialSumCount, partialSums: partialSums,
        offset0: first.offset + outputs.lowerBound * first.width, width0: first.width,
        offset1: other.offset + outputs.lowerBound * other.width, width1: other.width,
        biasOffset: bias + outputs.lowerBound,
        scratch: buffer(layout.scratch), stackDepth: layout.stackDepth))
  }
}
