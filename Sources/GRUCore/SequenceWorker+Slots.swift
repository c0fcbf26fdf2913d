import Kernels

/// Sequences laid end to end: where one starts, the state before it is the initial one, and no
/// gradient goes on to the sequence before.
///
/// The state that the sequence before it left is put by meanwhile: it is the input of the layer
/// above, and may be what the output layer reads. Strands that go through sequences from their end
/// start them at their last steps.
extension SequenceWorker {
  /// Whether sequences of a strand may start after its first step.
  @inline(__always) func hasBoundaries(_ strand: Int) -> Bool {
    slots.perRow > 1 || shape.isReversed(strand)
  }

  /// Puts the states by that precede the sequences starting at step t, and puts the initial one in
  /// their place.
  func startSequences(strand: Int, t: Int, weights: PackedWeights) {
    forEachBoundary(strand, t) { index, row in
      let state = statesBefore(strand, t) + row * layout.hiddenStride
      putByState(strand, index).update(from: state, count: layout.hiddenStride)
      initialize(state, strand: strand, weights: weights)
    }
  }

  /// Brings back all states that were put by, when the strand's forward pass is over.
  func restoreStates(strand: Int) {
    for t in 0..<window {
      forEachBoundary(strand, t) { index, row in
        (statesBefore(strand, t) + row * layout.hiddenStride)
          .update(from: putByState(strand, index), count: layout.hiddenStride)
      }
    }
  }

  /// Sets them to the initial state once more, for the strand's backward pass and its weight
  /// gradients.
  func clearStates(strand: Int, weights: PackedWeights) {
    for t in 0..<window {
      forEachBoundary(strand, t) { _, row in
        let state = statesBefore(strand, t) + row * layout.hiddenStride
        initialize(state, strand: strand, weights: weights)
      }
    }
  }

  /// Lets nothing pass from the sequences starting at step t to those before them.
  func stopGradients(strand: Int, t: Int) {
    forEachBoundary(strand, t) { _, row in
      addToInitialGradient(strand: strand, row: row)
      (buffer(layout.carry) + row * layout.hiddenStride)
        .update(repeating: 0, count: layout.hiddenStride)
    }
  }

  @inline(__always) private func putByState(
    _ strand: Int, _ index: Int
  ) -> UnsafeMutablePointer<Float> {
    buffer(layout.putByStates[strand]) + index * layout.hiddenStride
  }

  @inline(__always) private func forEachBoundary(
    _ strand: Int, _ t: Int, _ body: (Int, Int) -> Void
  ) {
    let boundaries = shape.isReversed(strand) ? slots.ending : slots.starting
    for index in boundaries.places(ofStep: t) { body(index, Int(boundaries.rows[index])) }
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
