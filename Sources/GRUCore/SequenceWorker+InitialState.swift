import Kernels

/// The state before a stream or sequence: 0, or a parameter of each layer that all of them share.
extension SequenceWorker {
  /// Sets one row of states to that which sequences start from.
  @inline(__always) func initialize(
    _ state: UnsafeMutablePointer<Float>, layer: Int, weights: PackedWeights
  ) {
    if shape.learnsInitialState {
      state.update(
        from: weights.pointer(at: weights.layers[layer].initialState), count: layout.hidden)
    } else {
      state.update(repeating: 0, count: layout.hiddenStride)
    }
  }

  /// Takes the learned state as that before the batch; `resetState` has set all others to 0.
  func takeInitialState(layer: Int, weights: PackedWeights) {
    guard shape.learnsInitialState else { return }
    for row in 0..<sequences.count {
      initialize(
        layers[layer].states + row * layout.hiddenStride, layer: layer, weights: weights)
    }
  }

  /// The first time step that a gradient passes through to the state before it.
  var lastCarried: Int { shape.learnsInitialState && startsAfresh ? 0 : 1 }

  // MARK: - Its gradient

  /// Clears the sums over a layer's sequences, before its backward pass.
  func startInitialGradient() {
    guard let sums = layout.initialGradients else { return }
    buffer(sums).update(repeating: 0, count: shards.count * layout.hidden)
  }

  /// Adds the gradient of the state before a sequence, which is in `carry`, to the sum of its shard.
  ///
  /// A shard's rows are summed with the last time step first, as back-propagation meets them.
  @inline(__always) func addToInitialGradient(row: Int) {
    guard let sums = layout.initialGradients else { return }
    let sum = buffer(sums) + row / sequencesPerShard * layout.hidden
    let gradient = buffer(layout.carry) + row * layout.hiddenStride
    kernels.add(sum, gradient, into: sum, count: layout.hidden)
  }

  /// Adds the gradients of the states before the batch, unless they were carried to it.
  func addFirstGradients() {
    guard layout.initialGradients != nil, startsAfresh else { return }
    timer.enter(.gates, bytes: 8 * sequences.count * layout.hidden)
    for row in 0..<sequences.count { addToInitialGradient(row: row) }
  }

  /// Folds the shards' gradients of a layer's initial state and writes them to the node arenas.
  func finishInitialGradient(layer: Int, nodes: UnsafePointer<UnsafeMutablePointer<Float>>) {
    guard let sums = layout.initialGradients else { return }
    foldShards(buffer(sums), entry: layout.hidden)
    let index = table.firstIndex(ofLayer: layer) + table.tensorsPerLayer - 1
    for node in 0..<nodeCount {
      (nodes[node] + table.parameters[index].offset)
        .update(from: buffer(sums) + node * layout.hidden, count: shape.hiddenSize)
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
