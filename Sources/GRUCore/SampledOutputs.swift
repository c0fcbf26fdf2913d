import Kernels

/// The outputs that a step of a sampled softmax has drawn, for all workers of a rank: which they
/// are, and where their packed weights lie. Does not allocate after `init`.
final class SampledOutputs {
  /// The distinct outputs, ascending.
  let tokens: UnsafeMutablePointer<Int32>
  private(set) var count = 0
  /// The place among `tokens` of every output, or −1.
  let slots: UnsafeMutablePointer<Int32>
  /// How often each of `tokens` was drawn.
  private let times: UnsafeMutablePointer<Int32>
  /// Their rows of the output weight [count + 1, D H]; the last row is 0 and stands for
  /// the target, which differs between rows of the batch.
  private let rows: AlignedBuffer
  /// The parameters that they were taken from.
  private(set) var parameters: UnsafePointer<Float>?
  private let sampling: SampledSoftmax
  private let outputs: Int
  private let featureSize: Int
  private let places: Places
  private let weight: Int
  private let bias: Int

  /// Where the packed rows and their bias lie within the arena of packed weights.
  struct Places {
    let forward: Int
    let backward: Int
    let bias: Int
  }

  init(
    _ sampling: SampledSoftmax, shape: ModelShape, table: ParameterTable, places: Places
  ) {
    self.sampling = sampling
    self.places = places
    outputs = shape.vocabularySize
    featureSize = shape.featureSize
    (weight, bias) = (table.outputWeight.offset, table.outputBias.offset)
    let room = sampling.draws + 1
    tokens = .allocate(capacity: room)
    tokens.initialize(repeating: 0, count: room)
    times = .allocate(capacity: outputs)
    times.initialize(repeating: 0, count: outputs)
    slots = .allocate(capacity: outputs)
    slots.initialize(repeating: -1, count: outputs)
    rows = AlignedBuffer(count: room * featureSize)
  }

  deinit {
    tokens.deallocate()
    times.deallocate()
    slots.deallocate()
  }

  /// Columns of scores: the drawn outputs and the target.
  var columns: Int { count + 1 }

  /// Draws the outputs of a step.
  func draw(step: UInt32) {
    precondition(
      sampling.outputCount == outputs, "\(sampling.outputCount) shares of \(outputs) outputs")
    for slot in 0..<count { slots[Int(tokens[slot])] = -1 }
    for draw in 0..<sampling.draws { times[sampling.output(ofDraw: draw, step: step)] += 1 }
    count = 0
    for output in 0..<outputs where times[output] > 0 {
      tokens[count] = Int32(truncatingIfNeeded: output)
      slots[output] = Int32(truncatingIfNeeded: count)
      count += 1
    }
  }

  /// Collects part `part` of `parts` of the rows, and of their bias with what corrects it.
  func gather(
    from parameters: UnsafePointer<Float>, bias destination: UnsafeMutablePointer<Float>,
    part: Int, of parts: Int
  ) {
    for slot in part * count / parts..<(part + 1) * count / parts {
      let output = Int(tokens[slot])
      (rows.pointer + slot * featureSize).update(
        from: parameters + weight + output * featureSize, count: featureSize)
      let correction = sampling.correction(ofOutput: output, drawn: Int(times[output]))
      destination[slot] = parameters[bias + output] + Float(correction)
      times[output] = 0
    }
    guard part == parts - 1 else { return }
    self.parameters = parameters
    (rows.pointer + count * featureSize).update(repeating: 0, count: featureSize)
    destination[count] = 0
    // Padding logits are so negative that softmax gives them exactly 0.
    for column in columns..<padded(columns) { destination[column] = -1e30 }
  }

  /// The packed matrix of the step, as the head's.
  func scores(_ kernels: Kernels) -> PackedScores {
    func operand(_ offset: Int, depth: Int, columns: Int, isTransposed: Bool) -> PackedOperand {
      PackedOperand(
        offset: offset, columns: padded(columns),
        pack: PackArguments(
          source: rows.pointer, sourceStride: featureSize, depth: depth, groups: 1,
          groupColumns: columns, groupWidth: padded(columns), panelWidth: kernels.panelWidth,
          destination: rows.pointer, firstPanel: 0, endPanel: 0),
        isTransposed: isTransposed, sourceOffset: 0, droppedOffset: nil)
    }
    return PackedScores(
      forward: operand(places.forward, depth: featureSize, columns: columns, isTransposed: true),
      backward: operand(places.backward, depth: columns, columns: featureSize, isTransposed: false),
      bias: places.bias, biasSource: 0, count: columns)
  }

  /// The collected rows.
  var source: UnsafePointer<Float> { UnsafePointer(rows.pointer) }
}

extension PackedLayoutBuilder {
  /// Room for the packed rows of a sampled softmax.
  mutating func sampled(_ sampling: SampledSoftmax) -> SampledOutputs.Places {
    let columns = sampling.draws + 1
    return SampledOutputs.Places(
      forward: take(padded(columns) * kernels.packedDepth(shape.featureSize)),
      backward: take(padded(shape.featureSize) * kernels.packedDepth(columns)),
      bias: take(padded(columns)))
  }
}

extension PackedWeights {
  /// Draws the outputs that a step of a sampled softmax trains on; `gatherOutputs` by all parts and
  /// then `packOutputs` by all parts put their weights in place.
  package func drawOutputs(step: UInt32) { sampled?.draw(step: step) }

  /// Collects part `part` of `parts` of the drawn outputs' weights.
  package func gatherOutputs(from parameters: UnsafePointer<Float>, part: Int, of parts: Int) {
    guard let sampled else { return }
    sampled.gather(
      from: parameters, bias: mutablePointer(at: sampled.scores(kernels).bias), part: part,
      of: parts)
  }

  /// Packs part `part` of `parts` of them.
  package func packOutputs(part: Int, of parts: Int) {
    guard let sampled else { return }
    let scores = sampled.scores(kernels)
    pack(scores.forward, from: sampled.source, part: part, of: parts)
    pack(scores.backward, from: sampled.source, part: part, of: parts)
  }
}
