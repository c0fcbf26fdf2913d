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

  package init() {}

  /// Takes note of a validation; a loss that is not finite is never the best.
  package mutating func note(loss: Double, step: Int) {
    let validation = Validation(step: step, loss: loss)
    last = validation
    if loss.isFinite, loss < best?.loss ?? .infinity { best = validation }
  }

  /// Takes note of a checkpoint, whose validation came before it.
  package mutating func noteCheckpoint(step: Int) {
    guard let last, last.step == step, last.loss.isFinite else { return }
    if last.loss < bestSaved?.loss ?? .infinity { bestSaved = last }
  }
}
