import Cells
package import Kernels

/// Floats of a row padded to whole virtual vectors.
func padded(_ columns: Int) -> Int { (columns + 15) & ~15 }

/// The row stride of an activation with `columns` padded columns. Rows at multiples of 512 bytes
/// would fall into few sets of the nearest cache, so those get one cache line more.
func rowStride(_ columns: Int) -> Int { columns % 128 == 0 ? columns + 16 : columns }

/// All weights of a model in the layout that products read: panels of the instruction set's width,
/// in both directions, made anew after every update. One per rank, read by all its threads.
///
/// With `MemoryUse.inTurn` those of layers are packed anew for every backward pass too, in an arena
/// in which the gradients then replace them.
package final class PackedWeights {
  let shape: ModelShape
  package let use: MemoryUse
  package let kernels: Kernels
  let directions: [PackedDirection]
  /// The recurrent products of all directions, those of a direction side by side.
  private let products: UnsafeMutablePointer<PackedProduct>
  private let productCount: Int
  let output: PackedOutput
  /// What a step of a sampled softmax has drawn; nil for a full one.
  let sampled: SampledOutputs?
  /// Where the tensors of directions lie in the parameter arena.
  private let tensors: [DirectionTensors]
  private let operands: [PackedOperand]
  /// The places of each layer's operands among all; the output layer's come last.
  private let firstOperands: [Int]
  private let arena: AlignedBuffer
  /// What gradients share with weights, and the first of them.
  private let shared: AlignedBuffer
  private let firstGradient: UnsafeMutablePointer<Float>
  /// The gaps between tensors, of the embedding, of each layer and of the output layer.
  private let gaps: [[Range<Int>]]
  /// The recurrent weights of all directions less the dropped ones; empty where none are.
  private let dropped: AlignedBuffer

  package init(
    shape: ModelShape, table: ParameterTable, kernels: Kernels, use: MemoryUse = .apart
  ) {
    precondition(use != .inTurn || shape.canReuseActivations, "weights of \(shape) in turn")
    self.shape = shape
    self.kernels = kernels
    self.use = use
    var builder = PackedLayoutBuilder(shape: shape, table: table, kernels: kernels, use: use)
    var directions: [PackedDirection] = []
    var products: [PackedProduct] = []
    var firstOperands: [Int] = []
    for layer in 0..<shape.layerCount {
      firstOperands.append(builder.operands.count)
      for direction in shape.directions(ofLayer: layer) {
        let found = builder.direction(direction)
        directions.append(found.packed)
        products += found.products
      }
    }
    firstOperands.append(builder.operands.count)
    self.directions = directions
    productCount = shape.cell.products.count
    self.products = .allocate(capacity: products.count)
    self.products.initialize(from: products, count: products.count)
    output = builder.output()
    sampled = shape.sampledSoftmax.map {
      SampledOutputs($0, shape: shape, table: table, places: builder.sampled($0))
    }
    arena = AlignedBuffer(count: builder.size)
    shared = AlignedBuffer(
      count: use == .inTurn
        ? builder.sizeBefore + max(builder.sizeAmong, table.elementCount) : 0)
    firstGradient = shared.pointer + builder.sizeBefore
    gaps = Self.gaps(of: table, layers: shape.layerDirectionCount)
    operands = builder.operands
    tensors = (0..<shape.layerDirectionCount).map(table.tensors(ofDirection:))
    dropped = AlignedBuffer(
      count: shape.dropsRecurrentWeights ? shape.layerDirectionCount * shape.recurrentStride : 0)
    self.firstOperands = firstOperands + [operands.count]
  }

  deinit { products.deallocate() }

  /// Bytes that an instance of these sizes allocates.
  ///
  /// With `MemoryUse.inTurn` those beyond the arena of the gradients.
  package static func bytes(
    shape: ModelShape, table: ParameterTable, kernels: Kernels, use: MemoryUse = .apart
  ) -> Int {
    var builder = PackedLayoutBuilder(shape: shape, table: table, kernels: kernels, use: use)
    for direction in 0..<shape.layerDirectionCount { _ = builder.direction(direction) }
    _ = builder.output()
    var rows = 0
    if let sampling = shape.sampledSoftmax {
      _ = builder.sampled(sampling)
      rows = (sampling.draws + 1) * shape.featureSize
    }
    let dropped =
      shape.dropsRecurrentWeights ? shape.layerDirectionCount * shape.recurrentStride : 0
    let shared = builder.sizeBefore + max(0, builder.sizeAmong - table.elementCount)
    return (builder.size + shared + dropped + rows) * MemoryLayout<Float>.stride
  }

  /// The gaps before the first layer's tensors, and of each layer and the output layer.
  private static func gaps(of table: ParameterTable, layers: Int) -> [[Range<Int>]] {
    let starts =
      (0..<layers).map { table.tensors(ofDirection: $0).inputWeight }
      + [padded(table.tensors(ofDirection: layers - 1).end)]
    return (0...layers + 1).map { part in
      table.parameters.filter { tensor in starts.count { $0 <= tensor.offset } == part }.map {
        $0.range.upperBound..<$0.offset + padded($0.count)
      }
    }
  }

  /// The arena of the rank's first gradients, where they replace weights; else nil.
  package var gradients: UnsafeMutablePointer<Float>? {
    use == .inTurn ? firstGradient : nil
  }

  /// Clears the gaps between a layer's gradients, in which its weights were: nothing is added to or
  /// updated there. Layer −1 is the embedding, layer `layerCount` the output layer.
  func clearGaps(ofLayer layer: Int) {
    guard use == .inTurn else { return }
    for gap in gaps[layer + 1] {
      (firstGradient + gap.lowerBound).update(repeating: 0, count: gap.count)
    }
  }

  @inline(__always) private func place(_ operand: PackedOperand) -> UnsafeMutablePointer<Float> {
    (operand.isAmongGradients ? firstGradient : arena.pointer) + operand.offset
  }

  @inline(__always) func pointer(_ operand: PackedOperand) -> UnsafePointer<Float> {
    UnsafePointer(place(operand))
  }

  /// The packed rows of one of the cell's recurrent products in a direction.
  @inline(__always) func product(_ product: Int, ofDirection direction: Int) -> PackedProduct {
    products[direction * productCount + product]
  }

  @inline(__always) func pointer(at offset: Int) -> UnsafePointer<Float> {
    UnsafePointer(arena.pointer + offset)
  }

  /// What a forward pass of one token reads: the operands of all its products.
  private var forwardOperands: [PackedOperand] {
    directions.map(\.inputForward)
      + (0..<directions.count * productCount).map { products[$0].forward }
      + [output.head.forward]
      + output.tails.flatMap { [$0.projectionForward, $0.scores.forward] }
  }

  /// Bytes of the weights that a forward pass of one token reads.
  package var forwardBytes: Int {
    forwardOperands.reduce(0) {
      $0 + $1.columns * kernels.packedDepth($1.pack.depth) * MemoryLayout<Float>.stride
    }
  }

  /// Reads the weights of a forward pass once and does nothing with them, for timing. Returns a
  /// value that depends on all of them.
  package func readForward() -> Float {
    forwardOperands.reduce(0) {
      $0 + kernels.readArray(pointer($1), count: $1.columns * kernels.packedDepth($1.pack.depth))
    }
  }

  /// Packs part `part` of `parts` from the parameter arena; together the parts are the whole, and
  /// different threads may run different parts at once.
  package func repack(from parameters: UnsafePointer<Float>, part: Int, of parts: Int) {
    for layer in 0...shape.layerCount {
      repack(layer: layer, from: parameters, part: part, of: parts)
    }
  }

  /// Packs a part of one layer's weights; layer `layerCount` is the output layer.
  package func repack(
    layer: Int, from parameters: UnsafePointer<Float>, part: Int, of parts: Int
  ) {
    precondition(part >= 0, "part \(part) < 0")
    precondition(part < parts, "part \(part) of \(parts)")
    for index in firstOperands[layer]..<firstOperands[layer + 1] {
      let operand = operands[index]
      if operand.isAmongGradients, !operand.isTransposed { continue }
      pack(operand, from: parameters + operand.sourceOffset, part: part, of: parts)
    }
    guard part == 0 else { return }
    if layer < shape.layerCount {
      for direction in shape.directions(ofLayer: layer) {
        repackBiases(ofDirection: direction, from: parameters)
      }
    } else {
      repackOutputBias(from: parameters)
    }
  }

  /// Packs a part of one layer's weights for its backward pass, where they are packed in turn.
  /// Those of all layers for forward passes are gone then, until `repack`.
  package func turn(layer: Int, from parameters: UnsafePointer<Float>, part: Int, of parts: Int) {
    precondition(use != .forward, "weights are packed for forward passes alone")
    guard use == .inTurn else { return }
    for index in firstOperands[layer]..<firstOperands[layer + 1]
    where !operands[index].isTransposed {
      pack(operands[index], from: parameters + operands[index].sourceOffset, part: part, of: parts)
    }
  }

  func mutablePointer(at offset: Int) -> UnsafeMutablePointer<Float> { arena.pointer + offset }

  func pack(
    _ operand: PackedOperand, from source: UnsafePointer<Float>, part: Int, of parts: Int
  ) {
    let width = operand.pack.panelWidth
    let panels = (operand.columns + width - 1) / width
    var arguments = operand.pack
    arguments.source = source
    arguments.destination = place(operand)
    arguments.firstPanel = part * panels / parts
    arguments.endPanel = (part + 1) * panels / parts
    if operand.isTransposed {
      kernels.packTransposed(arguments)
    } else {
      kernels.packRows(arguments)
    }
  }

  /// Drops part `part` of `parts` of the recurrent weights for a step of training; when all parts
  /// are done, `repackDropped` puts them in the place of the whole ones.
  package func dropRecurrentWeights(
    of parameters: UnsafePointer<Float>, step: UInt32, part: Int, of parts: Int
  ) {
    if dropped.count == 0 { return }
    let units = shape.recurrentStride / 16
    for (direction, tensors) in tensors.enumerated() {
      guard let weight = tensors.recurrentWeight else { continue }
      shape.regularization.dropRecurrent(
        step: step, direction: direction, units: part * units / parts..<(part + 1) * units / parts,
        parameters + weight,
        into: dropped.pointer + direction * shape.recurrentStride, kernels: kernels)
    }
  }

  /// Packs part `part` of `parts` of the recurrent weights that were left.
  package func repackDropped(part: Int, of parts: Int) {
    if dropped.count == 0 { return }
    for operand in operands {
      guard let offset = operand.droppedOffset else { continue }
      pack(operand, from: dropped.pointer + offset, part: part, of: parts)
    }
  }

  /// Drops from a gradient of the weights that a step used what belongs to dropped ones.
  ///
  /// - Parameters:
  ///   - range: elements of the arena, at multiples of 16.
  package func dropRecurrentGradient(
    _ gradient: UnsafeMutablePointer<Float>, range: Range<Int>, step: UInt32
  ) {
    if dropped.count == 0 { return }
    for (direction, tensors) in tensors.enumerated() {
      guard let first = tensors.recurrentWeight else { continue }
      let part = range.clamped(to: first..<first + shape.recurrentStride)
      if part.isEmpty { continue }
      shape.regularization.dropRecurrent(
        step: step, direction: direction,
        units: (part.lowerBound - first) / 16..<(part.upperBound - first) / 16,
        gradient + first, into: gradient + first, kernels: kernels)
    }
  }

  private func repackBiases(ofDirection direction: Int, from parameters: UnsafePointer<Float>) {
    let source = tensors[direction]
    let packed = directions[direction]
    let cell = shape.cell
    repackGates(cell.gateCount, from: parameters + source.bias, to: packed.bias)
    if let recurrent = source.recurrentBias {
      repackGates(
        cell.recurrentBiasGates.count, from: parameters + recurrent, to: packed.recurrentBias)
    }
    if let gain = source.gain, let normBias = source.normBias {
      repackGates(cell.gateCount, from: parameters + gain, to: packed.gain)
      repackGates(cell.gateCount, from: parameters + normBias, to: packed.normBias)
    }
    for vector in cell.stateVectors.indices {
      guard let initial = source.initialState(ofVector: vector) else { break }
      (arena.pointer + packed.initialState(ofVector: vector))
        .update(from: parameters + initial, count: shape.hiddenSize)
    }
  }

  /// Copies one value for each row of some gates, padded.
  private func repackGates(_ gates: Int, from source: UnsafePointer<Float>, to offset: Int) {
    let hidden = shape.hiddenSize
    for gate in 0..<gates {
      (arena.pointer + offset + gate * padded(hidden))
        .update(from: source + gate * hidden, count: hidden)
    }
  }

  private func repackOutputBias(from parameters: UnsafePointer<Float>) {
    repackBias(output.head, from: parameters)
    for tail in output.tails { repackBias(tail.scores, from: parameters) }
  }

  private func repackBias(_ scores: PackedScores, from parameters: UnsafePointer<Float>) {
    let destination = arena.pointer + scores.bias
    destination.update(from: parameters + scores.biasSource, count: scores.count)
    // Padding logits are so negative that softmax gives them exactly 0.
    for j in scores.count..<padded(scores.count) { destination[j] = -1e30 }
  }
}
