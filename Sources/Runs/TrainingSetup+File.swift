import Checkpoints
import Collectives
import Configuration
import Corpora
import Datasets
package import Engine
import Records
package import Scoring
import Tasks

/// What a run goes on with after its last step: one more file, passed over once.
package struct FileToPass {
  /// The passes before it.
  let earlier: [FilePass]
  let pass: FilePass
  /// Whether no checkpoint holds any of its steps.
  let isNew: Bool
  let data: TrainingData

  /// What the checkpoints of the pass remember.
  var passes: [FilePass] { earlier + [pass] }
}

extension TrainingSetup {
  /// Opens a file to pass over, as the run's newest checkpoint says. Every rank calls it; all throw
  /// alike.
  ///
  /// - Parameters:
  ///   - rehearsal: the share of the batches that are of the data the run began with.
  ///   - learnt: what the run has learnt of these, by which the file is read.
  func open(
    _ file: String, rehearsal: Double, learnt: LearntData?, on communicator: any Communicator
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
    let data = try config.passing(over: file).openData(as: learnt, on: communicator) {
      Console.complain("gru-dist: \($0)")
    }
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
        return FileToPass(
          earlier: run.passes.dropLast(), pass: last, isNew: false, data: data)
      }
      if run.passes.contains(where: { $0.name == name }) {
        throw UsageError(
          "--file: the run has passed over '\(name)' already; a file is taken once, by its name")
      }
      return FileToPass(
        earlier: run.passes,
        pass: pass(
          over: name, data, RehearsedPass.Plan(fileBatches: batches, share: rehearsal), after: run),
        isNew: true, data: data)
    }
  }

  private func pass(
    over name: String, _ data: TrainingData, _ plan: RehearsedPass.Plan, after run: RunSoFar
  ) -> FilePass {
    let perStep = config.batch.accumulate
    let rehearsedBefore =
      run.passes.last.map { $0.rehearsedBefore + $0.steps * perStep - $0.fileBatches }
      ?? run.step * perStep
    return FilePass(
      name: name, fingerprint: data.fingerprint, firstStep: run.step + 1,
      steps: plan.count(perStep: perStep) / perStep, fileBatches: plan.fileBatches,
      rehearsals: plan.rehearsals, rehearsedBefore: rehearsedBefore, targetsBefore: run.targets)
  }

  /// The batches of training.
  package var batches: BatchSource {
    let own = source(of: data)
    guard let file else { return own }
    let pass = file.pass
    return .pass(
      RehearsedPass(
        plan: RehearsedPass.Plan(fileBatches: pass.fileBatches, rehearsals: pass.rehearsals),
        before: (pass.firstStep - 1) * config.batch.accumulate,
        targetsBefore: pass.targetsBefore, file: source(of: file.data), rehearsed: own,
        rehearsedBefore: pass.rehearsedBefore))
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
