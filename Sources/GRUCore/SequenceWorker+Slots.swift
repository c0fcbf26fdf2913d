import Kernels

/// Sequences laid end to end: where one starts, the state before it is the initial one, and no
/// gradient goes on to the sequence before.
///
/// The state that the sequence before it left is put by meanwhile: it is the input of the layer
/// above, and may be what the output layer reads. Directions that go through sequences from their
/// end start them at their last steps.
extension SequenceWorker {
  /// Whether sequences of a direction may start after its first step.
  @inline(__always) func hasBoundaries(_ direction: Int) -> Bool {
    slots.perRow > 1 || shape.isReversed(direction)
  }

  /// Puts the states by that precede the sequences starting at step t, and puts the initial one in
  /// their place.
  func startSequences(direction: Int, t: Int, weights: PackedWeights) {
    forEachBoundary(direction, t) { index, row, vector in
      let state = statesBefore(direction, t, vector: vector) + row * layout.hiddenStride
      putByState(direction, index, vector: vector).update(from: state, count: layout.hiddenStride)
      initialize(state, vector: vector, direction: direction, weights: weights)
    }
  }

  /// Brings back all states that were put by, when the direction's forward pass is over.
  func restoreStates(direction: Int) {
    for t in 0..<window {
      forEachBoundary(direction, t) { index, row, vector in
        (statesBefore(direction, t, vector: vector) + row * layout.hiddenStride)
          .update(
            from: putByState(direction, index, vector: vector), count: layout.hiddenStride)
      }
    }
  }

  /// Sets them to the initial state once more, for the direction's backward pass and its weight
  /// gradients.
  func clearStates(direction: Int, weights: PackedWeights) {
    for t in 0..<window {
      forEachBoundary(direction, t) { _, row, vector in
        let state = statesBefore(direction, t, vector: vector) + row * layout.hiddenStride
        initialize(state, vector: vector, direction: direction, weights: weights)
      }
    }
  }

  /// Lets nothing pass from the sequences starting at step t to those before them.
  func stopGradients(direction: Int, t: Int) {
    let boundaries = boundaries(direction)
    for index in boundaries.places(ofStep: t) {
      let row = Int(boundaries.rows[index])
      addToInitialGradient(direction: direction, row: row)
      for vector in 0..<vectorCount {
        (buffer(layout.carry) + vector * layout.carryVectorStride + row * layout.hiddenStride)
          .update(repeating: 0, count: layout.hiddenStride)
      }
    }
  }

  @inline(__always) private func putByState(
    _ direction: Int, _ index: Int, vector: Int
  ) -> UnsafeMutablePointer<Float> {
    let place = vector * slots.perRow * sequences.count + index
    return buffer(layout.putByStates[direction]) + place * layout.hiddenStride
  }

  /// Where sequences of a direction start after its first step.
  @inline(__always) private func boundaries(_ direction: Int) -> SequenceBoundaries {
    shape.isReversed(direction) ? slots.ending : slots.starting
  }

  @inline(__always) private func forEachBoundary(
    _ direction: Int, _ t: Int, _ body: (_ index: Int, _ row: Int, _ vector: Int) -> Void
  ) {
    let boundaries = boundaries(direction)
    for index in boundaries.places(ofStep: t) {
      for vector in 0..<vectorCount { body(index, Int(boundaries.rows[index]), vector) }
    }
  }

  /// Adds up ‖∂ loss / ∂ h_t‖² over rows: what comes from above and from the step after.
  func recordStateGradient(layer: Int, t: Int, upper: UnsafePointer<Float>) {
    guard let squares = stateGradientSquares else { return }
    let above = upper + t * sequences.count * layout.hiddenStride
    let carry = buffer(layout.carry)
    var sum = 0.0
    for row in 0..<sequences.count {
      for j in 0..<shape.hiddenSize {
        let place = row * layout.hiddenStride + j
        let slope = Double(above[place]) + Double(carry[place])
        sum += slope * slope
      }
    }
    squares[layer * window + t] = sum
  }
}
