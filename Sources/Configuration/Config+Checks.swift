package import Tasks

extension Config {
  package func check(_ place: ConfigPlace, task: TaskName) throws(ConfigError) {
    guard batch.sequences.isMultiple(of: batch.shards) else {
      let valid = (1...batch.sequences).filter { batch.sequences.isMultiple(of: $0) }
      throw place.failure(
        "batch.shards",
        "\(batch.shards) shards do not divide batch.sequences, which is \(batch.sequences)",
        hint: "possible are \(shortList(valid))")
    }
    let description = taskDescription
    if let generated = description.generated, batch.window < generated.leastSteps {
      throw place.failure(
        "batch.window",
        "is the length of sequences, expected at least \(generated.leastSteps), "
          + "found \(batch.window)"
      )
    }
    if model.embeddingDropout > 0, !description.readsTokens {
      throw place.failure(
        "model.embedding_dropout",
        "drops tokens, and the task \"\(task.rawValue)\" reads real values",
        hint: "set it to 0")
    }
    guard description.predictsVocabulary || !model.tieWeights else {
      throw place.failure(
        "model.tie_weights",
        "ties the tokens that a model reads to those it predicts, "
          + "and the task is \"\(task.rawValue)\"",
        hint: "set it to false")
    }
    if model.bidirectional, !description.allowsBothDirections {
      throw place.failure(
        "model.bidirectional",
        "reads what comes after a step too, and the task \"\(task.rawValue)\" is to predict that",
        hint: "set it to false; possible with tasks "
          + TaskName.allCases.filter(\.description.allowsBothDirections).map {
            "\"\($0.rawValue)\""
          }
          .joined(separator: ", "))
    }
    if !description.writesText, !model.adaptiveSoftmax.isEmpty {
      throw place.failure(
        "model.adaptive_softmax", "is for task \"language\" only", hint: "set it to null")
    }
    try checkReadout(place)
    try checkJitter(place, description)
    if optimizer.lazy, model.tieWeights {
      throw place.failure(
        "optimizer.lazy",
        "leaves rows of the embedding alone that no input looks up, but "
          + "with model.tie_weights every row has a gradient in every step",
        hint: "set it to false")
    }
    try checkCompression(place)
    try checkLocalUpdates(place)
    try checkJudgement(place, description)
    guard let key = keyThatNeedsValidation else { return }
    if run.validateEvery == 0 {
      throw place.failure(
        key, "needs validations, and run.validate_every is 0", hint: "set run.validate_every")
    }
    if !data.hasValidation(task) {
      throw place.failure(
        key,
        "needs validations, and there is no validation \(description.readsText ? "text" : "data")",
        hint: description.isGenerated
          ? "set data.valid_sequences" : "set data.valid or data.valid_fraction")
    }
  }

  /// Checks that a text has one class.
  private func checkReadout(_ place: ConfigPlace) throws(ConfigError) {
    guard task == .classification, data.tokens.tokenizer != nil, output.readout == .every else {
      return
    }
    throw place.failure(
      "output.readout", "is \"every\", and a text has one class",
      hint: "a class of every word is task \"tagging\"; else set it to \"last\" or \"mean\"")
  }

  /// Checks that windows whose length varies follow each other in one text.
  private func checkJitter(
    _ place: ConfigPlace, _ description: TaskDescription
  ) throws(ConfigError) {
    if description.carriesState || batch.windowJitter == 0 { return }
    throw place.failure(
      "batch.window_jitter",
      task == .language
        ? "is for one stream of text, and data.documents cuts it"
        : "is for task \"language\" only", hint: "set it to 0")
  }

  /// Checks by what models are trained and ranked.
  private func checkJudgement(
    _ place: ConfigPlace, _ task: TaskDescription
  ) throws(ConfigError) {
    try checkSmoothing(place)
    try checkSampling(place)
    try checkMeasure(place, task)
  }

  /// Checks that what smoothed labels need is there.
  private func checkSmoothing(_ place: ConfigPlace) throws(ConfigError) {
    if output.labelSmoothing == 0 || model.adaptiveSoftmax.isEmpty { return }
    throw place.failure(
      "output.label_smoothing",
      "shares targets among all tokens, and model.adaptive_softmax never has the scores of all",
      hint: "set output.label_smoothing to 0, or model.adaptive_softmax to null")
  }

  /// Checks that nothing else needs the scores of all outputs in training.
  private func checkSampling(_ place: ConfigPlace) throws(ConfigError) {
    if output.sampled == nil { return }
    for (key, isSet, reset, problem) in [
      ("model.adaptive_softmax", !model.adaptiveSoftmax.isEmpty, "null", "is another output layer"),
      ("model.tie_weights", model.tieWeights, "false", "has a gradient of every token"),
      ("output.label_smoothing", output.labelSmoothing > 0, "0", "shares targets among all"),
    ] where isSet {
      throw place.failure(
        "output.sampled",
        "trains on the outputs that a step has drawn, and \(key) \(problem)",
        hint: "set output.sampled to null, or \(key) to \(reset)")
    }
  }

  /// Checks that models of the task can be ranked by what the config says.
  private func checkMeasure(
    _ place: ConfigPlace, _ task: TaskDescription
  ) throws(ConfigError) {
    let names = task.measures.map(\.name)
    guard !names.contains(run.bestBy) else { return }
    throw place.failure(
      "run.best_by", "the task \"\(task.name)\" has no measure \"\(run.bestBy)\"",
      hint: "possible are " + names.map { "\"\($0)\"" }.joined(separator: ", "))
  }

  /// Checks that shards can be grouped for the way between ranks.
  private func checkCompression(_ place: ConfigPlace) throws(ConfigError) {
    guard exchange.compression != .none else { return }
    let groups = exchange.compressionGroups
    guard batch.canCutShards(into: groups) else {
      let possible = (1...batch.shards).filter { batch.canCutShards(into: $0) }
      throw place.failure(
        "exchange.compression_groups",
        groups == 0
          ? "exchange.compression needs it, because the trajectory depends on it"
          : "\(groups) groups do not cut \(batch.shards) shards at nodes of the canonical tree",
        hint: "set it to the number of ranks; with batch.shards \(batch.shards) possible are "
          + shortList(possible))
    }
    if optimizer.lazy {
      throw place.failure(
        "optimizer.lazy",
        "leaves rows of the embedding alone that no input looks up, but with "
          + "exchange.compression there is a gradient in them that was left out before",
        hint: "set it to false")
    }
  }

  /// By what the run decides which of its models is the best.
  package var measure: TaskMetric {
    taskDescription.measures.first { $0.name == run.bestBy } ?? .loss
  }

  /// A key whose value makes steps depend on validations; nil where none does.
  package var keyThatNeedsValidation: String? {
    if optimizer.schedule.name == .plateau { return "optimizer.schedule.name" }
    if run.patience > 0 { return "run.patience" }
    if optimizer.name == .asgd { return "optimizer.name" }
    return nil
  }
}

/// A list cut short in the middle when it is long.
func shortList(_ values: [Int]) -> String {
  values.count <= 12
    ? values.map(String.init).joined(separator: ", ")
    : values.prefix(8).map(String.init).joined(separator: ", ") + ", ... , \(values.last ?? 0)"
}
