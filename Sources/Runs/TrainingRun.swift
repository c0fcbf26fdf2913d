package import Checkpoints
package import Collectives
import Configuration
import Corpora
import Datasets
import Debugging
package import Engine
import Foundation
import GRUCore
import Hooks
import Kernels
import Records
import Scoring
import Traces
import WarmStarts

/// One training run from start or resume to end, on one rank of the job.
///
/// Every rank runs the same loop and takes part in every decision; rank 0, the coordinator, trains
/// too and alone writes the run directory and speaks.
package final class TrainingRun {
  let options: TrainOptions
  package let communicator: any Communicator
  let setup: TrainingSetup
  let console: Console
  let progress: ProgressLine
  let directory: RunDirectory
  let replica: Replica
  package let trainer: Trainer
  let scorer: Scorer
  /// What is validated on; nil for nothing.
  let validation: Scorer.Subject?
  let debugger: DebugChecks?
  /// What writes a timeline, where that is asked for.
  let trace: StepTrace?
  /// What a new run starts from; nil for random numbers, and where a run goes on.
  let start: WarmStart?
  let watchdog: Watchdog
  /// Whether the run directory's files are this run's.
  var hasBegun = false
  var interval = StepInterval()
  let saver: CheckpointSaver
  /// On rank 0, where the config asks for these.
  let events: TensorBoardLog?
  let hooks: HookRunner?
  var history: RunHistory
  private var lossWatch = LossWatch()
  let stragglers: StragglerGather
  var stragglerWatch = StragglerWatch()
  var lastValidatedStep: Int?
  var lastSavedStep: Int?
  /// When the last checkpoint was taken, or the first step began.
  var lastSaveTime = ContinuousClock.now
  /// The last step whose checkpoint could not be written; on rank 0.
  var failedStep: Int?
  /// Checkpoints asked for by signals that were taken.
  private var savesTaken = 0
  /// What the records tell already of the validation that a resume makes up for.
  var told: Set<String> = []
  /// Whether a person knows that standard output takes nothing.
  var hasToldLoss = false
  /// Whether a person knows that what validations find out cannot be written.
  var hasToldReport = false
  /// Steps without an update, one after the other.
  var skippedInARow = 0
  /// Why the state is not to be saved; on rank 0.
  var fault: String?

  /// Prepares everything and allocates the memory; the run directory is in this process's hands
  /// then. Every rank calls it, and all throw alike.
  ///
  /// - Parameter fileSystem: of the checkpoints.
  package init(
    _ options: TrainOptions, on communicator: any Communicator, launchedByMPI: Bool,
    fileSystem: FileSystem = .system
  ) throws {
    (self.options, self.communicator) = (options, communicator)
    let work = try TrainingSetup.Work(options, on: communicator)
    trace = try StepTrace(options.trace, on: communicator)
    let directory = try RunDirectory(
      path: work.config.run.directory, mode: RunDirectory.Mode(options), on: communicator,
      fileSystem: fileSystem)
    self.directory = directory
    let watchdog = try Watchdog(
      work, on: communicator, directory: directory, isDebugging: options.debug)
    self.watchdog = watchdog
    var isReady = false
    defer {
      if !isReady {
        watchdog.withdraw(exitStatus: ExitStatus.badUsage)
        directory.withdraw()
      }
    }
    watchdog.start()
    watchdog.progress.begin(.reading)
    start = try directory.start(options.start, for: work.config)
    let setup = try TrainingSetup(
      work, options, start: start, on: communicator, watchedBy: watchdog)
    self.setup = setup
    history = RunHistory(measure: setup.config.measure)
    console = Console(isJSON: options.json, isCoordinator: communicator.rank == 0)
    progress = ProgressLine(
      console: console, isInteractive: console.isInteractive(launchedByMPI: launchedByMPI),
      steps: setup.lastStep, bytesPerToken: setup.bytesPerToken,
      task: setup.config.taskDescription)
    watchdog.progress.begin(.starting)
    watchdog.expect(steps: setup.lastStep)
    let replica = try communicator.agree {
      try Replica(
        shape: setup.shape, kernels: setup.kernels, window: setup.config.batch.longestWindow,
        plan: setup.plan, rank: communicator.rank, slots: setup.slots, use: setup.memoryUse)
    }
    self.replica = replica
    var settings = StepSettings(setup.config)
    settings.checks = StepChecks(setup.config.run)
    settings.bucketBytes = try setup.config.exchange.bucketBytes(on: communicator)
    let trainer = try communicator.agree {
      if options.debug, setup.config.exchange.isLocal {
        throw UsageError(
          "--debug looks at gradients of all shards, and with exchange.synchronize_every groups of "
            + "shards train apart; add --set exchange.synchronize_every=0")
      }
      return try Trainer(
        replica: replica, communicator: communicator, source: setup.batches, settings: settings,
        progress: watchdog.progress)
    }
    self.trainer = trainer
    stragglers = try StragglerGather(communicator: communicator, plan: setup.plan)
    saver = CheckpointSaver(trainer: trainer, directory: directory)
    events =
      setup.config.run.tensorboard && communicator.rank == 0
      ? TensorBoardLog(runDirectory: directory.path, host: communicator.hostName) : nil
    hooks = communicator.rank == 0 ? HookRunner(setup.config.run) : nil
    let decoder = try communicator.agree { try setup.decoder() }
    scorer = Scorer(
      task: setup.config.taskDescription, decoder: decoder, frame: setup.frame, replica: replica,
      communicator: communicator, progress: trainer.progress)
    (scorer.trainingText, scorer.keepsExamples) = (setup.split?.training, true)
    validation = setup.validation
    debugger = options.debug ? DebugChecks(trainer: trainer, seed: setup.config.run.seed) : nil
    isReady = true
  }

  deinit { watchdog.stop() }

  /// Trains to the last step, or to the first one after a signal.
  ///
  /// - Returns: the exit status.
  package func perform() throws -> Int32 {
    do {
      return leave(exitStatus: try train())
    } catch {
      // A checkpoint under way is worth waiting for; its parts come only while all ranks live.
      if error is any CommonError {
        report((try? saver.finish()) ?? [])
        if hasBegun { try? finishTrace() }
      }
      saver.abandon()
      leave(exitStatus: ExitStatus.of(error), after: error)
      throw error
    }
  }

  private func train() throws -> Int32 {
    let restored = try restore()
    let stalled = restored?.history.memory.stalled ?? 0
    let isStalled = setup.file == nil && run.patience > 0 && stalled >= run.patience
    let isComplete = trainer.step >= setup.lastStep || isStalled
    if isComplete, restored?.resumption.isValidationMissing != true {
      progress.say(
        "nothing to do: \(run.directory) is at step \(trainer.step) of \(run.steps)"
          + (isStalled
            ? ", and \(stalled) validations have brought \(history.noBetter); raise "
              + "run.patience to go on"
            : "; raise run.steps (--steps) to go on"))
      if trace != nil { progress.say("trace       no step is made that could be traced") }
      try completeRecords(of: restored)
      return ExitStatus.done
    }
    if !isComplete { try settleTrace() }
    try begin(restored)
    lastSaveTime = .now
    if try !judgeByFile() { return try stop() }
    if !isComplete {
      announce(restored)
      let binding = try CoreBinding(communicator, threads: replica.threads)
      if let warning = binding.warning { progress.say("warning: \(warning)") }
    }
    if let debugger {
      let table = try debugger.checkGradients()
      progress.say(table.text)
      write(table.records(step: trainer.step))
      try table.requirePassed()
    }
    if restored == nil, try saveStart() { return try stop() }
    if restored?.resumption.isValidationMissing == true {
      let outcome = try validate()
      if outcome == .best { try saveAgain() }
      told = []
      if outcome == .interrupted { return try stop() }
    }
    while trainer.step < setup.lastStep, !self.isStalled {
      try turnTrace()
      let (outcome, requests) = try performStep()
      if let outcome { try follow(outcome) }
      let isLast = trainer.step == setup.lastStep
      var isStopping = requests.contains(.stop) && !isLast
      var validation = ValidationOutcome.none
      if !isStopping, isLast || isDue(run.validateEvery) { validation = try validate() }
      if validation == .interrupted { isStopping = true }
      let isEnding = isLast || self.isStalled
      if isEnding || isStopping { try saveFinally() }
      if isStopping { return try stop() }
      if isEnding { break }
      if validation == .best {
        try save(isNeeded: true)
      } else if requests.contains(.save) || isDue(run.checkpointEvery) {
        try save(isNeeded: false)
      }
      report(try saver.poll())
      reportHooks()
    }
    return try finish()
  }

  /// Brings the run to its newest whole checkpoint, where it is resumed and there is one.
  private func restore() throws -> RunDirectory.Restored? {
    let contents = saver.snapshot.tensors
    guard
      let restored = try directory.load(
        into: contents, setup: setup, complain: { Console.complain($0) })
    else { return nil }
    let (start, memory) = (restored.resumption, restored.resumption.validation)
    trainer.resume(
      afterStep: start.step, skippedSteps: start.skippedSteps, averagedSteps: start.averagedSteps,
      decays: memory.decays, isAveraging: memory.isAveraging)
    try saver.snapshot.restore()
    try directory.requireFingerprint(try trainer.fingerprint(), of: restored)
    return restored
  }

  /// Performs the next step; its outcome is nil where it made no update because a value was not
  /// finite. Any rank's requests are heard in either case.
  private func performStep() throws -> (outcome: StepOutcome?, requests: StepRequests) {
    var saves = Signals.saveRequests
    var outcome: StepOutcome?
    var asked: StepRequests
    do {
      debugger?.beginStep()
      let done = try trainer.performStep(isFollowed: true) { step in
        saves = Signals.saveRequests
        return requests(saves: saves, atStep: step)
      }
      skippedInARow = 0
      (outcome, asked) = (done, done.requests)
    } catch let error as NonFiniteError {
      progress.finishLine()
      try take(error)
      asked = error.requests
    } catch let error as CorruptionError {
      progress.finishLine()
      write([event("corruption", atStep: error.step, ["reason": .string("\(error)")])])
      throw error
    } catch {
      progress.finishLine()
      throw error
    }
    if asked.contains(.fault) {
      try communicator.coordinate { if let fault { throw RunDirectoryError(fault) } }
    }
    if asked.contains(.save) { savesTaken = saves }
    return (outcome, asked)
  }

  /// What this rank asks of the others in a step.
  private func requests(saves: Int, atStep step: Int) -> StepRequests {
    var requests: StepRequests = []
    if isStopRequested(atStep: step) { requests.insert(.stop) }
    if saves != savesTaken || isSaveOverdue { requests.insert(.save) }
    if fault != nil { requests.insert(.fault) }
    return requests
  }

  /// What follows a step: its record, and what it looks like beside those before it.
  private func follow(_ outcome: StepOutcome) throws {
    interval.add(outcome)
    progress.update(outcome)
    trainer.progress.remainingSeconds = progress.remainingSeconds(afterStep: outcome.step)
    try debugger?.checkValues()
    if let usual = lossWatch.spike(outcome.loss) {
      write([
        event(
          "loss_spike", atStep: outcome.step,
          ["loss": .number(outcome.loss), "mean_loss": .number(usual)])
      ])
    }
    try report(outcome)
  }

  private func begin(_ restored: RunDirectory.Restored?) throws {
    hasBegun = true
    try watchdog.begin(on: communicator)
    var earlier = RunDirectory.EarlierRecords()
    try directory.begin(afterStep: firstKept(restored), config: config) {
      if let restored { earlier = try earlierRecords(of: restored) } else { try noteStart() }
    }
    do { try events?.begin(afterStep: trainer.step) } catch { warnOfEvents(error) }
    guard let restored else {
      if options.resume {
        progress.say("nothing to resume in \(run.directory): the run starts at step 1")
      }
      replica.initialize(seed: run.seed)
      return try takeStart()
    }
    history = restored.history
    history.isJudgedByFiles = setup.file != nil || !history.filePasses.isEmpty
    lastSavedStep = trainer.step
    let record: OrderedJSON = [
      "kind": "resume", "step": .integer(trainer.step),
      "checkpoint": .string(restored.checkpoint), "ranks": .integer(communicator.worldSize),
      "threads": .integer(replica.threads),
    ]
    let changes = restored.changes.map { OrderedJSON.string("\($0)") }
    add(earlier.lacking)
    let changed: OrderedJSON = changes.isEmpty ? [:] : ["changes": .array(changes)]
    write([record.merging(changed).merging(restored.rates?.json ?? [:])])
    told = earlier.told
    tellOfBest(restored)
    if restored.hasOtherValidationText {
      warn(
        "validation_text_changed", atStep: trainer.step,
        "the text of data.valid is not the one from before: its losses cannot be compared with "
          + "earlier ones, and the best one is looked for anew")
    }
  }
}
