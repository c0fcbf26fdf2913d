package import Cells
package import Collectives
package import Configuration
import Debugging
import Engine
import Foundation
import GRUCore
package import Kernels
package import Records
import Runs
package import Traces

/// Times whole training steps on random tokens: forward, BPTT, exchange, clip, Adam, repack.
package struct StepBenchmark {
  package var cell = Cell.gruResetBefore
  package var vocabulary = 256
  package var embedding = 128
  package var hidden = 512
  package var layers = 2
  package var window = 64
  package var batch = 64
  /// nil takes the largest number up to 8 that divides the batch.
  package var shards: Int?
  package var threads = 1
  package var steps = 20
  package var warmup = 5
  package var instructionSet = "auto"
  package var precision = Precision.fp32
  package var optimizer = OptimizerConfig.Name.adam
  package var sparse = ExchangeConfig.Sparse.auto
  /// 0 leaves the numbers as they are.
  package var compressionGroups = 0
  /// Whether to tell the parts of the steps apart.
  package var profiled = false
  /// Which steps to write a timeline of, and where to; nil for none.
  package var trace: TraceRequest?

  package init() {}

  func validate() throws {
    let sizes = [
      ("vocabulary", vocabulary), ("embedding", embedding), ("hidden", hidden),
      ("layers", layers), ("window", window), ("batch", batch), ("threads", threads),
      ("steps", steps), ("shards", shards ?? 1),
    ]
    for (name, size) in sizes where !(1...1 << 20 ~= size) {
      throw UsageError("--\(name): expected 1 to \(1 << 20), found \(size)")
    }
    if !(0...1 << 20 ~= warmup) {
      throw UsageError("--warmup: expected 0 to \(1 << 20), found \(warmup)")
    }
  }

  func config() throws -> Config {
    let shards = shards ?? (1...8).last { batch.isMultiple(of: $0) } ?? 1
    let reset = cell.choice.reset ?? "before"
    // Errors name the option that gave a value.
    let values: [(key: String, value: OrderedJSON, option: String)] = [
      ("data.train", "random", "data"),
      ("model.cell", .string(cell.choice.cell), "--cell"),
      ("model.reset", .string(reset), "--reset"),
      ("model.embedding", .integer(embedding), "--embedding"),
      ("model.hidden", .integer(hidden), "--hidden"),
      ("model.layers", .integer(layers), "--layers"),
      ("model.precision", .string(precision.rawValue), "--precision"),
      ("batch.sequences", .integer(batch), "--batch"),
      ("batch.window", .integer(window), "--window"),
      ("batch.shards", .integer(shards), "--shards"),
      ("optimizer.name", .string(optimizer.rawValue), "--optimizer"),
      ("optimizer.schedule.name", "constant", "schedule"),
      ("optimizer.schedule.warmup_steps", 0, "warm-up"),
      ("exchange.sparse", .string(sparse.rawValue), "--sparse"),
      ("exchange.compression", compressionGroups == 0 ? "none" : "bf16", "compression"),
      ("exchange.compression_groups", .integer(compressionGroups), "--compression-groups"),
    ]
    return try Config(
      json: Array("{}".utf8), file: "bench step",
      overrides: values.map { ConfigOverride($0.key, $0.value, option: $0.option) })
  }

  /// Every rank calls it; all throw alike. Rank 0 prints one line.
  package func run(on communicator: any Communicator) throws {
    let config = try communicator.agree {
      try validate()
      let config = try self.config()
      try config.validate(ranks: communicator.worldSize, place: "bench step")
      return config
    }
    let trace = try StepTrace(trace, on: communicator)
    try trace?.settle(
      afterStep: 0, lastStep: warmup + steps, usual: warmup + 1, on: communicator)
    let kernels = try communicator.agree { try Kernels.selected(instructionSet, precision) }
    let plan = ShardPlan(
      sequences: batch, shards: config.batch.shards, ranks: communicator.worldSize,
      threads: threads, groups: config.exchange.groups)
    let shape = config.shape(vocabularySize: vocabulary)
    try communicator.agree {
      try MemoryPlan(
        shape: shape, config: config, plan: plan, ranksOnHost: communicator.ranksOnHost,
        kernels: kernels
      ).checkFits()
    }
    let replica = try communicator.agree {
      try Replica(
        shape: shape, kernels: kernels, window: window, plan: plan, rank: communicator.rank,
        use: config.memoryUse(shape, plan, slots: 1))
    }
    var settings = StepSettings(config)
    settings.steps = warmup + steps
    settings.bucketBytes = try config.exchange.bucketBytes(on: communicator)
    let trainer = try Trainer(
      replica: replica, communicator: communicator,
      source: .random(
        vocabularySize: vocabulary, window: window, Philox(seed: 1, purpose: .benchmark)),
      settings: settings)
    replica.initialize(seed: 1)
    let timeline = profiled ? Timeline() : nil
    trainer.record(in: timeline)
    let (outcomes, traced) = try perform(trainer, timeline, trace)
    let profile = timeline?.profile
    trainer.record(in: nil)
    try communicator.coordinate {
      guard let traced else { return }
      if let failure = traced.failure { throw UsageError(failure) }
      for line in traced.lines { Console.complain(line) }
    }
    // By rank, and then by step.
    let exposed = try communicator.allGather(outcomes.map(\.exposedExchangeDuration.seconds))
    // All workers at once, as during the steps: the peak is what their cores have side by side.
    let peaks = UnsafeMutableBufferPointer<Double>.allocate(capacity: threads)
    defer { unsafe peaks.deallocate() }
    unsafe peaks.initialize(repeating: 0)
    replica.team.run { unsafe peaks[$0] = kernels.measurePeak(seconds: 0.5) }
    let peak = unsafe peaks.reduce(0, +) * Double(communicator.worldSize)
    if communicator.rank != 0 { return }
    let parts = profile.map {
      unsafe ProfileReport(
        $0, steps: steps,
        limits: .init(gflops: peaks[0], gigabytesPerSecond: kernels.measureBandwidth()))
    }
    try report(outcomes, exposedSeconds: exposed, trainer: trainer, peak: peak, parts: parts)
  }

  /// Performs all steps.
  ///
  /// - Returns: what came of those that count.
  private func perform(
    _ trainer: Trainer, _ timeline: Timeline?, _ trace: StepTrace?
  ) throws -> ([StepOutcome], TraceReport?) {
    var outcomes: [StepOutcome] = []
    var traced: TraceReport?
    for number in 1...warmup + steps {
      if number == warmup + 1 { timeline?.reset() }
      traced = try trace?.turn(trainer) ?? traced
      let outcome = try trainer.performStep(isFollowed: number > warmup)
      if number > warmup { outcomes.append(outcome) }
    }
    try trainer.synchronize()
    return (outcomes, try trace?.finish(trainer) ?? traced)
  }

  private func report(
    _ outcomes: [StepOutcome], exposedSeconds: [[Double]], trainer: Trainer, peak: Double,
    parts: ProfileReport?
  ) throws(OutputError) {
    let replica = trainer.replica
    let seconds = outcomes.map(\.duration.seconds).sorted()
    let middle = seconds[seconds.count / 2]
    func median(_ durations: [Duration]) -> Double {
      durations.map { $0.seconds }.sorted()[durations.count / 2]
    }
    let exposedByRank = exposedSeconds.map { $0.sorted()[steps / 2] }
    // The rank that waits least waits for the network; the others wait for that rank, too.
    let least = (0..<steps).map { step in exposedSeconds.map { $0[step] }.min() ?? 0 }
    let hiddenSeconds = median(outcomes.map { $0.hiddenExchangeDuration })
    let tokens = Double(batch * window)
    let weights = replica.shape.multipliedWeights(in: replica.table)
    let gflops = 6 * Double(weights) * tokens / middle / 1e9
    var record: OrderedJSON = [
      "bench": "step", "cell": .string(replica.shape.cell.rawValue),
      "vocabulary": .integer(vocabulary), "embedding": .integer(embedding),
      "hidden": .integer(hidden), "layers": .integer(layers), "window": .integer(window),
      "batch": .integer(batch), "shards": .integer(replica.plan.shards),
      "ranks": .integer(replica.plan.ranks), "threads": .integer(threads),
      "steps": .integer(steps), "parameters": .integer(replica.table.parameterCount),
      "step_seconds": .number(middle), "step_seconds_min": .number(seconds[0]),
      "step_seconds_max": .number(seconds[seconds.count - 1]),
      "exchange_seconds": .number(exposedByRank[0]),
      "exchange_seconds_least": .number(least.sorted()[steps / 2]),
      "exchange_seconds_by_rank": .array(exposedByRank.map { .number($0) }),
      "hidden_exchange_seconds": .number(hiddenSeconds),
      "exchange_bytes": .integer(outcomes.map(\.sentBytes).sorted()[outcomes.count / 2]),
      "tokens_per_second": .number((tokens / middle).rounded()),
      "gflops": .number((gflops * 1e4).rounded() / 1e4),
      "peak_gflops": .number((peak * 100).rounded() / 100),
      "fraction_of_peak": .number((gflops / peak * 1e6).rounded() / 1e6),
      "peak_rss_bytes": .integer(PeakMemory.bytes),
      "isa": .string(replica.kernels.instructionSet.rawValue),
      "precision": .string(precision.rawValue), "optimizer": .string(optimizer.rawValue),
      "sparse": .string(sparse.rawValue),
      "compression_groups": .integer(compressionGroups),
      "loss": .number(outcomes[outcomes.count - 1].loss),
    ]
    replica.kernels.remarks.forEach { Console.complain("gru-dist: \($0)") }
    if let parts {
      for line in parts.lines { Console.complain(line) }
      record = record.merging(["profile": parts.json])
    }
    try OutputFile.standardOutput.write(Array((record.line + "\n").utf8))
    try OutputFile.standardOutput.requireTaken()
  }
}

/// The most physical memory that this process has held.
package enum PeakMemory {
  package static var bytes: Int {
    var usage = rusage()
    guard unsafe getrusage(whole, &usage) == 0 else { return 0 }
    #if os(Linux)
      // Linux counts in units of 1,024 bytes.
      return usage.ru_maxrss * 1024
    #else
      return usage.ru_maxrss
    #endif
  }

  #if os(Linux)
    private static var whole: __rusage_who_t { RUSAGE_SELF.rawValue }
  #else
    private static var whole: Int32 { RUSAGE_SELF }
  #endif
}

/// Measures what one core can do at best: the rate of fused multiply-adds by instruction set.
package struct PeakBenchmark {
  /// "auto" measures every set that the machine has.
  package var instructionSet = "auto"
  package var seconds = 1.0

  package init(instructionSet: String, seconds: Double) {
    self.instructionSet = instructionSet
    self.seconds = seconds
  }

  package func run(console: Console) throws {
    if !(seconds > 0 && seconds <= 60) {
      throw UsageError("--seconds: expected a number above 0, at most 60, found \(seconds)")
    }
    let sets =
      instructionSet == "auto"
      ? InstructionSet.available : [try InstructionSet.selected(instructionSet)]
    for set in sets {
      for precision in Precision.allCases where precision.hasInstructions(in: set) {
        let gflops = Kernels(set, precision: precision).measurePeak(seconds: seconds)
        let name = precision == .fp32 ? set.rawValue : "\(set.rawValue) \(precision.rawValue)"
        console.say("\(name)  \(Format.fixed(gflops, 1)) GFLOP/s on one core")
        console.record([
          "bench": "peak", "isa": .string(set.rawValue), "precision": .string(precision.rawValue),
          "gflops": .number((gflops * 100).rounded() / 100),
        ])
        try console.requireWritten()
      }
    }
  }
}
