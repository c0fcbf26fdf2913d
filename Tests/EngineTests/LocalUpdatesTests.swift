import Collectives
import Configuration
import GRUCore
import Kernels
import Records
import Testing

@testable import Engine

@Suite struct LocalUpdatesTests {
  private static let rounds = [
    "exchange.synchronize_every=3", "exchange.local_groups=4", "run.steps=99", "run.log_every=3",
    "run.validate_every=3", "run.checkpoint_every=3", "optimizer.learning_rate=0.01",
  ]

  @Test(arguments: [
    ["optimizer.name=adamw", "optimizer.weight_decay=0.1"],
    ["optimizer.name=sgd", "optimizer.momentum=0.9", "model.reset=after"],
    ["optimizer.lazy=true", "model.embedding=700", "exchange.sparse=always"],
    ["optimizer.name=adagrad", "model.embedding=700", "exchange.sparse=always"],
    ["batch.accumulate=2", "batch.window_jitter=2", "model.learned_initial_state=true"],
    ["model.recurrent_dropout=0.2", "model.dropout=0.1", "exchange.progress=thread"],
  ])
  func trajectoryIsBitIdenticalAtAnyRankAndThreadCount(assignments: [String]) throws {
    var problem = try TrainingProblem()
    defer { problem.remove() }
    problem.assignments += Self.rounds + assignments
    let alone = try problem.trajectory(ranks: 1, threads: 1, steps: 4)
    for (ranks, threads, bucketBytes) in [
      (1, 2, 1), (1, 3, 1 << 20), (1, 8, 1 << 20), (2, 1, 1), (2, 4, 30_000), (4, 1, 1 << 20),
      (4, 2, 1),
    ] {
      #expect(
        try problem.trajectory(
          ranks: ranks, threads: threads, steps: 4, bucketBytes: bucketBytes) == alone,
        "\(ranks) ranks x \(threads) threads")
    }
    for set in InstructionSet.available {
      #expect(
        try problem.trajectory(ranks: 2, threads: 1, steps: 4, isa: set.rawValue) == alone)
    }
    problem.assignments.append("exchange.local_groups=2")
    #expect(try problem.trajectory(ranks: 1, threads: 1, steps: 4) != alone)
  }

  @Test func threeGroupsAreBitIdenticalAtAnyRankCount() throws {
    var problem = try TrainingProblem("batch.sequences=24")
    defer { problem.remove() }
    problem.assignments += Self.rounds + ["batch.shards=12", "exchange.local_groups=3"]
    let alone = try problem.trajectory(ranks: 1, threads: 1, steps: 4)
    #expect(try problem.trajectory(ranks: 1, threads: 2, steps: 4) == alone)
    #expect(try problem.trajectory(ranks: 3, threads: 2, steps: 4) == alone)
  }

  /// What one group's shards make of `parameters` in the world that the groups are ranks of.
  private func trainer(_ problem: TrainingProblem, group: Int, of groups: Int) throws -> Trainer {
    let setup = try problem.setup(on: SoloCommunicator(), threads: 1)
    let batch = setup.config.batch
    var settings = StepSettings(setup.config)
    settings.exchange = ExchangeConfig()
    return try Trainer(
      replica: Replica(
        shape: setup.shape, kernels: setup.kernels, window: batch.window,
        plan: ShardPlan(
          sequences: batch.sequences, shards: batch.shards, ranks: groups, threads: 1),
        rank: group),
      communicator: SoloCommunicator(), source: setup.batches, settings: settings)
  }

  /// Whole rounds beside groups that are trained one by one and brought together element by
  /// element.
  @Test func roundsEqualTheScalarReference() throws {
    var problem = try TrainingProblem()
    defer { problem.remove() }
    problem.assignments += Self.rounds + ["exchange.outer_learning_rate=0.6"]
    let subject = try problem.trainer(on: SoloCommunicator(), threads: 2).0
    let groups = try (0..<4).map { try trainer(problem, group: $0, of: 4) }
    let count = subject.replica.table.elementCount
    var parameters = (0..<count).map { subject.replica.parameters.pointer[$0] }
    var velocity = [Float](repeating: 0, count: count)
    for round in 1...4 {
      let outcome = try subject.performStep()
      var loss = 0.0
      var tokens = 0
      for group in groups {
        for element in 0..<count { group.replica.parameters.pointer[element] = parameters[element] }
        group.replica.repack()
        for _ in 0..<3 {
          let step = try group.performStep()
          loss += step.loss * Double(step.tokens)
          tokens += step.tokens
        }
      }
      var squares = 0.0
      for element in 0..<count {
        let d = groups.map { parameters[element] - $0.replica.parameters.pointer[element] }
        let mean = ((d[0] + d[1]) + (d[2] + d[3])) / 4
        squares += Double(mean) * Double(mean)
        velocity[element] = mean.addingProduct(velocity[element], 0.9)
        let ahead = mean.addingProduct(velocity[element], 0.9)
        parameters[element] = parameters[element].addingProduct(-0.6, ahead)
      }
      let found = (0..<count).map { subject.replica.parameters.pointer[$0] }
      #expect(found == parameters, "round \(round)")
      #expect(subject.step == 3 * round && outcome.step == 3 * round && outcome.steps == 3)
      #expect(outcome.tokens == tokens)
      // Losses are summed in another order, squares in single precision.
      #expect(abs(outcome.loss * Double(tokens) / loss - 1) < 1e-12)
      #expect(abs(outcome.gradientNorm / squares.squareRoot() - 1) < 1e-5)
    }
  }

  /// With one group whose change is taken as it is, a round is the updates themselves, but for the
  /// rounding of θ − (θ − θ'): at most one of each of the two differences.
  @Test func oneGroupEqualsSynchronousTraining() throws {
    var problem = try TrainingProblem()
    defer { problem.remove() }
    problem.assignments += ["run.steps=99", "optimizer.name=sgd", "optimizer.learning_rate=0.1"]
    let plain = try problem.trainer(on: SoloCommunicator()).0
    problem.assignments +=
      Self.rounds + [
        "exchange.local_groups=1", "exchange.outer_learning_rate=1", "exchange.outer_momentum=0",
        "optimizer.learning_rate=0.1",
      ]
    let subject = try problem.trainer(on: SoloCommunicator()).0
    for _ in 0..<5 {
      let outcome = try subject.performStep()
      let steps = try (0..<3).map { _ in try plain.performStep() }
      #expect(abs(outcome.loss - steps.map(\.loss).reduce(0, +) / 3) < 1e-6)
      #expect(outcome.learningRate == steps[2].learningRate)
    }
    var largest: Float = 0
    for element in 0..<plain.replica.table.elementCount {
      largest = max(
        largest,
        abs(plain.replica.parameters.pointer[element] - subject.replica.parameters.pointer[element])
      )
    }
    #expect(largest < 1e-6)
    #expect(subject.engine.batches.epoch(ofStep: 16) == plain.engine.batches.epoch(ofStep: 16))
  }

  @Test func roundSendsAsManyBytesAsAStep() throws {
    var problem = try TrainingProblem()
    defer { problem.remove() }
    func bytes(ranks: Int) throws -> [Int] {
      try ThreadWorld.run(ranks: ranks) { communicator in
        let trainer = try problem.trainer(on: communicator).0
        _ = try trainer.performStep()
        return try trainer.performStep().sentBytes
      }
    }
    let plain = try (bytes(ranks: 2), bytes(ranks: 4))
    problem.assignments += Self.rounds
    #expect(try bytes(ranks: 2) == plain.0)
    #expect(try bytes(ranks: 4) == plain.1)
    #expect(try bytes(ranks: 1) == [0])
  }

  @Test func threadsAreDividedAmongGroups() {
    func lanes(_ groups: Int, _ threads: Int, _ shards: Int) -> [Int] {
      let found = LocalRounds.lanes(groups: groups, threads: threads, shardsOfGroup: shards)
      return [found.lanes, found.threads]
    }
    #expect(lanes(1, 1, 8) == [1, 1])
    #expect(lanes(1, 4, 8) == [1, 4])
    #expect(lanes(1, 8, 4) == [1, 4])
    #expect(lanes(4, 2, 2) == [2, 1])
    #expect(lanes(2, 4, 2) == [2, 2])
    #expect(lanes(4, 8, 2) == [4, 2])
    #expect(lanes(3, 2, 4) == [1, 2])
    #expect(lanes(3, 2, 1) == [2, 1])
    #expect(lanes(8, 3, 1) == [3, 1])
  }

  /// Groups that cannot go on end the round on every rank alike, with the place of the first.
  @Test(arguments: [1, 2, 4]) func nonFiniteValuesAreNamed(ranks: Int) throws {
    var problem = try TrainingProblem()
    defer { problem.remove() }
    problem.assignments += Self.rounds
    let messages = try ThreadWorld.run(ranks: ranks) { communicator in
      let trainer = try problem.trainer(on: communicator).0
      _ = try trainer.performStep()
      for group in trainer.rounds?.groups ?? [] where group.number >= 2 {
        group.updates.faultAfterGradients = { [unowned group] sums in
          if group.engine.state.step == 5 { sums[0][7] = .nan }
        }
      }
      do {
        _ = try trainer.performStep()
        return ""
      } catch {
        #expect(trainer.step == 3)
        return "\(error)"
      }
    }
    #expect(Set(messages).count == 1)
    #expect(messages[0].hasPrefix("step 5: "), "\(messages[0])")
    #expect(
      messages[0].contains("group 2, the gradient of embedding.weight, element [0, 7]: nan"),
      "\(messages[0])")
  }

  /// A last update that leaves a value beyond all bounds has no later loss to show it.
  @Test func nonFiniteDeltasAreNamed() throws {
    var problem = try TrainingProblem()
    defer { problem.remove() }
    problem.assignments += Self.rounds
    let trainer = try problem.trainer(on: SoloCommunicator()).0
    let group = try #require(trainer.rounds?.groups[1])
    group.updates.faultAfterGradients = { [unowned group] _ in
      if group.engine.state.step == 3 {
        group.engine.replica.parameters.pointer[5] = .infinity
      }
    }
    let error = #expect(throws: NonFiniteError.self) { _ = try trainer.performStep() }
    let text = "\(try #require(error))"
    #expect(text.hasPrefix("step 3: "), "\(text)")
    #expect(text.contains("first in the change of embedding.weight, element [0, 5]: "), "\(text)")
  }

  @Test func rejectsUnsupportedCombinations() throws {
    func message(_ assignments: String..., ranks: Int = 1) -> String {
      do {
        let config = try Config(
          json: Array(#"{"data": {"train": "t"}}"#.utf8), file: "c.json",
          overrides: assignments.map { ConfigOverride(set: $0) })
        try config.validate(ranks: ranks, place: "c.json")
        return ""
      } catch {
        return "\(error)"
      }
    }
    let every = "exchange.synchronize_every=20"
    let groups = "exchange.local_groups=4"
    let log = "run.log_every=20"
    #expect(message(every).contains("exchange.local_groups: exchange.synchronize_every needs it"))
    #expect(message(every).contains("possible are 1, 2, 4, 8"))
    #expect(
      message(every, "exchange.local_groups=3").contains(
        "3 groups do not cut 8 shards at nodes of the canonical tree"))
    #expect(message(every, groups, log).isEmpty)
    #expect(message(every, groups, log, ranks: 2).isEmpty)
    #expect(
      message(every, groups, log, ranks: 3).contains(
        "exchange.local_groups: 4 groups cannot be dealt to 3 ranks as wholes; "
          + "possible numbers of ranks are 1, 2, 4"))
    #expect(
      message(every, groups).contains(
        "run.log_every: expected a multiple of exchange.synchronize_every, which is 20, found 10; "
          + "the nearest are 20; 0 is never"))
    #expect(
      message(every, groups, log, "run.steps=2010").contains(
        "run.steps: expected a multiple of exchange.synchronize_every, which is 20, found 2010; "
          + "the nearest are 2000 and 2020"))
    for key in ["run.validate_every", "run.checkpoint_every"] {
      #expect(message(every, groups, log, "\(key)=0").isEmpty)
      #expect(message(every, groups, log, "\(key)=30").contains("\(key): expected a multiple"))
    }
    for (assignment, key) in [
      ("exchange.compression=bf16", "exchange.compression"),
      ("optimizer.ema_decay=0.9", "optimizer.ema_decay"),
      ("optimizer.name=asgd", "optimizer.name"), ("run.recompute_every=20", "run.recompute_every"),
      ("run.on_nonfinite=skip", "run.on_nonfinite"),
    ] {
      let text = message(every, groups, log, "exchange.compression_groups=4", assignment)
      #expect(text.contains("--set \(assignment): \(key): "), "\(text)")
    }
    #expect(message("exchange.outer_momentum=1").contains("exchange.outer_momentum: expected"))
    #expect(message("exchange.outer_learning_rate=0").contains("a number above 0"))
  }
}
