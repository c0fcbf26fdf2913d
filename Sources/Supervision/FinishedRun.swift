import Checkpoints
package import Configuration
import Records

/// Whether a run has made all its steps, by its own files: what a launcher ends with does not say.
/// Open MPI 5's mpirun ends with 0 when it has lost a host.
package struct FinishedRun: Sendable {
  package let isDone: Bool
  /// One line for people.
  package let words: String

  /// - Parameter launch: the job's name (`GRU_DIST_LAUNCH`), so that the last word of a job before
  ///   it does not count; nil where it has none.
  package init(_ config: Config, launch: String?) {
    let directory = config.run.directory
    let store = CheckpointStore(directory: "\(directory)/\(RunFiles.checkpoints)")
    let newest = (try? store.steps().last) ?? 0
    guard let steps = config.lastStep else {
      isDone = false
      words =
        "not done: \(directory) has not begun to make the passes over the data (run.epochs) that "
        + "the config asks for"
      return
    }
    if newest >= steps {
      isDone = true
      words = "done: the newest checkpoint of \(directory) is of step \(newest) of \(steps)"
    } else if newest > 0, Self.hasEnded(directory, step: newest, steps: steps, launch: launch) {
      isDone = true
      words = "done: the heartbeat of \(directory) says so, at step \(newest) of \(steps)"
    } else {
      isDone = false
      words =
        newest > 0
        ? "not done: the newest checkpoint of \(directory) is of step \(newest) of \(steps)"
        : "not done: \(directory) has no checkpoint"
    }
  }

  /// Whether rank 0's last word is that the run is done, as of one that stops early
  /// (`run.patience`). It is of the same goal, and its last step is in a checkpoint.
  private static func hasEnded(
    _ directory: String, step: Int, steps: Int, launch: String?
  ) -> Bool {
    guard let json = RunFiles.read("\(directory)/\(RunFiles.heartbeat)"),
      let status = RankStatus(json), status.exitStatus == ExitStatus.done,
      json["steps"] == .integer(steps), status.reading.step <= step
    else { return false }
    return launch == nil || status.launch == launch
  }
}

extension Config {
  /// The step that a run of the config ends with; nil where passes over the data decide, and no run
  /// in its directory has read these for so many.
  var lastStep: Int? {
    guard let epochs = run.epochs else { return run.steps }
    guard let effective = RunFiles.read("\(run.directory)/\(RunFiles.config)"),
      effective["run"]?["epochs"]?.doubleValue == epochs
    else { return nil }
    return effective["run"]?["steps"]?.integerValue
  }
}
