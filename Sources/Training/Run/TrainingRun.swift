package import Collectives
import Corpora
import Foundation
import GRUCore
import Kernels

/// One training run from start or resume to end, on one rank of the job.
///
/// Every rank runs the same loop and takes part in every decision; rank 0, the coordinator, trains
/// too and alone writes the run directory and speaks.
package final class TrainingRun {
  private let options: TrainOptions
  private let communicator: any Communicator
  private let setup: TrainingSetup
  private let console: Console
  private let progress: Progress
  private let directory: RunDirectory
  private let replica: Replica
  private let trainer: Trainer
  private let evaluator: Evaluator?
  private let debugger: DebugChecks?
  private let launchedByMPI: Bool
  private var interval = StepInterval()
  private var history = RunHistory()
  private var lastValidatedStep: Int?
  private var lastSavedStep: Int?

  private var config: Config { setup.config }
  private var run: RunConfig { setup.config.run }

  /// Settles everything and takes the memory; the run directory is in this process's hands then.
  /// Every rank calls it, and all throw alike.
  package init(
    _ options: TrainOptions, on communicator: any Communicator, launchedByMPI: Bool
  ) throws {
    self.options = options
    self.communicator = communicator
    self.launchedByMPI = launchedByMPI
    let setup = try TrainingSetup(options, on: communicator)
    self.setup = setup
    console = Console(isJSON: options.json, isCoordinator: communicator.rank == 0)
    progress = Progress(
      console: console, isInteractive: console.isInteractive(launchedByMPI: launchedByMPI),
      steps: setup.config.run.steps, bytesPerToken: setup.bytesPerToken)
    directory = try RunDirectory(
      path: setup.config.run.directory, mode: RunDirectory.Mode(options), on: communicator)
    let replica = try communicator.agree {
      try Replica(
        shape: setup.shape, kernels: setup.kernels, window: setup.config.batch.window,
        plan: setup.plan, rank: communicator.rank)
    }
    self.replica = replica
    trainer = Trainer(
      replica: replica, communicator: communicator, source: setup.batches,
      optimizer: setup.config.optimizer, steps: setup.config.run.steps)
    let pulse = trainer.pulse
    evaluator = setup.split.validation.map {
      Evaluator(
        replica: replica, communicator: communicator, part: $0,
        window: setup.config.batch.window, pulse: pulse)
    }
    debugger = options.debug ? DebugChecks(trainer: trainer, seed: setup.config.run.seed) : nil
  }

  /// Trains to the last step, or to the first one after a signal.
  ///
  /// - Returns: the exit status.
  package func perform() throws -> Int32 {
    let watchdog = try Watchdog(
      setup: setup, trainer: trainer, followsParent: launchedByMPI, isDebugging: options.debug)
    watchdog.start()
    do {
      let status = try train()
      watchdog.finish(exitStatus: status)
      return status
    } catch {
      watchdog.finish(exitStatus: ExitStatus.of(error))
      throw error
    }
  }

  private func train() throws -> Int32 {
    let restored = try directory.restore(trainer, setup: setup) { Console.complain($0) }
    trainer.pulse.resume(afterStep: trainer.step)
    if trainer.step >= run.steps {
      progress.say(
        "nothing to do: \(run.directory) is at step \(trainer.step) of \(run.steps); "
          + "raise run.steps (--steps) to go on")
      return ExitStatus.done
    }
    try begin(restored)
    announce()
    if let debugger {
      let table = try debugger.checkGradients()
      progress.say(table.text)
      try write(table.records(step: trainer.step))
      try table.requirePassed()
    }
    while trainer.step < run.steps {
      let outcome: Trainer.Outcome
      do {
        outcome = try trainer.performStep(stopRequested: isStopRequested)
      } catch {
        progress.finishLine()
        throw error
      }
      interval.add(outcome)
      progress.update(outcome)
      try debugger?.checkValues()
      try report(outcome)
      let isLast = outcome.step == run.steps
      let isStopping = outcome.isStopRequested && !isLast
      if !isStopping, isLast || isDue(run.validateEvery) { try validate() }
      if isLast || isStopping || isDue(run.checkpointEvery) { try save() }
      if isStopping { return try stop() }
    }
    return try finish()
  }

  /// Whether the step that comes is to be the last for now.
  private var isStopRequested: Bool {
    if let stopAfter = options.stopAfter, trainer.step + 1 >= stopAfter { return true }
    return StopSignal.isRequested
  }

  private func isDue(_ period: Int) -> Bool { period > 0 && trainer.step.isMultiple(of: period) }

  private func begin(_ restored: RunDirectory.Restored?) throws {
    try directory.begin(afterStep: trainer.step, config: config)
    if let restored {
      history = restored.history
      lastSavedStep = trainer.step
      try write([
        [
          "kind": "resume", "step": .integer(trainer.step),
          "checkpoint": .string(restored.checkpoint), "ranks": .integer(communicator.worldSize),
          "threads": .integer(replica.threads),
        ]
      ])
    } else {
      replica.initialize(seed: run.seed)
    }
  }

  /// The line that says what starts.
  private func announce() {
    let batch = config.batch
    let range = trainer.step == 0 ? "\(run.steps) steps" : "steps \(trainer.step + 1)-\(run.steps)"
    progress.say(
      "gru-dist \(programVersion): "
        + Format.count(communicator.worldSize, "rank") + " x "
        + Format.count(replica.threads, "thread") + ", "
        + "\(replica.kernels.instructionSet.rawValue), \(replica.shape.cell.words), "
        + "\(Format.grouped(replica.table.parameterCount)) parameters, "
        + "\(Format.grouped(setup.split.training.range.count)) training tokens, "
        + "batch \(batch.sequences) x \(batch.window), \(range) -> \(run.directory)")
  }

  /// Logs a step when it is due: first and last steps too, and every step of a debug run.
  private func report(_ outcome: Trainer.Outcome) throws {
    let isDue =
      options.debug || isDue(run.logEvery) || outcome.step == run.steps
      || outcome.isStopRequested || (run.logEvery > 0 && outcome.step == 1)
    guard isDue else { return }
    let record = TrainRecord(
      step: outcome.step, epoch: trainer.source.epoch(ofStep: outcome.step),
      tokens: outcome.step * outcome.tokens, loss: outcome.loss,
      learningRate: outcome.learningRate, gradientNorm: outcome.gradientNorm, interval: interval,
      fingerprint: try trainer.fingerprint())
    progress.log(
      step: outcome.step, loss: outcome.loss, tokensPerSecond: interval.tokensPerSecond)
    interval = StepInterval()
    var records = [record.json]
    if let debugger, self.isDue(run.logEvery) || outcome.step == 1 {
      records += debugger.tensorRecords()
    }
    try write(records)
  }

  private func validate() throws {
    guard let evaluator, run.validateEvery > 0, lastValidatedStep != trainer.step else { return }
    lastValidatedStep = trainer.step
    trainer.pulse.begin(.validation)
    defer { trainer.pulse.begin(.reporting) }
    let score = try evaluator.score()
    history.note(loss: score.loss, step: trainer.step)
    progress.say("step \(trainer.step)/\(run.steps)  validation  \(score.words)")
    try write([score.json(step: trainer.step)])
  }

  private func save() throws {
    guard lastSavedStep != trainer.step else { return }
    // Nothing could go on from such a checkpoint, and it would push the sound ones out.
    try trainer.requireFiniteParameters()
    lastSavedStep = trainer.step
    trainer.pulse.begin(.checkpoint)
    defer { trainer.pulse.begin(.reporting) }
    let started = ContinuousClock.now
    let fingerprint = try trainer.fingerprint()
    let name = try directory.save(
      trainer, setup: setup, history: history, fingerprint: fingerprint)
    let seconds = (ContinuousClock.now - started).seconds
    try write([
      [
        "kind": "checkpoint", "step": .integer(trainer.step), "name": .string(name),
        "fingerprint": .string(fingerprint), "seconds": .number((seconds * 1e3).rounded() / 1e3),
      ]
    ])
  }

  private func stop() throws -> Int32 {
    progress.say(
      "stopped at step \(trainer.step) of \(run.steps), after a checkpoint; "
        + "go on with --resume")
    try write([["kind": "event", "event": "stopped", "step": .integer(trainer.step)]])
    return ExitStatus.stopped
  }

  private func finish() throws -> Int32 {
    trainer.pulse.begin(.finishing)
    progress.say("done: \(run.steps) steps, newest checkpoint in \(run.directory)/checkpoints")
    try write([["kind": "event", "event": "done", "step": .integer(trainer.step)]])
    return ExitStatus.done
  }

  /// Appends records to the metrics; a failure ends all ranks.
  private func write(_ records: [OrderedJSON]) throws {
    try communicator.coordinate {
      for record in records {
        try directory.append(record)
        console.record(record)
      }
    }
  }
}

/// What a run remembers over stops.
package struct RunHistory: Sendable, Equatable {
  package var bestLoss: Double?
  package var bestStep: Int?

  package init() {}

  package mutating func note(loss: Double, step: Int) {
    if !loss.isFinite { return }
    if let bestLoss, bestLoss <= loss { return }
    bestLoss = loss
    bestStep = step
  }
}
