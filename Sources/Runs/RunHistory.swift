package import Checkpoints
import Records
package import Tasks

/// What a run remembers over stops, besides its state.
package struct RunHistory: Sendable, Equatable {
  /// What a validation has measured, and the step it belongs to.
  package struct Validation: Sendable, Equatable {
    package var step: Int
    /// In the unit of the task.
    package var loss: Double
    /// Of the measure by which the run decides which of its models is the best.
    package var value: Double

    package init(step: Int, loss: Double, value: Double) {
      self.step = step
      self.loss = loss
      self.value = value
    }
  }

  /// A value, and the step it belongs to.
  package struct Mark: Sendable, Equatable {
    package var step: Int
    package var value: Double

    package init(step: Int, value: Double) {
      self.step = step
      self.value = value
    }
  }

  /// By what one model is better than another.
  package let measure: TaskMetric
  /// The lowest loss so far.
  package var lowest: Mark?
  /// The best value of the measure so far.
  package var best: Mark?
  package var last: Validation?
  /// The best of those steps that have a checkpoint.
  package var bestSaved: Validation?
  /// The validation of the step whose checkpoint is being written.
  package var pending: Validation?
  /// Steps that made no update because a value was not finite.
  package var skippedSteps = 0
  /// What the run has started from and taken over; nil where that is nothing. On rank 0.
  var origin: OrderedJSON?
  /// What later steps must know of the validations; the same on every rank.
  package var memory = ValidationMemory()

  /// Passes over files so far.
  package var filePasses: [FilePass] = []
  /// Whether the best model is found by the newest file, and not by validations.
  package var isJudgedByFiles = false

  package init(measure: TaskMetric) { self.measure = measure }

  /// Takes note of a validation; what is not finite is never the best.
  package mutating func note(_ validation: Validation) {
    let step = validation.step
    last = validation
    if TaskMetric.loss.isBetter(validation.loss, than: lowest?.value) {
      lowest = Mark(step: step, value: validation.loss)
    }
    if measure.isBetter(validation.value, than: best?.value) {
      best = Mark(step: step, value: validation.value)
    }
  }

  /// Whether a validation is better than those of all steps that have a checkpoint, or are about to
  /// get one.
  package func isBetterThanSaved(_ validation: Validation) -> Bool {
    !isJudgedByFiles && measure.isBetter(validation.value, than: bestSaved?.value)
      && (pending == nil || measure.isBetter(validation.value, than: pending?.value))
  }

  /// What stalled validations have not brought, in words.
  var noBetter: String {
    measure == .loss ? "no lower loss" : "no better \(measure.name)"
  }

  /// Takes note of a checkpoint, with the validation of its step where there was one.
  package mutating func noteCheckpoint(of validation: Validation?) {
    guard let validation, !isJudgedByFiles else { return }
    if measure.isBetter(validation.value, than: bestSaved?.value) { bestSaved = validation }
  }
}

/// The form in which checkpoints keep it.
extension RunHistory {
  /// What a run knows that goes on from a checkpoint.
  ///
  /// - Parameter isComparable: whether losses so far can be compared with those to come: not where
  ///   they are of another text.
  package init(of state: TrainingState, measure: TaskMetric, isComparable: Bool) {
    self.init(measure: measure)
    skippedSteps = state.skippedSteps ?? 0
    filePasses = state.filePasses
    origin = state.startedFrom
    if isComparable {
      if let loss = state.bestValidationLoss, let step = state.bestValidationStep {
        lowest = Mark(step: step, value: loss)
      }
      takeBest(of: state)
      memory = state.validation ?? ValidationMemory(lowestLoss: lowest?.value)
      if measure == .loss {
        memory.bestValue = nil
      } else if memory.bestValue == nil {
        memory.bestValue = best?.value
      }
      // Validations were counted since the best of another measure.
      if state.measureName != measure.name {
        memory.bestValue = nil
        memory.stalled = 0
      }
    }
    memory.decays = state.validation?.decays ?? 0
    memory.isAveraging = state.validation?.isAveraging ?? false
  }

  /// Takes what is known of the best by the measure.
  private mutating func takeBest(of state: TrainingState) {
    let isSame = state.measureName == measure.name
    if measure == .loss {
      best = lowest
    } else if isSame, let value = state.bestValue, let step = state.bestValueStep {
      best = Mark(step: step, value: value)
    }
    guard let step = state.bestCheckpointStep, let loss = state.bestCheckpointLoss else { return }
    if measure == .loss {
      bestSaved = Validation(step: step, loss: loss, value: loss)
    } else if isSame, let value = state.bestCheckpointValue {
      bestSaved = Validation(step: step, loss: loss, value: value)
    }
  }

  /// Says in `state` what a run must know that goes on from there.
  ///
  /// - Parameter keepsMemory: whether later steps depend on validations.
  func write(to state: inout TrainingState, keepsMemory: Bool) {
    state.bestValidationLoss = lowest?.value
    state.bestValidationStep = lowest?.step
    state.bestCheckpointLoss = bestSaved?.loss
    state.bestCheckpointStep = bestSaved?.step
    state.validatedStep = last?.step ?? 0
    state.validation = keepsMemory ? memory : nil
    state.skippedSteps = skippedSteps > 0 ? skippedSteps : nil
    state.filePasses = filePasses
    state.startedFrom = origin
    if measure == .loss { return }
    state.bestMeasure = measure.name
    state.bestValue = best?.value
    state.bestValueStep = best?.step
    state.bestCheckpointValue = bestSaved?.value
  }
}
