package import Configuration

/// What a rank asks of all ranks in a step's decision. Whatever one of them asks for, all of them
/// do, after the same step.
package struct StepRequests: OptionSet, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Stop after this step, with a checkpoint.
  package static let stop = StepRequests(rawValue: 1)
  /// Write a checkpoint after this step and go on.
  package static let save = StepRequests(rawValue: 2)
  /// End the run: rank 0 found that the state cannot be saved as it is.
  package static let fault = StepRequests(rawValue: 4)
  /// Gradients that this rank computed again were not those of the first time.
  static let gradientMismatch = StepRequests(rawValue: 8)
  /// A group of this rank's shards found a value that is not finite.
  static let failedUpdate = StepRequests(rawValue: 16)
}

/// What is looked for besides the computation of a step (0 = never).
package struct StepChecks: Sendable {
  /// How often ranks compare their parameters.
  package var verifyEvery = 0
  /// How often one rank computes another one's gradients again.
  package var recomputeEvery = 0
  /// Decides whose.
  package var seed = 0

  package init() {}

  package init(_ run: RunConfig) {
    verifyEvery = run.verifyEvery
    recomputeEvery = run.recomputeEvery
    seed = run.seed
  }

  /// Whether one of the steps after `before` up to `step` is one to compare parameters at.
  func isVerificationDue(after before: Int, through step: Int) -> Bool {
    verifyEvery > 0 && step / verifyEvery > before / verifyEvery
  }

  func isRecomputationDue(atStep step: Int) -> Bool {
    recomputeEvery > 0 && step.isMultiple(of: recomputeEvery)
  }
}
