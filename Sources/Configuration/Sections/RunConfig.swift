package import NumericContract
import Tasks

/// Where a run writes, how long it goes and what it does from time to time (0 = never).
package struct RunConfig: ConfigSection {
  /// What a loss or gradient that is not finite leads to: the end of the run, or the step without
  /// its update.
  package enum NonFiniteAction: String, CaseIterable, Sendable { case stop, skip }

  package var directory = "runs/lm"
  /// Where ranks of a host put what they hold together; nil for TMPDIR.
  package var scratchDirectory: String?
  package var steps = 2000
  /// Passes over the training data that say how many steps there are; nil where `steps` does.
  package var epochs: Double?
  package var seed = 1
  /// By whose rules a run computes; nil before that is decided.
  package var contractVersion: ContractVersion?
  package var logEvery = 10
  package var validateEvery = 200
  package var checkpointEvery = 200
  /// Seconds after which there is a checkpoint however few the steps since the last one.
  package var checkpointSeconds = 0
  package var keepCheckpoints = 3
  /// The measure by which one model is better than another: "loss", or a metric of the task.
  package var bestBy = TaskMetric.loss.name
  /// The least seconds after which a step that does not advance ends the job.
  package var watchdogSeconds = 30
  package var onNonFinite = NonFiniteAction.stop
  /// How often ranks compare their parameters.
  package var verifyEvery = 10
  /// How often one rank computes another one's gradients again.
  package var recomputeEvery = 0
  /// Validations in a row that were not better than the best so far, after which a run ends.
  package var patience = 0
  /// Whether records are written as TensorBoard events too.
  package var tensorboard = false
  /// Tokens to draw from the model after each validation.
  package var sampleLength = 0
  package var hooks = HooksConfig()

  package init() {}

  package static let keys: [ConfigKey<RunConfig>] = trajectoryKeys + savingKeys + watchingKeys

  private static let trajectoryKeys: [ConfigKey<RunConfig>] = [
    ConfigKey(
      "directory", \.directory, .path, resume: .free, "Where metrics and checkpoints go."),
    ConfigKey(
      "scratch_directory", \.scratchDirectory, .optionalPath, resume: .free,
      "Where the ranks of a host hold tokens and numbers of the data once, in a file that is "
        + "unlinked as soon as all have mapped it; null is TMPDIR, or /tmp."),
    // Checkpoint directories name the step by 8 digits.
    ConfigKey(
      "steps", \.steps, .integer(1...99_999_999), resume: .changesTrajectory,
      "Updates to make in all."),
    ConfigKey(
      "epochs", \.epochs, .optionalNumber(.positive), resume: .changesTrajectory,
      "Passes over the training data to make in all, such as 2.5, in place of `steps`: a run makes "
        + "as many updates as that takes, and says how many. `--steps` on the command line goes "
        + "before `epochs` of a file; null leaves it to `steps`."),
    ConfigKey("seed", \.seed, .integer(0...Int.max), "Another seed is another trajectory."),
    ConfigKey(
      "contract_version", \.contractVersion, .contractVersion,
      "The version of the numeric contract; null is the newest, and a resumed run keeps its own."),
  ]

  private static let savingKeys: [ConfigKey<RunConfig>] = [
    ConfigKey(
      "log_every", \.logEvery, .integer(0...Int.max), resume: .free,
      "Steps from one line of metrics to the next."),
    ConfigKey(
      "validate_every", \.validateEvery, .integer(0...Int.max), resume: .changesValidations,
      "Steps between validations."),
    ConfigKey(
      "checkpoint_every", \.checkpointEvery, .integer(0...Int.max), resume: .free,
      "Steps between checkpoints; there is one at the end always, and one of each validation that "
        + "is the best so far."),
    ConfigKey(
      "checkpoint_seconds", \.checkpointSeconds, .integer(0...Int.max), resume: .free,
      "Seconds after the last checkpoint at which there is another one, whatever the step."),
    ConfigKey(
      "keep_checkpoints", \.keepCheckpoints, .integer(1...Int.max), resume: .free,
      "Newest checkpoints that are kept, besides the best one."),
    ConfigKey(
      "best_by", \.bestBy, .text, resume: .changesValidations,
      "What makes a validation the best so far, which writes a checkpoint and counts for "
        + "`run.patience`: `loss`, or one of the task's metrics, such as `accuracy`."),
  ]

  private static let watchingKeys: [ConfigKey<RunConfig>] = [
    ConfigKey(
      "watchdog_seconds", \.watchdogSeconds, .integer(0...86_400), resume: .free,
      "The least seconds after which a step that does not advance ends the job; 0 never does."),
    ConfigKey(
      "on_nonfinite", \.onNonFinite, .choice(), resume: .changesTrajectory,
      "What follows a loss or gradient that is not finite: the end of the run, or the step without "
        + "its update."),
    ConfigKey(
      "verify_every", \.verifyEvery, .integer(0...Int.max), resume: .free,
      "Steps between comparisons of the ranks' parameters."),
    ConfigKey(
      "recompute_every", \.recomputeEvery, .integer(0...Int.max), resume: .free,
      "Steps after which one rank computes another one's gradients again."),
    ConfigKey(
      "patience", \.patience, .integer(0...Int.max), resume: .changesTrajectory,
      "Validations in a row, none of them the best so far, after which the run ends; 0 goes on."),
    ConfigKey(
      "tensorboard", \.tensorboard, .boolean, resume: .free,
      "Whether metrics are written as TensorBoard events too."),
    ConfigKey(
      "sample_length", \.sampleLength, .integer(0...100_000), resume: .free,
      "Tokens to draw from the model after each validation."),
    ConfigKey(section: "hooks", \.hooks),
  ]
}
