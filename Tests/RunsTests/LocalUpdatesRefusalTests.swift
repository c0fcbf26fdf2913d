import Collectives
import Configuration
import Engine
import Records
import Runs
import Studies
import Testing

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
