package import Checkpoints

/// What a run remembers over stops, besides its state.
package struct RunHistory: Sendable, Equatable {
  /// A validation loss and the step it belongs to.
  package struct Validation: Sendable, Equatable {
    package var step: Int
    /// Nats per token.
    package var loss: Double

    package init(step: Int, loss: Double) {
      self.step = step
      self.loss = loss
    }
  }

  package var best: Validation?
  package var last: Validation?
  /// The best of those steps that have a checkpoint.
  package var bestSaved: Validation?
  /// Steps that made no update because a value was not finite.
  package var skippedSteps = 0
  /// What later steps must know of the validations; the same on every rank.
  package var memory = ValidationMemory()

  package init() {}

  /// Takes note of a validation; a loss that is not finite is never the best.
  package mutating func note(loss: Double, step: Int) {
    let validation = Validation(step: step, loss: loss)
    last = validation
    if loss.isFinite, loss < best?.loss ?? .infinity { best = validation }
  }

  /// Takes note of a checkpoint, with the validation of its step where there was one.
  package mutating func noteCheckpoint(of validation: Validation?) {
    guard let validation, validation.loss.isFinite else { return }
    if validation.loss < bestSaved?.loss ?? .infinity { bestSaved = validation }
  }
}
