import Batches
import Collectives
import Configuration
import Datasets
import Engine
import Foundation
import GRUCore
import Kernels
package import Records
package import Runs
import Scoring
import Tasks

/// Trains cells on tasks that ask for what was said long ago, over growing lengths, and measures
/// how much of the gradient reaches back: why gates are worth having, in numbers.
package struct MemoryStudy {
  /// One model on one task at one length.
  struct Outcome {
    var task: TaskName
    var cell: ModelConfig.CellName
    var length: Int
    var parameters: Int
    /// After training, on validation sequences; and of a model that remembers nothing.
    var loss: Double
    var trivialLoss: Double
    var before: GradientReach
    var after: GradientReach
  }

  package var options: TrainOptions

  package init(options: TrainOptions) { self.options = options }

  /// Writes memory.svg, memory.md and memory.json to the run directory.
  package func run(console: Console) throws {
    let config = try Config(file: options.configFile, overrides: options.overrides)
    let folder = URL(fileURLWithPath: config.run.directory)
    let names = ["memory.svg", "memory.md", "memory.json"]
    for name in names { try requireReplaceable("\(config.run.directory)/\(name)") }
    var outcomes: [Outcome] = []
    for task in config.memory.tasks {
      for length in config.memory.lengths {
        for cell in config.memory.cells {
          let outcome = try measure(task, cell, length: length, steps: config.memory.steps)
          console.say(outcome.line)
          console.record(outcome.record)
          try console.requireWritten()
          outcomes.append(outcome)
        }
      }
    }
    let report = MemoryReport(outcomes: outcomes, config: config)
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      let texts = [MemoryFigure(outcomes).svg, report.markdown, report.json.pretty]
      for (name, text) in zip(names, texts) {
        try FileDraft.write(
          Array(text.utf8), to: folder.appendingPathComponent(name).path,
          replaces: options.overwrite)
      }
    } catch let error as SystemError {
      throw RunDirectoryError("\(error)")
    } catch {
      throw RunDirectoryError(
        "\(config.run.directory) cannot be written: \(error.localizedDescription)")
    }
    console.say("\n" + report.markdown)
    console.say("figure in \(config.run.directory)/memory.svg")
  }

  /// Throws unless a result may be written to `path`.
  private func requireReplaceable(_ path: String) throws {
    guard let status = FileStatus(path) else { return }
    if status.kind == .regular, !options.overwrite {
      throw UsageError(
        "\(path) exists; write over it by --overwrite, or elsewhere by --run-directory")
    }
    try FileStatus.requireReplaceable(path, option: "run.directory", overwrite: true)
    if FileStatus.areSame(path, options.configFile) {
      throw UsageError("\(path) is the config, which is read; name another --run-directory")
    }
  }

  private func measure(
    _ task: TaskName, _ cell: ModelConfig.CellName, length: Int, steps: Int
  ) throws -> Outcome {
    var options = options
    let window = length + (task.description.generated?.endSteps ?? 0)
    options.overrides += [
      ConfigOverride(set: "task=\(task.rawValue)"), ConfigOverride(set: "batch.window=\(window)"),
      ConfigOverride(set: "model.cell=\(cell.rawValue)"), ConfigOverride(set: "run.steps=\(steps)"),
    ]
    // What the config has for other cells.
    if cell != .gru { options.overrides.append(ConfigOverride(set: "model.reset=before")) }
    if cell == .rnn { options.overrides.append(ConfigOverride(set: "model.initial_update_bias=0")) }
    let communicator = SoloCommunicator()
    let setup = try TrainingSetup(options, on: communicator)
    guard !setup.shape.isBidirectional else {
      throw UsageError(
        "model.bidirectional is true: from the end of a sequence its beginning is not far away; "
          + "set it to false")
    }
    guard !setup.config.exchange.isLocal else {
      throw UsageError(
        "exchange.synchronize_every is \(setup.config.exchange.synchronizeEvery): the study trains "
          + "all shards together; set it to 0")
    }
    guard case .sequences(let data) = setup.data, let validation = data.validation else {
      throw UsageError("data.valid_sequences is 0: there is nothing to measure on")
    }
    let replica = try Replica(
      shape: setup.shape, kernels: setup.kernels, window: window, plan: setup.plan, rank: 0)
    let trainer = try Trainer(
      replica: replica, communicator: communicator, source: setup.batches,
      settings: StepSettings(setup.config))
    replica.initialize(seed: setup.config.run.seed)
    let before = GradientReach(replica, batches: validation, task: task)
    for _ in 0..<steps { _ = try trainer.performStep() }
    let score = try Scorer(
      task: setup.config.taskDescription, decoder: try setup.decoder(), replica: replica,
      communicator: communicator
    ).score(on: .sequences(validation))
    return Outcome(
      task: task, cell: cell, length: length, parameters: replica.table.parameterCount,
      loss: score.loss,
      trivialLoss: task.description.generated?.trivialLoss(window: window) ?? .nan,
      before: before, after: GradientReach(replica, batches: validation, task: task))
  }
}

extension MemoryStudy.Outcome {
  /// The outcome in one line.
  var line: String {
    "\(task.rawValue) \(length)  \(cell.rawValue)  loss \(Format.small(loss)) "
      + "(\(Format.small(trivialLoss)) without memory)  gradient at the first step "
      + "\(MemoryReport.power(before.remaining)) of that at the answer, "
      + "\(MemoryReport.power(after.remaining)) after training"
  }

  /// The outcome with all norms.
  var record: OrderedJSON {
    func numbers(_ reach: GradientReach) -> OrderedJSON {
      .array(reach.norms.map { .number($0) })
    }
    return [
      "kind": "memory", "task": .string(task.rawValue), "cell": .string(cell.rawValue),
      "length": .integer(length), "parameters": .integer(parameters), "loss": .number(loss),
      "trivial_loss": .number(trivialLoss),
      "remaining_before": .number(before.remaining), "remaining_after": .number(after.remaining),
      "norms_before": numbers(before), "norms_after": numbers(after),
    ]
  }
}
