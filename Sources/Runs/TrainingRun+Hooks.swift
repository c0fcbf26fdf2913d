import Checkpoints
import Configuration
import Engine
import Foundation
import Hooks
import Records
import Tasks

/// Commands at events: when they are started, and what they are told.
extension TrainingRun {
  /// Has the commands of a checkpoint started that is on the disk; on rank 0.
  func postCheckpoint(_ outcome: CheckpointSaver.Outcome) {
    guard hooks != nil else { return }
    var figures = ["CHECKPOINT": checkpointPath(outcome.step)]
    if let validation = outcome.validation { figures["VALIDATION_LOSS"] = "\(validation.loss)" }
    post(.checkpoint, step: outcome.step, figures)
    if let best = outcome.validation, history.bestSaved == best {
      post(.best, step: outcome.step, figures)
    }
  }

  /// Has the command started of the model of this step, which a file has made the best; on rank 0.
  func postBest(figures: [String: String]) {
    guard hooks != nil else { return }
    post(
      .best, step: trainer.step,
      figures.merging(["CHECKPOINT": checkpointPath(trainer.step)]) { first, _ in first })
  }

  /// Has the command of the run's end started; on rank 0.
  func postEnd(_ error: (any Error)?) {
    guard hooks != nil, hasBegun else { return }
    var figures: [String: String] = [:]
    if let step = history.bestSaved?.step ?? lastSavedStep {
      figures["CHECKPOINT"] = checkpointPath(step)
    }
    if let error {
      figures["ERROR"] = "\(error)"
      figures["EXIT_STATUS"] = "\(ExitStatus.of(error))"
    }
    post(error == nil ? .done : .failed, step: trainer.step, figures)
  }

  /// Waits for the commands that were started; on rank 0, while the others wait.
  func finishHooks() {
    guard let hooks else { return }
    hooks.finish { trainer.progress.beat() }
    reportHooks()
    if hasBegun { try? directory.finishRecords() }
  }

  /// Writes down which commands went wrong, and tells a person of the first for each kind of event.
  func reportHooks() {
    for failure in hooks?.takeFailures() ?? [] {
      let reason = "run.hooks.\(failure.kind.rawValue): the command \(failure.reason)"
      if failure.isFirst {
        progress.finishLine()
        Console.complain(
          "gru-dist: warning: step \(failure.step): \(reason); what it printed is in "
            + "\(run.directory)/\(RunFiles.hooksLog), and later failures are in the metrics only")
      }
      write([
        event(
          "hook_failed", atStep: failure.step,
          [
            "hook": .string(failure.kind.rawValue), "reason": .string(reason),
            "hooks_failed": .integer(failure.count),
          ])
      ])
    }
  }

  private func post(_ kind: HookEvent.Kind, step: Int, _ figures: [String: String]) {
    var figures = figures
    figures["RUN"] = Self.absolute(run.directory)
    figures["STEPS"] = "\(setup.lastStep)"
    figures["TASK"] = config.task.rawValue
    figures["BEST_BY"] = history.measure.name
    if let best = history.bestSaved {
      figures["BEST_STEP"] = "\(best.step)"
      figures["BEST_VALUE"] = "\(best.value)"
    }
    hooks?.post(HookEvent(kind, step: step, figures: figures))
  }

  private func checkpointPath(_ step: Int) -> String {
    Self.absolute("\(run.directory)/\(RunFiles.checkpoints)/\(CheckpointStore.name(ofStep: step))")
  }

  private static func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
  }
}

extension HookRunner {
  /// What a config asks for; nil where that is nothing.
  convenience init?(_ run: RunConfig) {
    let commands: [HookEvent.Kind: [String]?] = [
      .checkpoint: run.hooks.checkpoint, .best: run.hooks.best, .done: run.hooks.done,
      .failed: run.hooks.failed,
    ]
    let given = commands.compactMapValues { $0 }
    if given.isEmpty { return nil }
    self.init(
      commands: given, seconds: Double(run.hooks.seconds), runDirectory: run.directory)
  }
}
