import Kernels

/// The state before a stream or sequence: 0, or a parameter that all of them share.
extension SequenceWorker {
  /// Sets one row of a state vector to that which sequences start from.
  @inline(__always) func initialize(
    _ state: UnsafeMutablePointer<Float>, vector: Int, direction: Int, weights: PackedWeights
  ) {
    if shape.learnsInitialState {
      let place = weights.directions[direction].initialState(ofVector: vector)
      state.update(from: weights.pointer(at: place), count: layout.hidden)
    } else {
      state.update(repeating: 0, count: layout.hiddenStride)
    }
  }

  /// The values [B, H] of a state vector that a direction's step t starts from.
  @inline(__always) func statesBefore(
    _ direction: Int, _ t: Int, vector: Int = 0
  ) -> UnsafeMutablePointer<Float> {
    let time = shape.isReversed(direction) ? t + 1 : t
    return directions[direction].states + vector * layout.stateVectorStride
      + time * sequences.count * layout.hiddenStride
  }

  /// Sets the state before the batch; where it is 0 in a forward direction, `resetState` has.
  func takeInitialState(direction: Int, weights: PackedWeights) {
    guard shape.learnsInitialState || shape.isReversed(direction) else { return }
    let first = shape.isReversed(direction) ? window - 1 : 0
    for vector in 0..<vectorCount {
      let states = statesBefore(direction, first, vector: vector)
      for row in 0..<sequences.count {
        initialize(
          states + row * layout.hiddenStride, vector: vector, direction: direction,
          weights: weights)
      }
    }
  }

  /// Whether the gradient of a direction's step t goes on to the state before it.
  func passesOn(_ direction: Int, _ t: Int) -> Bool {
    if t != (shape.isReversed(direction) ? window - 1 : 0) { return true }
    return shape.learnsInitialState && startsAfresh
  }

  // MARK: - Its gradient

  /// Clears the sums over a layer's sequences, before its backward pass.
  func startInitialGradient() {
    guard let sums = layout.initialGradients else { return }
    buffer(sums)
      .update(
        repeating: 0,
        count: shape.directionCount * shards.count * vectorCount * layout.hidden)
  }

  /// Adds the gradients of the state before a sequence, which are in `carry`, to the sum of its
  /// shard.
  ///
  /// A shard's rows are summed as back-propagation meets them: with the last time step first, or
  /// with the first where a direction goes through sequences from their end.
  @inline(__always) func addToInitialGradient(direction: Int, row: Int) {
    guard let sums = layout.initialGradients else { return }
    let place = shape.indexInLayer(ofDirection: direction) * shards.count + row / sequencesPerShard
    var sum = buffer(sums) + place * vectorCount * layout.hidden
    var gradient = buffer(layout.carry) + row * layout.hiddenStride
    for _ in 0..<vectorCount {
      kernels.add(sum, gradient, into: sum, count: layout.hidden)
      sum += layout.hidden
      gradient += layout.carryVectorStride
    }
  }

  /// Adds the gradients of the states before the batch, unless they were carried to it.
  func addFirstGradients(direction: Int) {
    guard layout.initialGradients != nil, startsAfresh else { return }
    timer.enter(.gates, bytes: 8 * sequences.count * layout.hidden)
    for row in 0..<sequences.count { addToInitialGradient(direction: direction, row: row) }
  }

  /// Folds the shards' gradients of a direction's initial state and writes the partial sums.
  func finishInitialGradient(
    direction: Int, partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    guard let first = layout.initialGradients else { return }
    let entry = vectorCount * layout.hidden
    let sums =
      buffer(first) + shape.indexInLayer(ofDirection: direction) * shards.count * entry
    foldShards(sums, entry: entry)
    let tensors = table.tensors(ofDirection: direction)
    for vector in 0..<vectorCount {
      guard let place = tensors.initialState(ofVector: vector) else { return }
      for node in 0..<partialSumCount {
        (partialSums[node] + place)
          .update(from: sums + node * entry + vector * layout.hidden, count: shape.hiddenSize)
      }
    }
  }

  /// Folds sums of every shard, `entry` floats each, in place: the partial sums are first then.
  func foldShards(_ sums: UnsafeMutablePointer<Float>, entry: Int) {
    var depth = 0
    for shard in 0..<shards.count {
      if depth != shard { (sums + depth * entry).update(from: sums + shard * entry, count: entry) }
      depth += 1
      for _ in 0..<folds[shard] {
        depth -= 1
        let left = sums + (depth - 1) * entry
        kernels.add(left, left + entry, into: left, count: entry)
      }
    }
  }
}
