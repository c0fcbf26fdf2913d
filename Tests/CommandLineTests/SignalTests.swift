import Foundation
import Records
import Synchronization
import Testing

@Suite(.serialized) struct SignalTests {
  /// Sends a signal once the run's metrics hold so many records.
  private func sending(
    _ signals: [Int32], after count: Int, in place: Workplace
  ) -> (Process) -> Bool {
    { process in
      guard let records = try? place.records(), records.count >= count else { return false }
      for signal in signals {
        kill(process.processIdentifier, signal)
        usleep(20_000)
      }
      return true
    }
  }

  @Test(arguments: [nil, 2]) func sigusr1SavesAndContinues(ranks: Int?) throws {
    let place = try Workplace()
    let steps = ranks == nil ? 3000 : 1500
    let job = try place.run(
      "config.json", "--steps", "\(steps)", "--set", "run.checkpoint_every=0", "--set",
      "run.validate_every=0", ranks: ranks, whileRunning: sending([SIGUSR1], after: 5, in: place))
    #expect(job.status == 0, "\(job)")
    let saved = try place.records().filter { $0["kind"] == "checkpoint" }
      .compactMap { $0["step"]?.integerValue }
    // Ranks that hear of it in different steps ask for one each.
    #expect((2...1 + (ranks ?? 1)).contains(saved.count), "\(saved)")
    #expect((saved.first ?? steps) < steps)
    #expect(saved.last == steps)
    #expect(try place.trajectory().count == steps)
  }

  /// mpirun passes SIGUSR2 on and does not end by itself.
  @Test func sigusr2StopsAnMPIJob() throws {
    let place = try Workplace()
    let job = try place.run(
      "config.json", "--steps", "1000000", ranks: 2,
      whileRunning: sending([SIGUSR2], after: 5, in: place))
    #expect(job.status == 75, "\(job)")
    #expect(try place.records().last?["event"] == "stopped")
    let last = try #require(try place.records().last?["step"]?.integerValue)
    #expect(try place.names(in: "run/checkpoints").last?.hasSuffix("\(last)") == true)
  }

  /// A signal to one rank only, not the first.
  @Test func stopSignalToOneRankStopsAll() throws {
    let place = try Workplace()
    let job = try place.run("config.json", "--steps", "1000000", ranks: 2) { _ in
      guard let records = try? place.records(), records.count >= 5,
        let rank = RankStatus(file: place.path("run/ranks/rank-00001.json"))
      else { return false }
      kill(rank.process.pid, SIGTERM)
      return true
    }
    #expect(job.status == 75, "\(job)")
    #expect(try place.records().last?["event"] == "stopped")
  }

  @Test func interruptedValidationIsRerunAfterResume() throws {
    let place = try Workplace()
    // Nearly all of the text validates, in windows of one token for each sequence.
    let slow = [
      "--set", "data.valid_fraction=0.9", "--set", "model.hidden=192", "--set", "batch.window=2",
      "--set", "run.validate_every=2", "--set", "run.checkpoint_every=2", "--steps", "4",
      "--threads", "1",
    ]
    let whole = try Program(
      ["config.json", "--run-directory", "whole"] + slow, in: place.folder)
    #expect(whole.status == 0, "\(whole)")
    let job = try Program(["config.json"] + slow, in: place.folder) { process in
      guard
        let status = RankStatus(file: place.path("run/heartbeat.json")),
        let records = try? place.records(), records.contains(where: { $0["step"] == 2 }),
        status.process.isAlive
      else { return false }
      kill(process.processIdentifier, SIGTERM)
      return true
    }
    #expect(job.status == 75, "\(job)")
    #expect(try place.names(in: "run/checkpoints") == ["step-00000002"])
    #expect(try place.records().filter { $0["kind"] == "valid" }.isEmpty)
    let next = try Program(["config.json", "--resume"] + slow, in: place.folder)
    #expect(next.status == 0, "\(next)")
    #expect(try place.trajectory() == place.trajectory("whole"))
    #expect(
      try place.records().filter { $0["kind"] == "valid" }
        == place.records("whole").filter { $0["kind"] == "valid" })
  }

  @Test func secondInterruptEndsAtOnce() throws {
    let place = try Workplace()
    let started = Mutex<ContinuousClock.Instant?>(nil)
    // One step takes seconds.
    let big = [
      "--set", "model.hidden=1024", "--set", "batch.window=128", "--set",
      "batch.sequences=64", "--set", "data.valid_fraction=0.01",
    ]
    let job = try Program(["config.json", "--threads", "1"] + big, in: place.folder) { process in
      guard let status = RankStatus(file: place.path("run/heartbeat.json")),
        status.reading.activity == .gradients
      else { return false }
      started.withLock { $0 = ContinuousClock.now }
      kill(process.processIdentifier, SIGINT)
      usleep(100_000)
      kill(process.processIdentifier, SIGINT)
      return true
    }
    let seconds = ContinuousClock.now - (try #require(started.withLock { $0 }))
    #expect(job.status == SIGINT)
    #expect(seconds < .seconds(1.5), "\(seconds)")
  }
}
