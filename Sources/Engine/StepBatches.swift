import GRUCore

/// The batches that each step trains on.
package struct StepBatches {
  package let source: BatchSource
  /// Batches whose gradients one update sums.
  package let perStep: Int

  /// The numbers of a step's batches; both are counted from 1.
  func numbers(ofStep step: Int) -> ClosedRange<Int> {
    (step - 1) * perStep + 1...step * perStep
  }

  /// A batch of a step, by its place among them.
  func batch(_ place: Int, ofStep step: Int) -> StepBatch {
    StepBatch(
      number: (step - 1) * perStep + place + 1, isFirst: place == 0, isLast: place == perStep - 1)
  }

  /// How much longer than usual the batches of a step are.
  func relativeLength(ofStep step: Int) -> Double {
    let sum = numbers(ofStep: step).reduce(0.0) { $0 + source.relativeLength(atStep: $1) }
    return sum / Double(perStep)
  }

  /// The epoch in which a step begins, counted from 0.
  package func epoch(ofStep step: Int) -> Int {
    source.epoch(ofStep: numbers(ofStep: step).lowerBound)
  }

  /// Targets of the first `steps` steps, where a batch of a text has `perBatch` but for jitter.
  package func targetCount(ofSteps steps: Int, perBatch: Int) -> Int {
    source.targetCount(ofSteps: steps * perStep, perStep: perBatch)
  }
}

/// One of the batches of a step.
struct StepBatch {
  /// Among those of the run, counted from 1.
  var number: Int
  /// Whether it is the step's first, and its last.
  var isFirst: Bool
  var isLast: Bool
}
