import Testing

/// Options of the model in whole training steps.
@Suite struct ModelOptionsTrainingTests {
  static let options = [
    ["model.dropout=0.3"],
    ["model.dropout=0.3", "model.dropout_kind=locked"],
    ["model.embedding_dropout=0.2"], ["model.recurrent_dropout=0.5"],
    ["model.layer_norm=true"], ["model.layer_norm=true", "model.reset=after"],
    // Epochs of a few steps, so that streams start more than once.
    ["model.learned_initial_state=true", "data.valid_fraction=0.85", "batch.accumulate=2"],
    ["model.initial_update_bias=-1"],
    ["model.tie_weights=true", "model.embedding=20", "model.dropout=0.1"],
    ["data.tokenizer=bpe", "data.vocabulary_limit=270", "model.adaptive_softmax=[40,260]"],
  ]

  @Test(arguments: options)
  func trajectoryIsBitIdenticalAtAnyWorkerCount(options: [String]) throws {
    var problem = try TrainingProblem()
    defer { problem.remove() }
    problem.assignments += options
    let alone = try problem.trajectory(ranks: 1, threads: 1, steps: 6)
    #expect(try problem.trajectory(ranks: 1, threads: 3, steps: 6) == alone)
    #expect(try problem.trajectory(ranks: 3, threads: 2, steps: 6, isa: "portable") == alone)
    problem.assignments = Array(problem.assignments.dropLast(options.count))
    #expect(try problem.trajectory(ranks: 1, threads: 1, steps: 6) != alone)
  }
}
