import Collectives
import Configuration
import Datasets
import Engine
import Foundation
import GRUCore
import Records
import Runs
import Scoring
import Tasks

/// A folder with a data file and a config of a task.
final class TaskFiles {
  let folder: URL
  private let name: String
  private var config: String

  /// - Parameter config: JSON in which DATA stands for the file's path.
  init(_ name: String, _ content: String, config: String = "{}") throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("task-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    self.name = name
    self.config = config
    try write(name, content)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  var path: String { folder.appendingPathComponent(name).path }

  func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: folder.appendingPathComponent(name))
  }

  func options(threads: Int = 1, _ sets: [String] = []) throws -> TrainOptions {
    try write("config.json", config.replacingOccurrences(of: "DATA", with: path))
    var options = TrainOptions(configFile: folder.appendingPathComponent("config.json").path)
    options.overrides =
      sets.map { ConfigOverride(set: $0) } + [
        ConfigOverride(set: "run.directory=\(folder.path)/run")
      ]
    options.threads = threads
    return options
  }

  /// Steps and a validation, one line each; the same on every rank.
  func trajectory(
    ranks: Int, threads: Int, steps: Int, isa: String = "auto", _ sets: String...
  ) throws -> [String] {
    let results = try ThreadWorld.run(ranks: ranks) { communicator in
      var options = try communicator.agree { try self.options(threads: threads, sets) }
      options.instructionSet = isa
      let setup = try TrainingSetup(options, on: communicator)
      let replica = try Replica(
        shape: setup.shape, kernels: setup.kernels, window: setup.config.batch.window,
        plan: setup.plan, rank: communicator.rank, slots: setup.data.slots)
      replica.initialize(seed: setup.config.run.seed)
      let trainer = try Trainer(
        replica: replica, communicator: communicator, source: setup.batches,
        settings: StepSettings(setup.config))
      var lines: [String] = []
      for _ in 0..<steps {
        let outcome = try trainer.performStep()
        lines.append(
          "\(outcome.loss) \(outcome.gradientNorm) \(outcome.tokens) \(try trainer.fingerprint())")
      }
      guard let validation = setup.validation else { return lines }
      let score = try Scorer(
        task: setup.config.taskDescription, decoder: setup.decoder(), frame: setup.frame,
        replica: replica, communicator: communicator
      ).score(on: validation)
      return lines + ["\(score.loss) \(score.measures.line) \(score.targets)"]
    }
    precondition(results.allSatisfy { $0 == results[0] }, "ranks differ: \(results)")
    return results[0]
  }
}
