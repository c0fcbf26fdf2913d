package import Batches
package import Corpora
package import GRUCore
package import Kernels
import Records

/// Where the training batches come from.
package enum BatchSource {
  /// A corpus, read as contiguous streams whose hidden state is carried from window to window.
  case corpus(TokenCorpus, StreamPlan, WindowJitter)
  /// Uniformly random tokens, for timing.
  case random(vocabularySize: Int, window: Int, Philox)
  /// Sequences that each start from the initial state.
  case sequences(TaskBatches)
  /// One pass over a file, for which a run goes on after its last step.
  indirect case pass(RehearsedPass)
  /// The first batch of another source at every step, each time from the initial state.
  indirect case first(of: BatchSource)

  /// Whether hidden states start from the initial state at this step (counted from 1).
  package func startsEpoch(atStep step: Int) -> Bool {
    switch self {
    case .corpus(_, let plan, _): plan.position(ofStep: step - 1).window == 0
    case .random: step == 1
    case .sequences, .first: true
    case .pass(let pass): pass.startsAnew(at: step)
    }
  }

  /// Batches of one epoch; nil where there is no end.
  package var batchesPerEpoch: Int? {
    switch self {
    case .corpus(_, let plan, _): plan.windowsPerEpoch
    case .sequences(let batches): batches.batchCount
    case .random, .pass, .first: nil
    }
  }

  /// The epoch of a step, counted from 0.
  package func epoch(ofStep step: Int) -> Int {
    switch self {
    case .corpus(_, let plan, _): plan.position(ofStep: step - 1).epoch
    case .random, .first: 0
    case .sequences(let batches): batches.epoch(ofBatch: step - 1)
    case .pass(let pass): pass.epoch(of: step)
    }
  }

  /// Targets of the first `steps` steps, where one of a text counts `perStep`.
  package func targetCount(ofSteps steps: Int, perStep: Int) -> Int {
    switch self {
    case .random, .first: .saturatedProduct(steps, perStep)
    case .corpus(_, let plan, let jitter): targetCount(plan, jitter, ofSteps: steps)
    case .sequences(let batches): batches.targetCount(beforeBatch: steps)
    case .pass(let pass): pass.targetCount(of: steps, perBatch: perStep)
    }
  }

  private func targetCount(_ plan: StreamPlan, _ jitter: WindowJitter, ofSteps steps: Int) -> Int {
    guard steps > 0 else { return 0 }
    let position = plan.position(ofStep: steps - 1)
    let ofEpoch =
      position.window < plan.fullWindows
      ? plan.sequences * self.steps(plan, jitter, atStep: steps).upperBound
      : plan.targets(throughWindow: position.window)
    return .saturatedSum(.saturatedProduct(position.epoch, plan.targetsPerEpoch), ofEpoch)
  }

  /// How many targets the batch of a step has to the usual number; the learning rate goes along, so
  /// that a target of a short batch weighs as much as any other.
  package func relativeLength(atStep step: Int) -> Double {
    if case .pass(let pass) = self {
      let (source, number) = pass.place(of: step)
      return source.relativeLength(atStep: number)
    }
    if case .first(let source) = self { return source.relativeLength(atStep: 1) }
    guard case .corpus(_, let plan, let jitter) = self else { return 1 }
    let index = plan.position(ofStep: step - 1).window
    if index >= plan.fullWindows {
      let targets = index == plan.fullWindows ? plan.lastTargets : plan.restTargets
      return Double(targets) / Double(plan.sequences * plan.window)
    }
    guard jitter.largest > 0 else { return 1 }
    return Double(steps(plan, jitter, atStep: step).count) / Double(plan.window)
  }

  private func steps(
    _ plan: StreamPlan, _ jitter: WindowJitter, atStep step: Int
  ) -> Range<Int> {
    let position = plan.position(ofStep: step - 1)
    return jitter.steps(of: plan, epoch: position.epoch, index: position.window)
  }

  /// Fills a worker's inputs and targets for a step (counted from 1). Does not allocate.
  package func fill(_ worker: SequenceWorker, step: Int) {
    worker.step = UInt32(truncatingIfNeeded: step)
    write(to: worker, step: step)
  }

  private func write(to worker: SequenceWorker, step: Int) {
    switch self {
    case .pass(let pass):
      let (source, number) = pass.place(of: step)
      source.write(to: worker, step: number)
    case .corpus(let corpus, let plan, let jitter):
      let steps = steps(plan, jitter, atStep: step)
      worker.setWindow(steps.count)
      unsafe plan.fill(
        inputs: worker.inputs, targets: worker.targets, corpus: corpus,
        sequences: worker.sequences, steps: steps)
    case .sequences(let batches): batches.fill(worker.buffers, batch: step - 1)
    case .first(let source): source.write(to: worker, step: 1)
    case .random(let vocabularySize, let window, let generator):
      let count = worker.sequences.count
      for t in 0...window {
        for b in 0..<count {
          let word = generator.block(
            step: UInt32(truncatingIfNeeded: step),
            stream: UInt32(worker.sequences.lowerBound + b), layer: 0, element: UInt32(t))[0]
          let token = Int32(truncatingIfNeeded: Int(word) % vocabularySize)
          if t < window { unsafe worker.inputs[t * count + b] = token }
          if t > 0 { unsafe worker.targets[(t - 1) * count + b] = token }
        }
      }
    }
  }
}

extension SequenceWorker {
  /// Where the worker's sequences of a batch are written.
  package var buffers: BatchBuffers {
    let task = shape.task
    return unsafe BatchBuffers(
      sequences: sequences, window: window, inputs: inputs,
      inputValues: task.readsValues ? inputValues : nil, inputStride: inputStride,
      targets: targets, targetValues: task.loss == .softmax ? nil : targetValues,
      targetStride: targetStride, slotCount: slots.perRow, slotStarts: slots.starts,
      slotEnds: slots.ends, isEveryStepRead: task.readout == .every,
      tokensPerStep: task.tokensPerStep)
  }
}
