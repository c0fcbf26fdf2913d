package import Tasks

/// What the output layer of a task reads, and the loss it is trained by; by default those of a
/// language model, which has no keys for these two.
package struct OutputConfig: ConfigSection {
  package var readout = TaskShape.Readout.every
  package var loss = TaskShape.Loss.softmax
  /// What a quantile loss predicts.
  package var quantiles = [0.1, 0.5, 0.9]
  /// How much the losses of each class count in training.
  package var classWeights = ClassWeights.equal
  /// The part of each target of a softmax that all classes share in training.
  package var labelSmoothing = 0.0

  /// Outputs that a step of training draws of a softmax; nil trains on all.
  package var sampled: Int?
  /// The power of an output's frequency that it is drawn in proportion to.
  package var sampledPower = 0.75

  package init() {}

  package static let keys: [ConfigKey<OutputConfig>] = [
    ConfigKey(
      "readout", \.readout, .choice(), tasks: .all.filter { !$0.description.readsText },
      of: { .choice(listing: $0.readouts) },
      "What the output layer reads of a sequence: its last state, their mean, or every state."),
    ConfigKey(
      "loss", \.loss, .choice(), tasks: .all.filter { !$0.description.readsText },
      of: { .choice(listing: $0.losses) },
      "What the model is trained by; of numbers errors of points, several quantiles (by the "
        + "pinball loss), or the likelihood of a normal (`gaussian`) or Student t distribution."),
    ConfigKey(
      "quantiles", \.quantiles, .ascendingFractions, tasks: [.regression, .forecasting],
      "What a `quantile` loss predicts of each target."),
    ConfigKey(
      "class_weights", \.classWeights, .classWeights,
      tasks: .all.filter { $0.description.outputs == .classes },
      "How much the losses of each class count in training: all the same, \"balanced\" (less the "
        + "more frequent a class is, so that all classes together weigh alike), or a number by the "
        + "name of each class, 1 for others. Validations count all alike."),
    ConfigKey(
      "label_smoothing", \.labelSmoothing, .number(.from(0, to: 0.9)),
      tasks: .all.filter { $0.losses.contains(.softmax) },
      "The part of each target that all classes or tokens share in training (label smoothing). "
        + "Validations have none of it."),
    ConfigKey(
      "sampled", \.sampled, .optionalInteger(1...1 << 24), tasks: .all.filter(\.samplesOutputs),
      "Tokens that every step of training draws, with replacement, as negatives for all rows of "
        + "its batch: a sampled softmax, for large vocabularies; null trains on the full one. "
        + "Validations always measure the full softmax."),
    ConfigKey(
      "sampled_power", \.sampledPower, .number(.from(0, to: 1)),
      tasks: .all.filter(\.samplesOutputs),
      "They are drawn with probability in proportion to this power of how often each is a target "
        + "of training: 0 draws all alike, 1 by frequency."),
  ]

  package mutating func adopt(_ task: TaskName) {
    readout = task.readouts[0]
    loss = task.losses[0]
  }

  package func check(_ place: ConfigPlace, task: TaskName) throws(ConfigError) {
    guard task.readouts.contains(readout) else {
      throw place.failure(
        "readout", "\"\(readout.rawValue)\" is not possible with task \"\(task.rawValue)\"",
        hint: "possible are \(task.readouts.quoted)")
    }
    guard task.losses.contains(loss) else {
      throw place.failure(
        "loss", "\"\(loss.rawValue)\" is not possible with task \"\(task.rawValue)\"",
        hint: "possible are \(task.losses.quoted)")
    }
  }
}
