import Checkpoints
import Collectives
import Configuration
import Datasets
import Debugging
import Engine
import Foundation
import GRUCore
import Kernels
import Records
import Scoring

/// What a run says and writes of its steps.
extension TrainingRun {
  /// How many threads share how many shards, on the worker with most of both; empty where each
  /// thread has shards of its own.
  private var sharing: String {
    let plan = replica.plan
    if plan.workersPerRank == plan.threads { return "" }
    let threads = (0..<plan.workersPerRank).map { plan.threads(ofWorker: $0).count }.max() ?? 1
    let shards = (0..<plan.workers).map { plan.shards(ofWorker: $0).count }.max() ?? 1
    return " (\(threads) to " + Format.count(shards, "shard") + ")"
  }

  /// The line that says what starts.
  func announce(_ restored: RunDirectory.Restored?) {
    let batch = config.batch
    let range =
      trainer.step == 0
      ? Format.count(run.steps, "step") : "steps \(trainer.step + 1)-\(setup.lastStep)"
    progress.say(
      "gru-dist \(programVersion): "
        + Format.count(communicator.worldSize, "rank") + " x "
        + Format.count(replica.threads, "thread") + sharing + ", "
        + "\(replica.kernels.instructionSet.rawValue), \(replica.shape.recurrenceInWords), "
        + "\(Format.grouped(replica.table.parameterCount)) parameters, "
        + "\(setup.data.words), "
        + "batch \(batch.sequences) x \(batch.window), \(range) -> \(run.directory)")
    replica.kernels.remarks.forEach { progress.say("remark      \($0)") }
    if let pass = setup.file?.pass {
      let batches = pass.steps * config.batch.accumulate
      progress.say(
        "file        '\(pass.name)', passed over in steps \(pass.firstStep)-\(pass.lastStep): "
          + "\(Format.grouped(pass.fileBatches)) batches of it, "
          + "\(Format.grouped(batches - pass.fileBatches)) of \(config.data.train)")
      setup.file?.remarks.forEach { progress.say("remark      \($0)") }
      if let unknown = setup.unknownInFile { progress.say("unknown     \(unknown.words)") }
    }
    let report = setup.report
    report.lines.forEach(progress.say)
    if let parts = config.partsInWords(of: setup.shape) { progress.say("trains      \(parts)") }
    announceStart()
    if restored != nil, options.start != nil {
      progress.say("the run goes on from its own checkpoint; what --from names is not read again")
    }
    if restored == nil {
      let head: OrderedJSON = ["kind": "data", "step": 0]
      write([head.merging(report.summary.json)])
    }
    guard let restored, !restored.changes.isEmpty else { return }
    let changes = restored.changes
    progress.say(
      "changed since the checkpoint: \(changes.map(\.description).joined(separator: ", ")); the "
        + "run goes on as these ask, no longer as it would have without a stop")
    if let rates = restored.rates { progress.say(rates.words) }
  }

  /// Logs a step when it is due: first and last steps too, and every step of a debug run.
  func report(_ outcome: StepOutcome) throws {
    let isDue =
      options.debug || isDue(run.logEvery) || outcome.step == setup.lastStep
      || outcome.requests.contains(.stop) || (run.logEvery > 0 && outcome.step == outcome.steps)
    guard isDue else { return }
    try trainer.synchronize()
    let pace = try stragglers.pace(seconds: interval.mean(interval.computeDuration))
    let record = TrainRecord(
      step: outcome.step, epoch: trainer.engine.batches.epoch(ofStep: outcome.step),
      tokens: trainer.engine.batches.targetCount(
        ofSteps: outcome.step, perBatch: config.batch.sequences * config.batch.window),
      loss: outcome.loss,
      learningRate: outcome.learningRate, gradientNorm: outcome.gradientNorm, interval: interval,
      fingerprint: try trainer.fingerprint(), skippedSteps: history.skippedSteps, pace: pace)
    progress.log(
      step: outcome.step, loss: outcome.loss, meanLoss: interval.meanLoss,
      tokensPerSecond: interval.tokensPerSecond)
    let seconds = interval.duration.seconds
    interval = StepInterval()
    var records = [record.json]
    if let debugger, self.isDue(run.logEvery) || outcome.step == 1 {
      records += debugger.tensorRecords(tokens: outcome.tokens) + [debugger.profileRecord()]
    }
    write(records)
    if let pace, let warning = stragglerWatch.note(pace, seconds: seconds) {
      warn("straggler", atStep: outcome.step, warning)
    }
  }

  /// Appends records to the metrics; on rank 0, and without others taking part. A disk that does
  /// not take them ends nothing.
  func write(_ records: [OrderedJSON]) {
    guard communicator.rank == 0 else { return }
    let time = (Date().timeIntervalSince1970 * 1e3).rounded() / 1e3
    let records = records.map { $0.timed(time) }
    for record in records { console.record(record) }
    if let lost = console.lost, !lost.isUnread, !hasToldLoss {
      hasToldLoss = true
      Console.complain("gru-dist: warning: \(lost); training goes on")
    }
    let untold = records.filter {
      !told.contains($0["event"]?.stringValue ?? $0["kind"]?.stringValue ?? "")
    }
    if let complaint = directory.append(untold) {
      progress.finishLine()
      Console.complain("gru-dist: warning: \(complaint)")
    }
    do { try events?.append(untold) } catch { warnOfEvents(error) }
  }

  /// Looks at what the records of a run hold that goes on; on rank 0.
  func earlierRecords(
    of restored: RunDirectory.Restored
  ) throws -> RunDirectory.EarlierRecords {
    try directory.earlierRecords(
      of: restored, config: config, hasValidation: validation != nil,
      writesText: scorer.task.writesText)
  }

  /// Says where the best checkpoint so far is none for the run that goes on.
  func tellOfBest(_ restored: RunDirectory.Restored) {
    let anew = "; the best one is looked for anew"
    if let former = restored.formerMeasure {
      warn(
        "best_by_changed", atStep: trainer.step,
        "run.best_by is \(history.measure.name) now, and was \(former)"
          + (history.best == nil ? anew : ""))
    }
    if let step = restored.missingBest {
      warn(
        "best_checkpoint_missing", atStep: trainer.step,
        "the best checkpoint, of step \(step), is damaged, or not in "
          + "\(run.directory)/checkpoints" + anew)
    }
  }

  /// Adds what the records lack, and tells a person of what nobody can add; on rank 0.
  func add(_ lacking: [OrderedJSON]) {
    complain(of: lacking)
    write(lacking)
  }

  private func complain(of lacking: [OrderedJSON]) {
    for record in lacking where record["kind"] == "event" {
      Console.complain("gru-dist: warning: \(record["reason"]?.stringValue ?? "")")
    }
  }

  /// Makes the records of a run whole that has nothing to do; every rank calls it.
  func completeRecords(of restored: RunDirectory.Restored?) throws {
    try communicator.coordinate {
      guard let restored else { return }
      let lacking = try earlierRecords(of: restored).lacking
      complain(of: lacking)
      try directory.complete(lacking, afterStep: restored.resumption.step)
    }
  }

  /// Throws, on every rank alike, where some of the run's records are lost; what is written is on
  /// the disk when this returns.
  func requireRecords() throws { try communicator.coordinate { try directory.finishRecords() } }

  /// Throws, on every rank alike, where a disk did not take what the run has said. Without a reader
  /// nothing is amiss.
  package func requireOutput() throws {
    try communicator.coordinate {
      if let lost = console.lost, !lost.isUnread {
        throw RunDirectoryError("the run is done, but some of what it said is lost: \(lost)")
      }
    }
  }

  func warnOfEvents(_ error: any Error) {
    progress.finishLine()
    Console.complain("gru-dist: warning: \(error); no more events for TensorBoard from this start")
  }

  func event(
    _ name: String, atStep step: Int, _ members: OrderedJSON = [:]
  ) -> OrderedJSON {
    let head: OrderedJSON = [
      "kind": "event", "event": .string(name), "step": .integer(step),
    ]
    return head.merging(members)
  }
}

extension OrderedJSON {
  /// A record of training or validation with when it was written, in seconds since 1970; others as
  /// they are.
  fileprivate func timed(_ time: Double) -> OrderedJSON {
    guard self["kind"] == "train" || self["kind"] == "valid", self["time"] == nil else {
      return self
    }
    return merging(["time": .number(time)])
  }
}

/// Notices a loss that leaps above the recent ones.
package struct LossWatch: Sendable {
  /// Steps before anything is said, and the weight of the newest one afterwards.
  private static let warmUpCount = 20
  private static let weight = 0.02
  /// How many mean deviations, and what part of the mean, a loss must lie above the mean.
  private static let deviations = 6.0
  private static let leastPart = 0.1

  private var count = 0
  private var mean = 0.0
  private var deviation = 0.0

  package init() {}

  /// Takes note of a step's loss.
  ///
  /// - Returns: the mean of the losses before, where this one is a spike.
  package mutating func spike(_ loss: Double) -> Double? {
    let distance = loss - mean
    let isSpike =
      count >= Self.warmUpCount
      && distance > max(Self.deviations * deviation, Self.leastPart * mean)
    let usual = mean
    count += 1
    let weight = max(Self.weight, 1 / Double(count))
    if count > 1 { deviation += weight * (abs(distance) - deviation) }
    mean += weight * distance
    return isSpike ? usual : nil
  }
}
