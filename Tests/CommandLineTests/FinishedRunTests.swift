import Foundation
import Testing

/// `check --finished`: whether a run is done, by its own files.
@Suite(.serialized) struct FinishedRunTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  private func finished(_ options: String..., launch: String? = nil) throws -> Program {
    try Program(
      ["check", "config.json", "--set", "data.train=missing.txt", "--finished"] + options,
      in: place.folder, environment: launch.map { ["GRU_DIST_LAUNCH": $0] } ?? [:])
  }

  @Test func newestCheckpointSaysWhetherStepsAreMissing() throws {
    let before = try finished()
    #expect(before.status == 3, "\(before)")
    #expect(before.lines == ["not done: run has no checkpoint"])
    let stopped = try place.run("config.json", "--stop-after", "7", "--threads", "1")
    #expect(stopped.status == 75, "\(stopped)")
    let underWay = try finished()
    #expect(underWay.status == 3, "\(underWay)")
    #expect(underWay.lines == ["not done: the newest checkpoint of run is of step 7 of 12"])
    let rest = try place.run("config.json", "--resume", "--threads", "1")
    #expect(rest.status == 0, "\(rest)")
    let done = try finished()
    #expect(done.status == 0, "\(done)")
    #expect(done.lines == ["done: the newest checkpoint of run is of step 12 of 12"])
    // More steps were asked for since.
    #expect(try finished("--steps", "20").status == 3)
    #expect(try finished("--run-directory", "other").status == 3)
  }

  @Test func lastWordOfARunThatStopsEarlyCounts() throws {
    let run = try Program(
      [
        "config.json", "--threads", "1", "--set", "run.patience=1", "--set", "run.validate_every=2",
        "--set", "optimizer.learning_rate=1e-30", "--steps", "100",
      ], in: place.folder, environment: ["GRU_DIST_LAUNCH": "one"])
    #expect(run.status == 0, "\(run)")
    let done = try finished("--steps", "100")
    #expect(done.status == 0, "\(done)")
    #expect(done.lines.first?.hasPrefix("done: the heartbeat of run says so, at step 4") == true)
    #expect(try finished("--steps", "100", launch: "one").status == 0)
    // Words of another job, or of another goal, or without their checkpoint.
    #expect(try finished("--steps", "100", launch: "two").status == 3)
    #expect(try finished("--steps", "99").status == 3)
    for name in try place.names(in: "run/checkpoints") {
      try FileManager.default.removeItem(atPath: place.path("run/checkpoints/\(name)"))
    }
    #expect(try finished("--steps", "100").status == 3)
  }
}
