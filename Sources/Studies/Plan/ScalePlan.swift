import Configuration
import Corpora
import Datasets
import Engine
import GRUCore
import Kernels
package import Records
package import Runs
import Tasks

/// Says what a config's run would be on a cluster, and on others of its kind with more or fewer
/// ranks.
package struct ScalePlan {
  package var options: TrainOptions
  package var cluster: Cluster
  package var overlaps: Bool
  /// Seconds to measure each size of a step on this machine.
  package var seconds = 2.0

  package init(options: TrainOptions, cluster: Cluster, overlaps: Bool) {
    self.options = options
    self.cluster = cluster
    self.overlaps = overlaps
  }

  static let mostRanks = 1024

  package func run(console: Console) throws {
    let config = try Config(file: options.configFile, overrides: options.overrides)
    try requireUpdatesOfAllShards(config)
    try config.validate(ranks: cluster.ranks, place: options.configFile)
    let shards = config.batch.shards
    let plan = ShardPlan(
      sequences: config.batch.sequences, shards: shards, ranks: cluster.ranks,
      threads: cluster.threads, groups: config.exchange.groups)
    let load = (0..<plan.workers).map { plan.shards(ofWorker: $0).count }.max() ?? 1
    let data = try config.openData()
    let shape = try shape(of: config, data)
    let kernels = try Kernels.selected(options.instructionSet, config.model.precision.kernels)
    let table = ParameterTable(shape: shape)
    let memory = try MemoryPlan(
      shape: shape, config: config, plan: plan, ranksOnHost: cluster.ranksPerHost,
      slots: data.slots, dataBytes: data.memoryBytes, kernels: kernels)

    var cluster = cluster
    cluster.costs = .measured(kernels: kernels)
    let peak = kernels.measurePeak(seconds: 0.3)
    // Where hosts share this machine's cores, all of these compute at once.
    let busy = min(cluster.laboratoryCores ?? 1, cluster.ranks * cluster.threads)
    var alone = config
    alone.exchange.compression = .none
    try MemoryPlan(
      shape: shape, config: alone,
      plan: ShardPlan(sequences: config.batch.sequences, shards: shards, ranks: 1, threads: 1),
      ranksOnHost: busy, slots: data.slots, kernels: kernels
    ).checkFits()
    let cost = try StepCost.measure(
      options, shards: [1, load, shards], seconds: seconds, cores: busy)
    // Others than this machine may have more cores than shards.
    let sharing = try StepCost.measureSharing(
      options, alone: cost.seconds(shards: 1), seconds: seconds)
    let tokens = config.batch.sequences * config.batch.window * config.batch.accumulate
    let model = ScaleModel(
      shape: shape, table: table, cost: cost, shards: shards, tokensPerStep: tokens,
      overlaps: overlaps, accumulation: config.batch.accumulate,
      compressionGroups: config.exchange.compression == .none
        ? 0 : config.exchange.compressionGroups,
      sharing: sharing)
    let whole = cost.seconds(shards: Double(shards))
    let speed = Speed(
      peak: peak, wholeStep: whole,
      gflops: 6 * Double(shape.multipliedWeights(in: table)) * Double(tokens) / whole / 1e9)
    let rows = rows(model, cluster, sequences: config.batch.sequences)
    let here = model.strong(cluster)
    let threads = threadRows(model, cluster)
    kernels.remarks.forEach { console.say("remark      \($0)") }
    say(here, rows, speed, memoryBytes: memory.totalBytes, of: cluster, to: console)
    say(threads, sharing, shards: shards, of: cluster, to: console)
    console.record([
      "kind": "plan", "hosts": .integer(cluster.hosts), "ranks": .integer(cluster.ranks),
      "threads": .integer(cluster.threads), "cores": .number(cluster.cores),
      "bandwidth": .number(cluster.bandwidth), "latency": .number(cluster.latency),
      "laboratory": .bool(cluster.laboratoryCores != nil),
      "overlap": .bool(overlaps), "peak_gflops": .number(peak),
      "gflops": .number(speed.gflops), "memory_bytes": .integer(memory.totalBytes),
      "tcp_seconds_per_byte": .number(cluster.costs.tcpSecondsPerByte),
      "measured": .array(
        cost.points.map { ["shards": .integer($0.shards), "seconds": .number($0.seconds)] }),
      "step": here.json,
      "sharing": sharing.json, "by_threads": .array(threads.map(\.json)),
      "same_batch": .array(rows.compactMap { $0.strong?.json }),
      "growing_batch": .array(rows.map(\.weak.json)),
    ])
  }

  private func requireUpdatesOfAllShards(_ config: Config) throws(ConfigError) {
    guard config.exchange.isLocal else { return }
    throw ConfigError(
      place: options.configFile, key: "exchange.synchronize_every",
      problem: "a plan is of updates of all shards together, and this config has groups of "
        + "shards make \(config.exchange.synchronizeEvery) updates apart",
      hint: "add --set exchange.synchronize_every=0")
  }

  private func shape(of config: Config, _ data: TrainingData) throws -> ModelShape {
    switch data {
    case .text(let split):
      let tokenizer = split.training.corpus.tokenizer
      try config.validate(tokenizer, place: options.configFile)
      return config.model.shape(vocabularySize: tokenizer.vocabularySize)
    case .sequences(let data): return config.shape(for: data)
    }
  }

  /// What one core of this machine does.
  private struct Speed {
    /// GFLOP/s.
    var peak: Double
    /// Seconds of a step of the whole batch, and its GFLOP/s.
    var wholeStep: Double
    var gflops: Double
  }

  /// Says the plan to a person.
  private func say(
    _ here: ScaleModel.Prediction, _ rows: [Row], _ speed: Speed, memoryBytes: Int,
    of cluster: Cluster, to console: Console
  ) {
    console.say(
      "cluster     " + Format.count(cluster.hosts, "host") + " x "
        + Format.count(cluster.ranksPerHost, "rank") + " x "
        + Format.count(cluster.threads, "thread")
        + ", \(Format.fixed(cluster.bandwidth / 1e9, 3)) Gbit/s each, "
        + "\(Format.fixed(cluster.latency * 1e3, 3)) ms")
    console.say(
      "core        \(Format.fixed(speed.peak, 1)) GFLOP/s at peak; the whole batch takes one "
        + "\(Format.fixed(speed.wholeStep, 4)) s a step, \(Format.fixed(speed.gflops, 1)) GFLOP/s "
        + "(\(Format.fixed(speed.gflops / speed.peak * 100, 0)) % of the peak)")
    console.say(
      "memory      of each rank: up to \(Format.bytes(memoryBytes))")
    console.say(
      "step        \(Format.fixed(here.stepSeconds, 4)) s: computing "
        + "\(Format.fixed(here.computeSeconds, 4)), moving bytes meanwhile "
        + "\(Format.fixed(here.movingSeconds, 4)), exposed exchange "
        + "\(Format.fixed(here.exposedSeconds, 4)) (\(Self.percent(here.exposedFraction))) of "
        + "\(Format.fixed(here.exchangeSeconds, 4)); "
        + "\(Format.grouped(Int(saturating: here.tokensPerSecond))) tokens/s, efficiency "
        + Self.percent(here.efficiency))
    for line in Self.lines(rows) { console.say(line) }
  }

  private struct Row {
    /// Nil where there are more workers than sequences.
    var strong: ScaleModel.Prediction?
    var weak: ScaleModel.Prediction
  }

  private func rows(_ model: ScaleModel, _ cluster: Cluster, sequences: Int) -> [Row] {
    sequence(first: 1) { $0 * 2 <= Self.mostRanks ? $0 * 2 : nil }.map { ranks in
      let other = cluster.resized(ranks: ranks)
      let fits = other.ranks <= sequences
      return Row(
        strong: fits ? model.strong(other) : nil, weak: model.weak(other, base: cluster))
    }
  }

  private struct ThreadRow {
    var threads: Int
    var step: ScaleModel.Prediction

    var json: OrderedJSON {
      OrderedJSON.object([.init("threads", .integer(threads))]).merging(step.json)
    }
  }

  /// The same batch on more threads of each rank, on hosts with cores for them.
  private func threadRows(_ model: ScaleModel, _ cluster: Cluster) -> [ThreadRow] {
    if cluster.laboratoryCores != nil { return [] }
    return sequence(first: 1) { $0 < Self.mostThreads ? $0 * 2 : nil }.map { threads in
      var other = cluster
      other.threads = threads
      other.cores = max(cluster.cores, Double(threads * cluster.ranksPerHost))
      return ThreadRow(threads: threads, step: model.strong(other))
    }
  }

  private static let mostThreads = 128

  private func say(
    _ rows: [ThreadRow], _ sharing: SharingCost, shards: Int, of cluster: Cluster,
    to console: Console
  ) {
    if rows.isEmpty { return }
    console.say("")
    console.say(
      "The same batch on more threads of each rank; those beyond the shards share them. Two on one "
        + "shard are \(Format.fixed(sharing.alone / sharing.together, 2)) times as fast as one; a "
        + "kernel is handed over in \(Format.fixed(sharing.handover * 1e6, 2)) us, "
        + "\(Format.grouped(sharing.kernels)) a step:")
    console.say("")
    console.say("| threads | workers | step, s | tokens/s | efficiency |")
    console.say("|---:|---:|---:|---:|---:|")
    for row in rows {
      let plan = ShardPlan(
        sequences: max(shards, cluster.ranks), shards: max(shards, cluster.ranks),
        ranks: cluster.ranks, threads: row.threads)
      console.say(
        "| \(row.threads) | \(plan.workersPerRank) | \(Format.fixed(row.step.stepSeconds, 4)) | "
          + "\(Format.grouped(Int(saturating: row.step.tokensPerSecond))) | "
          + "\(Self.percent(row.step.efficiency)) |")
    }
  }

  private static func lines(_ rows: [Row]) -> [String] {
    func cells(_ prediction: ScaleModel.Prediction?) -> String {
      guard let prediction else { return "- | - | - | -" }
      return "\(Format.fixed(prediction.stepSeconds, 4)) | "
        + "\(percent(prediction.exposedFraction)) | "
        + "\(Format.grouped(Int(saturating: prediction.tokensPerSecond))) | "
        + percent(prediction.efficiency)
    }
    return [
      "", "The same batch on more ranks, and a batch that grows with them:", "",
      "| ranks | hosts | step, s | exposed | tokens/s | efficiency "
        + "| step, s | exposed | tokens/s | efficiency |",
      "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
      + rows.map {
        "| \($0.weak.ranks) | \($0.weak.hosts) | \(cells($0.strong)) | \(cells($0.weak)) |"
      }
  }

  private static func percent(_ fraction: Double) -> String {
    "\(Format.fixed(fraction * 100, fraction < 0.0995 ? 1 : 0)) %"
  }
}

extension SharingCost {
  var json: OrderedJSON {
    [
      "alone_seconds": .number(alone), "together_seconds": .number(together),
      "kernels": .integer(kernels), "handover_seconds": .number(handover),
    ]
  }
}

extension ScaleModel.Prediction {
  var json: OrderedJSON {
    [
      "ranks": .integer(ranks), "hosts": .integer(hosts),
      "step_seconds": .number(stepSeconds), "compute_seconds": .number(computeSeconds),
      "reduce_seconds": .number(reduceSeconds), "gather_seconds": .number(gatherSeconds),
      "agreement_seconds": .number(agreementSeconds),
      "exposed_exchange_seconds": .number(exposedSeconds),
      "moving_seconds": .number(movingSeconds),
      "tokens_per_second": .number(tokensPerSecond), "efficiency": .number(efficiency),
    ]
  }
}
