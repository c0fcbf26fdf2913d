package import Collectives
package import Engine
import Records
import Timeline

/// The timeline of some training steps of all ranks: recorded on each, and written by rank 0.
///
/// Every rank calls everything, in the same order, between steps.
package final class StepTrace {
  private enum State {
    case waiting
    case recording(TraceRecording)
    case done
  }

  private let request: TraceRequest
  /// What rank 0 writes to.
  private let draft: FileDraft?
  /// Nil where the run makes none.
  private var steps: ClosedRange<Int>?
  private var state = State.waiting

  /// Nil where nothing is to be traced.
  ///
  /// - Throws: on every rank alike, where the file cannot be written, or ranks were asked for
  ///   different things.
  package init?(_ request: TraceRequest?, on communicator: any Communicator) throws {
    try communicator.requireEqual(
      request.map { "\($0.path) \($0.steps.map { "\($0)" } ?? "")" } ?? "", of: "--trace")
    guard let request else { return nil }
    var draft: FileDraft?
    try communicator.coordinate {
      draft = try Self.draft(request.path)
    }
    self.request = request
    self.draft = draft
  }

  /// The file to write to. One that is there and no timeline stays: it may be the config.
  private static func draft(_ path: String) throws(UsageError) -> FileDraft {
    if let found = FileStatus(path, followsLink: true)?.kind {
      if found != .regular {
        throw UsageError("--trace '\(path)': there is something that is no file; name another")
      }
      guard (try? TraceFile.mayReplace(path)) == true else {
        throw UsageError(
          "--trace '\(path)': there is a file that is no timeline; name another, or remove it")
      }
    }
    do throws(SystemError) { return try FileDraft(path: path, replaces: true) } catch {
      throw UsageError("--trace '\(path)' cannot be written: \(error.words); name another file")
    }
  }

  /// Decides which steps are traced, where it is known that they go on after `step`.
  ///
  /// - Throws: on every rank alike, where these are not among those that were asked for.
  package func settle(
    afterStep step: Int, lastStep: Int, usual: Int, on communicator: any Communicator
  ) throws {
    steps = try communicator.agree {
      try request.steps(afterStep: step, lastStep: lastStep, usual: usual)
    }
  }

  /// Begins to record before the first of the steps, and writes what was recorded after the last.
  /// To be called before every step.
  ///
  /// - Returns: what was written.
  package func turn(_ trainer: Trainer) throws -> TraceReport? {
    guard let steps else { return nil }
    switch state {
    case .waiting:
      if trainer.step + trainer.progress.stepsAtOnce >= steps.lowerBound {
        state = .recording(try TraceRecording(trainer, stepCount: steps.count))
      }
      return nil
    case .recording: return trainer.step >= steps.upperBound ? try finish(trainer) : nil
    case .done: return nil
    }
  }

  /// Adds to the timeline when the disk was given a checkpoint.
  package func addWriting(_ times: Range<UInt64>) {
    if case .recording(let recording) = state { recording.addWriting(times) }
  }

  /// Writes what is recorded, where that is not done. To be called when no more steps follow.
  ///
  /// - Returns: what was written, on rank 0; nil where that is done already.
  package func finish(_ trainer: Trainer) throws -> TraceReport? {
    defer { state = .done }
    let isRoot = trainer.communicator.rank == 0
    switch state {
    case .done: return nil
    case .waiting:
      guard isRoot else { return nil }
      let first = steps.map { ", before step \($0.lowerBound)" } ?? ""
      return TraceReport(
        failure: "--trace: no step is traced; the run ends after step \(trainer.step)\(first)")
    case .recording(let recording):
      guard let report = try recording.finish(writing: draft, path: request.path) else {
        return nil
      }
      return report.naming(steps?.upperBound ?? 0, until: trainer.step)
    }
  }
}

/// What came of a timeline; on rank 0.
package struct TraceReport: Sendable {
  /// What a person is told.
  package var lines: [String] = []
  /// Why there is no file.
  package var failure: String?

  /// Says which steps are in it, and which are not.
  fileprivate func naming(_ last: Int, until step: Int) -> TraceReport {
    var report = self
    if report.failure == nil, step < last {
      report.lines.append(
        "trace       the run ends after step \(step): steps \(step + 1)-\(last) are not in it")
    }
    return report
  }
}
