import Collectives
import Configuration
import Corpora
import Engine
import Foundation
import GRUCore
import Kernels

/// A small training problem on a text of its own, for any number of ranks and threads.
struct TrainingProblem {
  var assignments: [String] = []
  /// The least work that threads share.
  var leastShared = 0
  /// Whether threads record what they do.
  var isRecorded = false
  /// What a replica keeps at a time; nil for what a run does.
  var use: MemoryUse?
  let folder: URL

  init(_ assignments: String..., seed: UInt64 = 1) throws {
    try self.init(assignments, seed: seed)
  }

  init(_ assignments: [String], seed: UInt64 = 1) throws {
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

  /// What a run would take from config and text.
  struct Setup {
    var config: Config
    var kernels: Kernels
    var shape: ModelShape
    var plan: ShardPlan
    var batches: BatchSource
  }

  /// - Parameter isa: the name of an instruction set, or "auto".
  func setup(
    on communicator: any Communicator, threads: Int, isa: String = "auto"
  ) throws -> Setup {
    let text = folder.appendingPathComponent("text.txt").path
    let config = try Config(
      json: Array(#"{"data": {"train": "\#(text)"}}"#.utf8), file: "config.json",
      overrides: assignments.map { ConfigOverride(set: $0) })
    let batch = config.batch
    try config.validate(ranks: communicator.worldSize, place: "config.json")
    let corpus = try TokenCorpus(path: text, learning: config.data.learning)
    let split = try CorpusSplit(
      train: corpus, valid: nil, validFraction: config.data.validFraction,
      sequences: batch.sequences, window: batch.window)
    return Setup(
      config: config,
      kernels: Kernels(
        try InstructionSet.select(isa), precision: config.model.precision.kernels,
        leastShared: leastShared),
      shape: config.shape(vocabularySize: corpus.tokenizer.vocabularySize),
      plan: ShardPlan(
        sequences: batch.sequences, shards: batch.shards, ranks: communicator.worldSize,
        threads: threads, groups: config.exchange.groups),
      batches: .corpus(
        corpus,
        StreamPlan(
          tokenRange: split.training.range, sequences: batch.sequences, window: batch.window,
          contract: config.contract),
        WindowJitter(largest: batch.windowJitter, seed: config.run.seed)))
  }

  /// A trainer at its initial parameters on one rank.
  func trainer(
    on communicator: any Communicator, threads: Int = 1, isa: String = "auto",
    bucketBytes: Int = 1 << 20
  ) throws -> (Trainer, Setup) {
    let setup = try setup(on: communicator, threads: threads, isa: isa)
    let replica = try Replica(
      shape: setup.shape, kernels: setup.kernels, window: setup.config.batch.longestWindow,
      plan: setup.plan, rank: communicator.rank,
      use: use ?? setup.config.memoryUse(setup.shape, setup.plan, slots: 1))
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
      let (trainer, _) = try trainer(
        on: communicator, threads: threads, isa: isa, bucketBytes: bucketBytes)
      let timeline = Timeline()
      if isRecorded {
        trainer.record(in: timeline)
        timeline.keepSpans(ofEachThread: 10_000)
      }
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
      trainer.record(in: nil)
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
