import Kernels

/// Layer normalisation of what gates sum up, between the products and the gates of a time step.
extension SequenceWorker {
  /// Normalises the sums of some gates of one time step.
  func normalize(_ gates: Range<Int>, direction: Int, t: Int, weights: PackedWeights) {
    guard let places = layout.normalization else { return }
    timer.enter(.gates, bytes: 4 * 6 * sequences.count * gates.count * layout.hidden)
    kernels.normalize(normalization(places, gates, direction: direction, t: t, weights: weights))
  }

  /// Turns the gradients of normalised gates into those of what the gates sum up.
  func normalizeBackward(_ gates: Range<Int>, direction: Int, t: Int, weights: PackedWeights) {
    guard let places = layout.normalization else { return }
    timer.enter(.gates, bytes: 4 * 9 * sequences.count * gates.count * layout.hidden)
    kernels.normalizeBackward(
      normalization(places, gates, direction: direction, t: t, weights: weights))
  }

  private func normalization(
    _ places: WorkspaceLayout.Normalization, _ gates: Range<Int>, direction: Int, t: Int,
    weights: PackedWeights
  ) -> NormalizationArguments {
    let row = (t - firstKeptStep) * sequences.count
    let column = gates.lowerBound * layout.hidden
    let packed = weights.directions[direction]
    let gradients = buffer(normalizationGradients(places, direction)) + column
    return NormalizationArguments(
      rows: sequences.count, groups: gates.count, columns: layout.hidden, size: shape.hiddenSize,
      values: directions[direction].gates + row * layout.gatesStride + column,
      normalized: buffer(places.normalized[direction]) + row * layout.gatesStride + column,
      stride: layout.gatesStride,
      inverseDeviations: buffer(places.inverseDeviations[direction]) + row * gateCount
        + gates.lowerBound,
      deviationStride: gateCount, gain: weights.pointer(at: packed.gain) + column,
      bias: weights.pointer(at: packed.normBias) + column,
      gainGradient: gradients, biasGradient: gradients + gateCount * layout.hidden,
      shardStride: places.shardStride, rowsPerShard: sequencesPerShard)
  }

  /// Clears the sums over a layer's rows, before its backward pass.
  func startNormalizationGradients() {
    guard let places = layout.normalization else { return }
    buffer(places.gradients).update(
      repeating: 0, count: shape.directionCount * shards.count * places.shardStride)
  }

  /// Where the sums of a direction are.
  private func normalizationGradients(
    _ places: WorkspaceLayout.Normalization, _ direction: Int
  ) -> Int {
    places.gradients + shape.indexInLayer(ofDirection: direction) * shards.count
      * places.shardStride
  }

  /// Folds the shards' gradients of a direction's gain and bias and writes the partial sums.
  ///
  /// A shard's rows are summed with the last time step first, as back-propagation meets them.
  func finishNormalizationGradients(
    direction: Int, partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    guard let places = layout.normalization else { return }
    let sums = buffer(normalizationGradients(places, direction))
    let entry = places.shardStride
    foldShards(sums, entry: entry)
    let hidden = shape.hiddenSize
    let tensors = table.tensors(ofDirection: direction)
    guard let gain = tensors.gain, let bias = tensors.normBias else { return }
    for node in 0..<partialSumCount {
      for gate in 0..<gateCount {
        let sum = sums + node * entry + gate * layout.hidden
        (partialSums[node] + gain + gate * hidden).update(from: sum, count: hidden)
        (partialSums[node] + bias + gate * hidden)
          .update(from: sum + gateCount * layout.hidden, count: hidden)
      }
    }
  }
}
