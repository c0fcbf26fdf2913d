import Cells
import Kernels

/// Deals out offsets of one arena to packed operands.
struct PackedLayoutBuilder {
  let shape: ModelShape
  let table: ParameterTable
  let kernels: Kernels
  let use: MemoryUse
  var size = 0
  /// Where weights have the place of gradients: the floats that they need before and from the first
  /// gradient on.
  private(set) var sizeBefore = 0
  private(set) var sizeAmong = 0
  /// Where gradients end that are still to come when a layer's next operand is read backward.
  private var backwardEnd = 0
  private var isOfLayer = false
  var operands: [PackedOperand] = []
  /// The first recurrent weight of the direction under way, in the arena and after dropping.
  private var firstRecurrent: Int?
  private var firstDropped = 0

  init(shape: ModelShape, table: ParameterTable, kernels: Kernels, use: MemoryUse) {
    self.use = use
    self.shape = shape
    self.table = table
    self.kernels = kernels
  }

  mutating func take(_ count: Int) -> Int {
    defer { size += (count + 15) & ~15 }
    return size
  }

  mutating func transposed(
    source: Int, groups: Int, groupColumns: Int, depth: Int
  ) -> PackedOperand {
    add(
      source: source, stride: depth, depth: depth, groups: groups, groupColumns: groupColumns,
      isTransposed: true)
  }

  mutating func rows(source: Int, depth: Int, columns: Int) -> PackedOperand {
    add(
      source: source, stride: columns, depth: depth, groups: 1, groupColumns: columns,
      isTransposed: false)
  }

  private mutating func add(
    source: Int, stride: Int, depth: Int, groups: Int, groupColumns: Int, isTransposed: Bool
  ) -> PackedOperand {
    let columns = groups * padded(groupColumns)
    // Source and destination are filled in at each repacking.
    let placeholder = UnsafeMutablePointer<Float>(bitPattern: 64).unsafelyUnwrapped
    let count = columns * kernels.packedDepth(depth)
    let isAmongGradients = isOfLayer && use == .inTurn
    let isLeftOut = isOfLayer && use == .forward && !isTransposed
    let operand = PackedOperand(
      offset: isAmongGradients
        ? takeAmongGradients(count, isForward: isTransposed) : take(isLeftOut ? 0 : count),
      isAmongGradients: isAmongGradients, columns: columns,
      pack: PackArguments(
        source: placeholder, sourceStride: stride, depth: depth, groups: groups,
        groupColumns: groupColumns, groupWidth: padded(groupColumns),
        panelWidth: kernels.panelWidth,
        destination: placeholder, firstPanel: 0, endPanel: 0),
      isTransposed: isTransposed, sourceOffset: source,
      droppedOffset: firstRecurrent.flatMap { first in
        source < first ? nil : firstDropped + source - first
      })
    if !isLeftOut { operands.append(operand) }
    return operand
  }

  /// Forward passes come before all gradients; a layer's backward pass comes after those above it.
  private mutating func takeAmongGradients(_ count: Int, isForward: Bool) -> Int {
    if isForward {
      defer { sizeAmong += count }
      return sizeAmong
    }
    backwardEnd -= count
    sizeBefore = max(sizeBefore, -backwardEnd)
    return backwardEnd
  }

  /// The output layer's operands, after those of all layers.
  mutating func output() -> PackedOutput {
    PackedOutput(
      head: scores(table.outputWeight, table.outputBias),
      tails: shape.tailClusters.indices.map { index in
        let tail = table.tail(index)
        let (source, size) = (tail.projection.offset, tail.projection.shape[0])
        return PackedOutput.Tail(
          projectionForward: transposed(
            source: source, groups: 1, groupColumns: size, depth: shape.featureSize),
          projectionBackward: rows(source: source, depth: size, columns: shape.featureSize),
          scores: scores(tail.weight, tail.bias))
      })
  }

  private mutating func scores(_ weight: Parameter, _ bias: Parameter) -> PackedScores {
    let count = bias.count
    let depth = weight.shape[1]
    return PackedScores(
      forward: transposed(source: weight.offset, groups: 1, groupColumns: count, depth: depth),
      backward: rows(source: weight.offset, depth: count, columns: depth),
      bias: take(padded(count)), biasSource: bias.offset, count: count)
  }

  /// The operands of one direction of a layer: its own, and those of the cell's products in order.
  mutating func direction(
    _ direction: Int
  ) -> (packed: PackedDirection, products: [PackedProduct]) {
    let hidden = shape.hiddenSize
    let inputs = shape.inputSize(ofLayer: shape.layer(ofDirection: direction))
    let cell = shape.cell
    let gates = cell.gateCount
    let tensors = table.tensors(ofDirection: direction)
    firstRecurrent = tensors.recurrentWeight
    firstDropped = direction * shape.recurrentStride
    isOfLayer = true
    defer { (firstRecurrent, isOfLayer) = (nil, false) }
    let inputForward = transposed(
      source: tensors.inputWeight, groups: gates, groupColumns: hidden, depth: inputs)
    backwardEnd = padded(tensors.end)
    let products = cell.products.map { product in
      guard let weight = tensors.recurrentWeight else {
        preconditionFailure("a product and no recurrent weights")
      }
      let source = weight + product.gates.lowerBound * hidden * hidden
      let count = product.gates.count
      return PackedProduct(
        forward: transposed(
          source: source, groups: count, groupColumns: hidden, depth: hidden),
        backward: rows(source: source, depth: count * hidden, columns: hidden))
    }
    // A layer above others passes its gradient down when those of its weights are there.
    if direction > 0 { backwardEnd = min(backwardEnd, tensors.inputWeight) }
    let inputBackward = rows(source: tensors.inputWeight, depth: gates * hidden, columns: inputs)
    let packed = PackedDirection(
      inputForward: inputForward, inputBackward: inputBackward,
      bias: take(gates * padded(hidden)),
      recurrentBias: take(cell.recurrentBiasGates.count * padded(hidden)),
      gain: take(shape.normalizesGates ? gates * padded(hidden) : 0),
      normBias: take(shape.normalizesGates ? gates * padded(hidden) : 0),
      initialStates: take(
        shape.learnsInitialState ? cell.stateVectors.count * padded(hidden) : 0),
      initialStateStride: padded(hidden))
    return (packed, products)
  }
}
