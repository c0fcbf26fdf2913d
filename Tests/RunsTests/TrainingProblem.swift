import Collectives
import Configuration
import Corpora
import Engine
import Foundation
import GRUCore
import Kernels
import Runs
import Scoring

/// A small training problem on a text of its own, for any number of ranks and threads.
struct TrainingProblem {
  var assignments: [String] = []
  let folder: URL

  init(_ assignments: String..., seed: UInt64 = 1) throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("training-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var generator = SeededGenerator(state: seed)
    let words = ["the ", "tree ", "sums ", "rank ", "of ", "shards\n", "añd "]
    let text = (0..<900).map { _ in words.randomElement(using: &generator)! }.joined()
    try Data(text.utf8).write(to: folder.appendingPathComponent("text.txt"))
    self.assignments =
      [
        "model.hidden=20", "model.embedding=12", "batch.sequences=16", "batch.window=6",
        "optimizer.schedule.warmup_steps=2", "run.steps=100", "data.tokenizer=character",
      ] + assignments
  }

  func remove() { try? FileManager.default.removeItem(at: folder) }

  var configPath: String { folder.appendingPathComponent("config.json").path }

  /// What a command would be given.
  func options(threads: Int, isa: String = "auto", debug: Bool = false) throws -> TrainOptions {
    let text = folder.appendingPathComponent("text.txt").path
    try Data(#"{"data": {"train": "\#(text)"}}"#.utf8).write(to: URL(fileURLWithPath: configPath))
    var options = TrainOptions(configFile: configPath)
    options.overrides = assignments.map { ConfigOverride(set: $0) }
    options.overrides.append(ConfigOverride(set: "run.directory=\(folder.path)/run"))
    options.threads = threads
    options.instructionSet = isa
    options.debug = debug
    return options
  }

  /// A trainer at its initial parameters on one rank.
  func trainer(
    on communicator: any Communicator, threads: Int = 1, isa: String = "auto",
    bucketBytes: Int = 1 << 20, debug: Bool = false
  ) throws -> (Trainer, TrainingSetup) {
    let setup = try TrainingSetup(
      try communicator.agree { try options(threads: threads, isa: isa, debug: debug) },
      on: communicator)
    let replica = try Replica(
      shape: setup.shape, kernels: setup.kernels, window: setup.config.batch.longestWindow,
      plan: setup.plan, rank: communicator.rank, use: setup.memoryUse)
    replica.initialize(seed: setup.config.run.seed)
    var settings = StepSettings(setup.config)
    settings.bucketBytes = bucketBytes
    let trainer = try Trainer(
      replica: replica, communicator: communicator, source: setup.batches, settings: settings)
    return (trainer, setup)
  }

  /// What `steps` steps give, as one line a step; the same on every rank.
  func trajectory(
    ranks: Int, threads: Int, steps: Int, isa: String = "auto", bucketBytes: Int = 1 << 20,
    synchronizesEachStep: Bool = true
  ) throws -> [String] {
    let results = try ThreadWorld.run(ranks: ranks) { communicator in
      let (trainer, setup) = try trainer(
        on: communicator, threads: threads, isa: isa, bucketBytes: bucketBytes)
      var lines: [String] = []
      for _ in 0..<steps {
        let outcome = try trainer.performStep(isFollowed: !synchronizesEachStep)
        if !synchronizesEachStep {
          if trainer.step < steps { continue }
          try trainer.synchronize()
        }
        lines.append(
          "\(outcome.step) \(outcome.loss) \(outcome.gradientNorm) \(outcome.learningRate) "
            + "\(try trainer.fingerprint())")
      }
      let score = try Scorer(
        task: setup.config.taskDescription, decoder: setup.decoder(), replica: trainer.replica,
        communicator: communicator
      ).score(on: setup.validation!)
      lines.append("\(score)")
      return lines
    }
    precondition(results.allSatisfy { $0 == results[0] }, "ranks differ: \(results)")
    return results[0]
  }
}

/// A small generator whose sequence a seed decides (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}
