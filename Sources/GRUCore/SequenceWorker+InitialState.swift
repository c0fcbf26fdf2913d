import Kernels

/// The state before a stream or sequence: 0, or a parameter that all of them share.
extension SequenceWorker {
  /// Sets one row of states to that which sequences start from.
  @inline(__always) func initialize(
    _ state: UnsafeMutablePointer<Float>, strand: Int, weights: PackedWeights
  ) {
    if shape.learnsInitialState {
      state.update(
        from: weights.pointer(at: weights.strands[strand].initialState), count: layout.hidden)
    } else {
      state.update(repeating: 0, count: layout.hiddenStride)
    }
  }

  /// The states [B, H] that a strand's step t starts from.
  @inline(__always) func statesBefore(_ strand: Int, _ t: Int) -> UnsafeMutablePointer<Float> {
    let time = shape.isReversed(strand) ? t + 1 : t
    return strands[strand].states + time * sequences.count * layout.hiddenStride
  }

  /// Sets the state before the batch; where it is 0 in a forward direction, `resetState` has.
  func takeInitialState(strand: Int, weights: PackedWeights) {
    guard shape.learnsInitialState || shape.isReversed(strand) else { return }
    let states = statesBefore(strand, shape.isReversed(strand) ? window - 1 : 0)
    for row in 0..<sequences.count {
      initialize(states + row * layout.hiddenStride, strand: strand, weights: weights)
    }
  }

  /// Whether the gradient of a strand's step t goes on to the state before it.
  func passesOn(_ strand: Int, _ t: Int) -> Bool {
    if t != (shape.isReversed(strand) ? window - 1 : 0) { return true }
    return shape.learnsInitialState && startsAfresh
  }

  // MARK: - Its gradient

  /// Clears the sums over a layer's sequences, before its backward pass.
  func startInitialGradient() {
    guard let sums = layout.initialGradients else { return }
    buffer(sums)
      .update(repeating: 0, count: shape.directionCount * shards.count * layout.hidden)
  }

  /// Adds the gradient of the state before a sequence, which is in `carry`, to the sum of its
  /// shard.
  ///
  /// A shard's rows are summed as back-propagation meets them: with the last time step first, or
  /// with the first where a strand goes through sequences from their end.
  @inline(__always) func addToInitialGradient(strand: Int, row: Int) {
    guard let sums = layout.initialGradients else { return }
    let place = shape.direction(ofStrand: strand) * shards.count + row / sequencesPerShard
    let sum = buffer(sums) + place * layout.hidden
    let gradient = buffer(layout.carry) + row * layout.hiddenStride
    kernels.add(sum, gradient, into: sum, count: layout.hidden)
  }

  /// Adds the gradients of the states before the batch, unless they were carried to it.
  func addFirstGradients(strand: Int) {
    guard layout.initialGradients != nil, startsAfresh else { return }
    timer.enter(.gates, bytes: 8 * sequences.count * layout.hidden)
    for row in 0..<sequences.count { addToInitialGradient(strand: strand, row: row) }
  }

  /// Folds the shards' gradients of a strand's initial state and writes them to the node arenas.
  func finishInitialGradient(strand: Int, nodes: UnsafePointer<UnsafeMutablePointer<Float>>) {
    guard let first = layout.initialGradients else { return }
    let sums =
      buffer(first) + shape.direction(ofStrand: strand) * shards.count * layout.hidden
    foldShards(sums, entry: layout.hidden)
    let index = table.firstIndex(ofStrand: strand) + table.tensorsPerStrand - 1
    for node in 0..<nodeCount {
      (nodes[node] + table.parameters[index].offset)
        .update(from: sums + node * layout.hidden, count: shape.hiddenSize)
    }
  }

  /// Folds sums of every shard, `entry` floats each, in place: those of the nodes are first then.
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
