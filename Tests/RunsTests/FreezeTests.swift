import Collectives
import Configuration
import Engine
import GRUCore
import Kernels
import Runs
import Testing

/// Frozen tensors, and learning rates of parts of a model, in whole training steps.
@Suite struct FreezeTests {
  static let options = [
    [#"model.freeze=["embedding"]"#],
    [#"model.freeze=["embedding","layers.0"]"#, "model.layers=3"],
    [#"model.freeze=["embedding","layers"]"#, "run.recompute_every=2"],
    [#"model.freeze=["layers.1","output.bias"]"#, "optimizer.ema_decay=0.9"],
    [#"model.freeze=["output"]"#, "optimizer.name=adamw", "optimizer.weight_decay=0.1"],
    [#"model.freeze=["embedding"]"#, "optimizer.name=sgd", "optimizer.momentum=0.9"],
    [
      #"model.freeze=["embedding","layers.0"]"#, "exchange.compression=bf16",
      "exchange.compression_groups=4",
    ],
    [
      #"model.freeze=["embedding"]"#, "model.tie_weights=true", "model.embedding=20",
      "model.dropout=0.1",
    ],
    [#"optimizer.rates={"embedding":0.1,"layers":0.5,"layers.1":2}"#, "batch.accumulate=2"],
    [#"optimizer.rates={"embedding":0.1}"#, "optimizer.lazy=true"],
    [#"model.freeze=["layers.0"]"#, "model.recurrent_dropout=0.5", "run.recompute_every=2"],
  ]

  @Test(arguments: options)
  func trajectoryIsBitIdenticalAtAnyWorkerCount(options: [String]) throws {
    var problem = try TrainingProblem()
    defer { problem.remove() }
    problem.assignments += options
    let alone = try problem.trajectory(ranks: 1, threads: 1, steps: 5)
    #expect(try problem.trajectory(ranks: 1, threads: 3, steps: 5) == alone)
    #expect(try problem.trajectory(ranks: 2, threads: 2, steps: 5, isa: "portable") == alone)
    #expect(
      try problem.trajectory(
        ranks: 4, threads: 1, steps: 5, bucketBytes: 1 << 14, synchronizesEachStep: false).last
        == alone.last)
  }

  /// The bits of all tensors after some steps, by name, on every rank.
  private func tensors(
    _ problem: TrainingProblem, ranks: Int, steps: Int
  ) throws -> [String: [UInt32]] {
    let results = try ThreadWorld.run(ranks: ranks) { communicator in
      let (trainer, _) = try problem.trainer(on: communicator, threads: 2)
      // Of zeros too, the sign stays.
      let replica = trainer.replica
      for parameter in replica.table.parameters where parameter.name.hasSuffix("bias") {
        for element in parameter.range where replica.parameters.pointer[element] == 0 {
          replica.parameters.pointer[element] = -0.0
        }
      }
      replica.repack()
      for _ in 0..<steps { _ = try trainer.performStep() }
      return replica.table.parameters.reduce(into: [String: [UInt32]]()) { found, parameter in
        found[parameter.name] = parameter.range.map { replica.parameters.pointer[$0].bitPattern }
      }
    }
    #expect(results.allSatisfy { $0 == results[0] })
    return results[0]
  }

  @Test(arguments: options.filter { $0[0].hasPrefix("model.freeze") }, [1, 2])
  func frozenTensorsKeepTheirBits(options: [String], ranks: Int) throws {
    var problem = try TrainingProblem()
    defer { problem.remove() }
    problem.assignments += options
    let before = try tensors(problem, ranks: ranks, steps: 0)
    let after = try tensors(problem, ranks: ranks, steps: 3)
    let frozen = try problem.options(threads: 1).overrides
    let setup = try TrainingSetup(try problem.options(threads: 1), on: SoloCommunicator())
    let names = try #require(setup.config.model.freeze, "\(frozen)")
    for parameter in ParameterTable(shape: setup.shape).parameters {
      let isFrozen = names.contains { parameter.isNamed(by: $0) }
      let isSame = before[parameter.name] == after[parameter.name]
      #expect(isSame == isFrozen, "\(parameter.name)")
    }
  }

  /// What is left out of the backward pass changes nothing of what is computed.
  @Test func gradientsOfTrainedPartsAreThoseOfTheWholeModel() throws {
    var problem = try TrainingProblem("model.layers=3", "optimizer.clip_norm=0")
    defer { problem.remove() }
    let whole = try tensors(problem, ranks: 1, steps: 1)
    problem.assignments.append(#"model.freeze=["embedding","layers.0","layers.1.bias"]"#)
    let part = try tensors(problem, ranks: 1, steps: 1)
    for (name, values) in part {
      let isFrozen = ["embedding", "layers.0"].contains { name.hasPrefix($0) }
      #expect((values == whole[name]) == !(isFrozen || name == "layers.1.bias"), "\(name)")
    }
  }

  @Test func groupsThatTrainApartKeepFrozenBits() throws {
    var problem = try TrainingProblem(
      "exchange.synchronize_every=2", "exchange.local_groups=4", "optimizer.learning_rate=0.01",
      "run.log_every=2", "run.validate_every=2", "run.checkpoint_every=2")
    defer { problem.remove() }
    problem.assignments.append(#"model.freeze=["embedding","layers.0"]"#)
    let before = try tensors(problem, ranks: 1, steps: 0)
    let after = try tensors(problem, ranks: 2, steps: 3)
    for (name, values) in before {
      let isFrozen = ["embedding", "layers.0"].contains { name.hasPrefix($0) }
      #expect((values == after[name]) == isFrozen, "\(name)")
    }
  }

  /// A factor is what another learning rate would be.
  @Test func aFactorOfAllPartsIsAnotherLearningRate() throws {
    var problem = try TrainingProblem("optimizer.learning_rate=0.004")
    defer { problem.remove() }
    let plain = try tensors(problem, ranks: 1, steps: 3)
    problem.assignments += [
      "optimizer.learning_rate=0.008",
      #"optimizer.rates={"embedding":0.5,"layers":0.5,"output":0.5}"#,
    ]
    #expect(try tensors(problem, ranks: 2, steps: 3) == plain)
  }

  @Test func partsThatAreNotThereAreErrors() throws {
    for (option, words) in [
      (#"model.freeze=["layers.7"]"#, "the model has no \"layers.7\""),
      (#"optimizer.rates={"head":0.1}"#, "its parts are embedding, layers.0, layers.1, output"),
      (#"model.freeze=["embedding","layers","output"]"#, "leaves nothing to train"),
      (#"optimizer.rates={"embedding":0}"#, "model.freeze names what is not trained"),
    ] {
      var problem = try TrainingProblem()
      defer { problem.remove() }
      problem.assignments.append(option)
      let error = #expect(throws: AgreedError.self) {
        _ = try TrainingSetup(try problem.options(threads: 1), on: SoloCommunicator())
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains(words), "\(option)")
    }
  }
}
