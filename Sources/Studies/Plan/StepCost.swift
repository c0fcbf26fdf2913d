import Collectives
import Configuration
import Datasets
import Engine
import GRUCore
import Kernels
import Records
package import Runs

/// What a step costs one core, by the number of its shards: measured for some, straight lines
/// between them.
package struct StepCost: Sendable, Equatable {
  /// Of one core for a step with that many shards; ascending.
  package struct Point: Sendable, Equatable {
    package var shards: Int
    package var seconds: Double

    package init(shards: Int, seconds: Double) {
      self.shards = shards
      self.seconds = seconds
    }
  }

  package let points: [Point]

  /// Preconditions: at least one point.
  package init(points: [Point]) {
    precondition(!points.isEmpty, "no step was measured")
    self.points = points.sorted { $0.shards < $1.shards }
  }

  /// Seconds of a step with `shards` shards of the measured size; a part of one counts as that part
  /// of what the shards add to a step.
  package func seconds(shards: Double) -> Double {
    guard points.count > 1 else {
      return points[0].seconds * shards / Double(points[0].shards)
    }
    let next = points.dropFirst().firstIndex { Double($0.shards) >= shards } ?? points.count - 1
    let (low, high) = (points[next - 1], points[next])
    let slope = (high.seconds - low.seconds) / Double(high.shards - low.shards)
    let seconds = low.seconds + slope * (shards - Double(low.shards))
    // Noise must not make a part of a shard cost nothing.
    return max(seconds, points[0].seconds * min(1, shards) * 0.5)
  }

  /// Times real steps of a config's model on one core of this machine, with the sequences of
  /// so many shards.
  ///
  /// - Parameter cores: how many do so at once, each for itself: they share caches and memory.
  package static func measure(
    _ options: TrainOptions, shards counts: [Int], seconds: Double = 2, cores: Int = 1
  ) throws -> StepCost {
    let config = try Config(file: options.configFile, overrides: options.overrides)
    let perShard = config.batch.sequences / config.batch.shards
    return StepCost(
      points: try Set(counts).sorted().map { shards in
        var part = options
        part.threads = 1
        part.overrides += overrides(sequences: perShard * shards, shards: shards)
        let trainers = try (0..<cores).map { _ in try trainer(part) }
        return Point(shards: shards, seconds: try time(trainers, seconds: seconds))
      })
  }

  /// What two threads gain that share one shard, and how many kernels they share in a step.
  ///
  /// - Parameter alone: seconds that one thread takes.
  package static func measureSharing(
    _ options: TrainOptions, alone: Double, seconds: Double
  ) throws -> SharingCost {
    let config = try Config(file: options.configFile, overrides: options.overrides)
    var pair = options
    pair.threads = 2
    pair.overrides += overrides(sequences: config.batch.sequences / config.batch.shards, shards: 1)
    let trainer = try trainer(pair)
    let replica = trainer.replica
    let crew = replica.workers[0].crew
    let before = crew.taskCount
    _ = try trainer.performStep()
    let kernels = crew.taskCount - before
    let parts = max(1, replica.shape.hiddenSize / replica.kernels.panelWidth)
    guard try UsableCores.threadsPerRank(SoloCommunicator()) > 1 else {
      return .assumed(alone: alone, kernels: kernels, parts: parts)
    }
    return SharingCost(
      alone: alone, together: try time([trainer], seconds: seconds), kernels: kernels,
      handover: try SharingCost.measureHandover(replica.kernels.instructionSet), parts: parts)
  }

  /// What makes a config one of a part of the batch, on a rank of its own.
  private static func overrides(sequences: Int, shards: Int) -> [ConfigOverride] {
    [
      ConfigOverride("batch.sequences", .integer(sequences), option: "plan of"),
      ConfigOverride("batch.shards", .integer(shards), option: "plan of"),
      // Alone nothing is sent; a part of the batch may have fewer shards than groups.
      ConfigOverride("exchange.compression", .string("none"), option: "plan of"),
      ConfigOverride("exchange.compression_groups", 0, option: "plan of"),
    ]
  }

  /// The median of some steps after the first two.
  private static func time(_ trainers: [Trainer], seconds: Double) throws -> Double {
    let cores = trainers.count
    let team = try WorkerTeam(threads: cores)
    var times: [Double] = []
    var end = ContinuousClock.now
    let results = UnsafeMutableBufferPointer<Result<Double, any Error>>.allocate(capacity: cores)
    unsafe results.initialize(repeating: .success(0))
    defer {
      unsafe results.deinitialize()
      unsafe results.deallocate()
    }
    for step in 0..<warmup + most {
      team.run { core in
        unsafe results[core] = Result { try trainers[core].performStep().duration.seconds }
      }
      let steps = try unsafe results.map { try $0.get() }
      if step < warmup {
        end = .now + .seconds(seconds)
        continue
      }
      times.append(steps.reduce(0, +) / Double(cores))
      if times.count >= fewest, ContinuousClock.now >= end { break }
    }
    return times.sorted()[times.count / 2]
  }

  private static let warmup = 2
  private static let fewest = 3
  private static let most = 50

  private static func trainer(_ options: TrainOptions) throws -> Trainer {
    let setup = try TrainingSetup(options, on: SoloCommunicator())
    let replica = try Replica(
      shape: setup.shape, kernels: setup.kernels, window: setup.config.batch.window,
      plan: setup.plan, rank: 0, slots: setup.data.slots, use: setup.memoryUse)
    var settings = StepSettings(setup.config)
    settings.exchange = ExchangeConfig()
    let trainer = try Trainer(
      replica: replica, communicator: SoloCommunicator(), source: setup.batches,
      settings: settings)
    replica.initialize(seed: setup.config.run.seed)
    return trainer
  }
}
