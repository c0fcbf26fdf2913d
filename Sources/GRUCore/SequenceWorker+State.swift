package import Kernels

/// The state that a worker carries from batch to batch.
extension SequenceWorker {
  /// Has the worker's threads, in order, record what they do. No kernel is under way.
  package func record(with timers: TeamTimers) {
    timer = timers[0]
    crew.record(with: timers)
  }

  /// Starts all its sequences anew: from 0, or from the learned initial state as it is when the
  /// next batch begins.
  package func resetState() {
    startsAfresh = true
    for direction in 0..<shape.layerDirectionCount {
      for vector in 0..<vectorCount {
        (directions[direction].states + vector * layout.stateVectorStride)
          .update(repeating: 0, count: sequences.count * layout.hiddenStride)
      }
    }
  }

  /// Takes the initial state, as it is now, for one that was carried: gradients do not reach it.
  package func carryInitialState(weights: PackedWeights) {
    for direction in 0..<shape.layerDirectionCount {
      takeInitialState(direction: direction, weights: weights)
    }
    startsAfresh = false
  }

  /// Copies a carried vector [H] of one of its sequences (numbered globally) out of the worker.
  ///
  /// - Parameter vector: one of `ModelShape.carriedVectorCount`, in the order [S, L].
  package func readState(vector: Int, sequence: Int, into state: UnsafeMutablePointer<Float>) {
    state.update(from: stateRow(vector: vector, sequence: sequence), count: shape.hiddenSize)
  }

  /// Sets a carried vector [H] of one of its sequences (numbered globally); whoever writes that of
  /// one sequence writes that of all.
  package func writeState(vector: Int, sequence: Int, from state: UnsafePointer<Float>) {
    startsAfresh = false
    stateRow(vector: vector, sequence: sequence).update(from: state, count: shape.hiddenSize)
  }

  private func stateRow(vector: Int, sequence: Int) -> UnsafeMutablePointer<Float> {
    precondition(vector >= 0, "vector \(vector) < 0")
    precondition(
      vector < shape.carriedVectorCount, "vector \(vector) of \(shape.carriedVectorCount)")
    precondition(sequences.contains(sequence), "sequence \(sequence) is not in \(sequences)")
    let row = sequence - sequences.lowerBound
    let layer = vector % shape.layerCount
    return directions[layer * shape.directionCount].states
      + vector / shape.layerCount * layout.stateVectorStride + row * layout.hiddenStride
  }

  /// The state after the window becomes the state before the next, of models with one direction.
  func carryState() {
    // What goes through a sequence from its end cannot go on where the last one ended.
    if shape.isBidirectional { return resetState() }
    startsAfresh = false
    while firstCarried > 0 { carryState(direction: firstCarried - 1) }
    firstCarried = shape.layerDirectionCount
  }

  /// Carries that of one direction on, from the top down: early where others take the place of its
  /// states, of which the first are put by.
  func carryState(direction: Int) {
    firstCarried = direction
    let count = sequences.count * layout.hiddenStride
    for vector in 0..<vectorCount {
      let states = directions[direction].states + vector * layout.stateVectorStride
      if layout.reusesActivations {
        (buffer(layout.firstStates[direction]) + vector * count).update(from: states, count: count)
      }
      states.update(from: states + window * count, count: count)
    }
  }

  /// Computes the states and the gates of the last batch of training once more, of which a
  /// backward pass has taken the place. The parameters are those from before, and the weights
  /// packed for forward passes.
  func recomputeStates(parameters: UnsafePointer<Float>, weights: PackedWeights) {
    let count = sequences.count * layout.hiddenStride
    for direction in 0..<shape.layerDirectionCount {
      for vector in 0..<vectorCount {
        (directions[direction].states + vector * layout.stateVectorStride)
          .update(from: buffer(layout.firstStates[direction]) + vector * count, count: count)
      }
    }
    isTraining = true
    forward(parameters: parameters, weights: weights)
    carryState()
  }
}
