/// Commands that the coordinator starts beside the training when something happens to the run.
package struct HooksConfig: ConfigSection {
  /// Programs and their arguments; nil starts nothing.
  package var checkpoint: [String]?
  package var best: [String]?
  package var done: [String]?
  package var failed: [String]?
  /// What each may take.
  package var seconds = 60

  package init() {}

  /// Whether nothing is started.
  package var isEmpty: Bool { checkpoint == nil && best == nil && done == nil && failed == nil }

  package static let keys: [ConfigKey<HooksConfig>] = [
    ConfigKey(
      "checkpoint", \.checkpoint, .optionalCommand, resume: .free,
      "What is started when a checkpoint is on the disk; see [hooks.md](hooks.md)."),
    ConfigKey(
      "best", \.best, .optionalCommand, resume: .free,
      "What is started when the checkpoint of the best validation so far is on the disk."),
    ConfigKey(
      "done", \.done, .optionalCommand, resume: .free,
      "What is started when the run has made its last step."),
    ConfigKey(
      "failed", \.failed, .optionalCommand, resume: .free,
      "What is started when the run ends with an error."),
    ConfigKey(
      "seconds", \.seconds, .integer(1...86_400), resume: .free,
      "What such a command may take, and how long the run waits for the last ones at its end."),
  ]
}
