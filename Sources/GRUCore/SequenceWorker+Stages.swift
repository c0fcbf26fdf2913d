import Cells
import Kernels

/// The stages of the backward pass of a training step.
extension SequenceWorker {
  /// One stage of the backward pass, after those before it.
  package func performStage(
    _ stage: Int, weights: PackedWeights, partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    if stage < reach.stages {
      compute(stages[stage], weights: weights, partialSums: partialSums)
    }
    if stage == stages.count - 1 { carryState() }
    timer.enter(.other)
  }

  private func compute(
    _ stage: BackwardStage, weights: PackedWeights,
    partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    switch stage {
    case .output:
      weights.clearGaps(ofLayer: shape.layerCount)
      if shape.tiesWeights {
        embeddingGradient.assignSlots(
          inputs: inputs, window: window, sequences: sequences.count,
          sequencesPerShard: sequencesPerShard)
      }
      output(weights: weights, partialSums: partialSums)
      sumLosses()
    case .embedding:
      backward(layer: 0, weights: weights)
      weights.clearGaps(ofLayer: -1)
      if reach.floor < 0 { embeddingGradients(partialSums: partialSums) }
    case .weights(let direction, let stage):
      let layer = shape.layer(ofDirection: direction)
      if stage == 0 {
        // Where there is an embedding, its stage has been through layer 0.
        if layer > 0 || !shape.task.readsTokens, !shape.isReversed(direction) {
          backward(layer: layer, weights: weights)
        }
        weights.clearGaps(ofLayer: layer)
        finishNormalizationGradients(direction: direction, partialSums: partialSums)
        finishInitialGradient(direction: direction, partialSums: partialSums)
      }
      weightGradients(direction: direction, stage: stage, partialSums: partialSums)
      if passesDownLast(layer), stage == shape.cell.stages.count - 1 {
        passDown(direction: direction, weights: weights, gradientBuffers(layer: layer).lower)
      }
    }
  }

  /// The layer whose BPTT a stage begins with; nil where it goes on or is that of the output layer.
  package func layerBegun(byStage stage: Int) -> Int? {
    if stage >= reach.stages { return nil }
    switch stages[stage] {
    case .output: return nil
    case .embedding: return 0
    case .weights(let direction, let stage):
      let layer = shape.layer(ofDirection: direction)
      let isFirst = stage == 0 && !shape.isReversed(direction)
      return isFirst && (layer > 0 || !shape.task.readsTokens) ? layer : nil
    }
  }

  /// Whether a layer's weight gradients come before the gradient of its input, which then takes
  /// the place of what they have read. That of the embedding is not to wait for them.
  func passesDownLast(_ layer: Int) -> Bool { layout.reusesActivations && layer > 0 }

  /// The two buffers through which gradients go down: every layer reads that of its output from one
  /// and leaves that of its input in the other.
  func gradientBuffers(
    layer: Int
  ) -> (upper: UnsafeMutablePointer<Float>, lower: UnsafeMutablePointer<Float>) {
    let isFlipped = (shape.layerCount - 1 - layer) & 1 == 1
    let upper = buffer(layout.upper)
    let lower = buffer(layout.lower)
    return isFlipped ? (lower, upper) : (upper, lower)
  }

  private func backward(layer: Int, weights: PackedWeights) {
    let (upper, lower) = gradientBuffers(layer: layer)
    startNormalizationGradients()
    startInitialGradient()
    if shape.isBidirectional { splitGradient(upper) }
    for direction in shape.directions(ofLayer: layer) {
      let index = shape.indexInLayer(ofDirection: direction)
      backward(
        direction: direction, weights: weights,
        upper: shape.isBidirectional ? buffer(layout.directionUppers[index]) : upper,
        lower: lower)
    }
    if layer > reach.floor, !passesDownLast(layer) { dropGradient(layer: layer, lower) }
  }
}
