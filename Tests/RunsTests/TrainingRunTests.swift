import Collectives
import Configuration
import Corpora
import Engine
import Records
import Runs
import Scoring
import Studies
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

@Suite struct ScorerTests {
  @Test func validationDoesNotDisturbTraining() throws {
    let problem = try TrainingProblem()
    defer { problem.remove() }
    let plain = try problem.trainer(on: SoloCommunicator()).0
    let (validated, setup) = try problem.trainer(on: SoloCommunicator())
    let scorer = Scorer(
      task: setup.config.taskDescription, decoder: try setup.decoder(),
      replica: validated.replica, communicator: SoloCommunicator())
    for _ in 0..<4 {
      let outcome = try validated.performStep()
      #expect(outcome.loss == (try plain.performStep().loss))
      let score = try scorer.score(on: setup.validation!)
      #expect(score.targets == setup.split!.validation!.range.count - 1)
      #expect(score.bytes > score.targets)
    }
  }
}

@Suite struct LocalUpdatesRefusalTests {
  private static let rounds = [
    "exchange.synchronize_every=3", "exchange.local_groups=4", "run.steps=99", "run.log_every=3",
    "run.validate_every=3", "run.checkpoint_every=3", "optimizer.learning_rate=0.01",
  ]

  @Test func debugAndPlanRejectLocalUpdates() throws {
    var problem = try TrainingProblem()
    defer { problem.remove() }
    problem.assignments += Self.rounds
    var options = try problem.options(threads: 1)
    options.debug = true
    let debug = #expect(throws: AgreedError.self) {
      _ = try TrainingRun(options, on: SoloCommunicator(), launchedByMPI: false)
    }
    #expect("\(try #require(debug))".contains("--set exchange.synchronize_every=0"))
    let cluster = Cluster(
      hosts: 2, ranksPerHost: 1, threads: 1, cores: 1, bandwidth: 1e9, latency: 1e-4)
    let plan = ScalePlan(
      options: try problem.options(threads: 1), cluster: cluster, overlaps: true)
    let error = #expect(throws: ConfigError.self) {
      try plan.run(console: Console(isJSON: false, isCoordinator: false))
    }
    #expect("\(try #require(error))".contains("exchange.synchronize_every"))
  }
}
