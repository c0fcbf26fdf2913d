import Checkpoints
import Collectives
import Configuration
import Corpora
import Datasets
package import Engine
import Records
package import Scoring
import Tasks
import WarmStarts

/// What a run goes on with after its last step: one more file, passed over once.
package struct FileToPass {
  /// The passes before it.
  let earlier: [FilePass]
  let pass: FilePass
  /// Whether no checkpoint holds any of its steps.
  let isNew: Bool
  let data: TrainingData
  /// What a person is to know of it, a line each.
  var remarks: [String] = []

  /// What the checkpoints of the pass remember.
  var passes: [FilePass] { earlier + [pass] }
}

/// A file that a run does not take, although the run itself could go on.
struct FileRefusal: CommonError, StatusError, CustomStringConvertible {
  let description: String
  let exitStatus: Int32

  init(_ error: AgreedError) { (description, exitStatus) = (error.description, error.exitStatus) }
}

extension TrainingSetup {
  /// Reads the data, and tells `watchdog` of it. Every rank calls it; all throw alike.
  init(
    _ work: Work, _ options: TrainOptions, start: WarmStart?, on communicator: any Communicator,
    watchedBy watchdog: Watchdog
  ) throws {
    self = try watchdog.minding {
      try TrainingSetup(
        work, options, start: start, on: communicator, progress: watchdog.progress.data)
    }
  }

  /// Opens a file to pass over, as the run's newest checkpoint says. Every rank calls it; all throw
  /// alike: `FileRefusal` where the file is at fault, and the run is not.
  ///
  /// - Parameters:
  ///   - rehearsal: the share of the batches that are of the data the run began with; nil for the
  ///     usual one, and for that of the pass under way.
  ///   - learnt: what the run has learnt of these, by which the file is read.
  func open(
    _ file: String, rehearsal: Double?, learnt: LearntData?, on communicator: any Communicator
  ) throws -> FileToPass {
    let run = try RunSoFar(config.run, on: communicator)
    try communicator.agree {
      if config.taskDescription.isGenerated {
        throw UsageError("--file: task '\(config.task.rawValue)' makes its data, and reads no file")
      }
      if config.exchange.isLocal {
        throw UsageError(
          "--file: with exchange.synchronize_every groups of shards train apart, for whole rounds "
            + "of steps; leave it out, and the run can pass over files")
      }
    }
    do {
      return try pass(over: file, rehearsal: rehearsal, after: run, learnt, on: communicator)
    } catch let error as AgreedError where error.exitStatus == ExitStatus.badUsage {
      throw FileRefusal(error)
    }
  }

  /// Reads a file that the run can take, and plans its pass.
  private func pass(
    over file: String, rehearsal: Double?, after run: RunSoFar, _ learnt: LearntData?,
    on communicator: any Communicator
  ) throws -> FileToPass {
    let data = try config.passing(over: file).openData(
      as: learnt, countsUnknownClasses: true, on: communicator
    ) { Console.complain("gru-dist: \($0)") }
    try communicator.requireEqual(data.fingerprint, of: file)
    return try communicator.agree {
      let source = source(of: data)
      guard let batches = source.batchesPerEpoch, batches > 0 else {
        throw UsageError("--file: '\(file)' has no batch to train on")
      }
      let name = file.split(separator: "/").last.map(String.init) ?? file
      if let last = run.passes.last, run.step < last.lastStep {
        guard last.name == name, last.fingerprint == data.fingerprint else {
          throw UsageError(
            "--file: the run is at step \(run.step) of its pass over '\(last.name)', which ends "
              + "at step \(last.lastStep), and '\(file)' is not that file as it was; give that "
              + "file, unchanged")
        }
        try check(last, of: run, fileBatches: batches)
        var file = FileToPass(
          earlier: run.passes.dropLast(), pass: last, isNew: false, data: data)
        if let rehearsal, RehearsedPass.Plan(fileBatches: batches, share: rehearsal) != last.plan {
          file.remarks = [
            "the pass over '\(name)' goes on as it began, with \(last.rehearsals) of every "
              + "\(RehearsedPass.Plan.cycle) batches of data.train; --rehearsal \(rehearsal) is "
              + "not heeded before the next file"
          ]
        }
        return file
      }
      if run.passes.contains(where: { $0.name == name }) {
        throw UsageError(
          "--file: the run has passed over '\(name)' already; a file is taken once, by its name")
      }
      let plan = RehearsedPass.Plan(
        fileBatches: batches, share: rehearsal ?? FilePass.usualRehearsal)
      return FileToPass(
        earlier: run.passes,
        pass: pass(
          over: name, data.fingerprint, plan, afterStep: run.step, run.passes,
          targets: run.targets),
        isNew: true, data: data, remarks: remarks(on: name, data, run.passes))
    }
  }

  /// A pass that follows others.
  private func pass(
    over name: String, _ fingerprint: String, _ plan: RehearsedPass.Plan, afterStep step: Int,
    _ earlier: some BidirectionalCollection<FilePass>, targets: Int
  ) -> FilePass {
    let perStep = config.batch.accumulate
    let rehearsedBefore =
      earlier.last.map { $0.rehearsedBefore + $0.steps * perStep - $0.fileBatches }
      ?? step * perStep
    return FilePass(
      name: name, fingerprint: fingerprint, firstStep: step + 1,
      steps: plan.count(perStep: perStep) / perStep, fileBatches: plan.fileBatches,
      rehearsals: plan.rehearsals, rehearsedBefore: rehearsedBefore, targetsBefore: targets)
  }

  /// Throws unless the pass under way is what a pass over its file would be.
  private func check(_ last: FilePass, of run: RunSoFar, fileBatches: Int) throws {
    let expected = pass(
      over: last.name, last.fingerprint,
      RehearsedPass.Plan(fileBatches: fileBatches, rehearsals: last.rehearsals),
      afterStep: last.firstStep - 1, run.passes.dropLast(), targets: last.targetsBefore)
    guard last != expected else { return }
    func words(_ pass: FilePass) -> String {
      "\(Format.count(pass.fileBatches, "batch", plural: "batches")) in "
        + "\(Format.count(pass.steps, "step")), after \(Format.grouped(pass.rehearsedBefore)) of "
        + "data.train"
    }
    throw RunDirectoryError(
      "\(config.run.directory): the checkpoint of step \(run.step) says that its pass over "
        + "'\(last.name)' is of \(words(last)), and that file makes one of \(words(expected)); "
        + "batch and data are not those of the run, or the checkpoint is damaged: remove it to go "
        + "on from the one before")
  }

  /// What a person is to know of a file that is to be passed over.
  private func remarks(on name: String, _ data: TrainingData, _ passes: [FilePass]) -> [String] {
    var remarks: [String] = []
    if let earlier = passes.first(where: { $0.fingerprint == data.fingerprint }) {
      remarks.append(
        "'\(name)' holds what '\(earlier.name)' does, which the run has passed over already in "
          + "steps \(earlier.firstStep)-\(earlier.lastStep)")
    }
    if data.fingerprint == self.data.fingerprint {
      remarks.append("'\(name)' holds what data.train does, which the run began with")
    }
    if config.data.valid != nil, data.fingerprint == self.data.validationFingerprint {
      remarks.append(
        "'\(name)' holds what data.valid does: from now on validations tell how well the run has "
          + "learnt it by heart, and not how well it does on others")
    }
    return remarks
  }

  /// The batches of training.
  package var batches: BatchSource {
    let own = source(of: data)
    guard let file else { return own }
    let pass = file.pass
    return .pass(
      RehearsedPass(
        plan: pass.plan,
        before: (pass.firstStep - 1) * config.batch.accumulate,
        targetsBefore: pass.targetsBefore, file: source(of: file.data), rehearsed: own,
        rehearsedBefore: pass.rehearsedBefore))
  }

  /// What of the file is left out, since the model lacks its class.
  var unknownInFile: (words: String, json: OrderedJSON)? {
    if case .sequences(let data)? = file?.data { data.summary.unknownClasses } else { nil }
  }

  /// All of the file that is passed over, once and in its order; nil where there is none.
  package var fileSubject: Scorer.Subject? {
    switch file?.data {
    case .text(let split)?: .text(split.training, window: config.batch.window)
    case .sequences(let data)?: data.validation.map { .sequences($0) }
    case nil: nil
    }
  }

  /// The step that training goes on to.
  package var lastStep: Int { file?.pass.lastStep ?? config.run.steps }

  /// Most sequences that a row of a batch holds.
  var slots: Int { max(data.slots, file?.data.slots ?? 1) }

  /// Throws unless a checkpoint is the one that the file was opened for; without a file, unless the
  /// run can go on with the data that it began with.
  func checkPasses(of state: TrainingState, path: String) throws {
    if let file {
      guard state.filePasses == (file.isNew ? file.earlier : file.passes) else {
        throw RunDirectoryError(
          "\(path): the newest checkpoint is damaged, and the one of step \(state.step) before it "
            + "is of another pass; remove the newest, and start again")
      }
    } else if let last = state.filePasses.last, state.step < last.lastStep {
      throw UsageError(
        "\(path): the run is at step \(state.step) of its pass over '\(last.name)', which ends at "
          + "step \(last.lastStep); go on with --resume --file and that file, or daemon --watch")
    } else if let first = state.filePasses.first, config.run.steps > state.step {
      throw UsageError(
        "\(path): the run has gone on with other files since step \(first.firstStep), so that "
          + "run.steps cannot be raised; go on with --file, or daemon --watch")
    }
  }
}

extension FilePass {
  /// Which of its batches are of the file.
  fileprivate var plan: RehearsedPass.Plan {
    RehearsedPass.Plan(fileBatches: fileBatches, rehearsals: rehearsals)
  }
}

/// Where a run stands that is to go on with a file.
private struct RunSoFar {
  let step: Int
  /// Targets that it has counted.
  let targets: Int
  let passes: [FilePass]

  /// Reads it on rank 0. Every rank calls it; all throw alike.
  init(_ run: RunConfig, on communicator: any Communicator) throws {
    var found: OrderedJSON = [:]
    try communicator.coordinate {
      guard let state = try CheckpointStore(run: run).newestState() else {
        throw UsageError(
          "--file: \(run.directory) has no checkpoint to go on from; train the config first, "
            + "without --file")
      }
      let stalled = state.validation?.stalled ?? 0
      let isStalled = run.patience > 0 && stalled >= run.patience
      guard state.step >= run.steps || isStalled || !state.filePasses.isEmpty else {
        throw UsageError(
          "--file: the run is at step \(state.step) of \(run.steps), and passes over files come "
            + "after the last; go on with --resume alone first, or lower run.steps (--steps)")
      }
      found = [
        "step": .integer(state.step), "targets": .integer(state.tokens),
        "passes": .array(state.filePasses.map(\.json)),
      ]
    }
    let shared = try communicator.share(Array(found.line.utf8))
    let fields = try JSONFields(OrderedJSON(parsing: shared))
    step = try fields.integer("step")
    targets = try fields.integer("targets")
    passes = try fields.array("passes", of: "passes") { try? FilePass(json: JSONFields($0)) }
  }
}

extension Config {
  /// The config by which a file is read that a run passes over: all of it trains, and is measured
  /// before that.
  fileprivate func passing(over file: String) -> Config {
    var other = self
    other.data.train = file
    // Of sequences this gives each once, in the file's order.
    other.data.valid = taskDescription.readsText ? nil : file
    (other.data.validFraction, other.data.test, other.data.testFraction) = (0, nil, 0)
    other.data.split = SplitConfig()
    return other
  }
}
