import Foundation
import LaunchEnvironment
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

  /// Stopped some steps after the checkpoint, however long those take on a busy machine.
  @Test(arguments: [nil, 2]) func sigusr1SavesAndContinues(ranks: Int?) throws {
    let place = try Workplace()
    let stop = ranks == nil || !LaunchEnvironment.isOpenMPI ? SIGTERM : SIGUSR2
    let isAsked = Mutex(false)
    let job = try place.run(
      "config.json", "--steps", "1000000", "--set", "run.checkpoint_every=0", "--set",
      "run.validate_every=0", ranks: ranks
    ) { process in
      guard let records = try? place.records() else { return false }
      let asked = isAsked.withLock { $0 }
      if !asked, records.count >= 5 {
        kill(process.processIdentifier, SIGUSR1)
        isAsked.withLock { $0 = true }
      }
      guard let saved = records.firstIndex(where: { $0["kind"] == "checkpoint" }),
        records[saved...].count(where: { $0["kind"] == "train" }) >= 20
      else { return false }
      kill(process.processIdentifier, stop)
      return true
    }
    #expect(job.status == 75, "\(job)")
    let saved = try place.records().filter { $0["kind"] == "checkpoint" }
      .compactMap { $0["step"]?.integerValue }
    let last = try #require(saved.last)
    // Ranks that hear of it in different steps ask for one each.
    #expect((2...1 + (ranks ?? 1)).contains(saved.count), "\(saved)")
    #expect((saved.first ?? last) < last)
    #expect(try place.trajectory().count == last)
  }

  /// Open MPI's mpirun passes SIGUSR2 on and does not end by itself; MPICH's does so with SIGTERM.
  @Test func sigusr2StopsAnMPIJob() throws {
    let place = try Workplace()
    let stop = LaunchEnvironment.isOpenMPI ? SIGUSR2 : SIGTERM
    let job = try place.run(
      "config.json", "--steps", "1000000", ranks: 2,
      whileRunning: sending([stop], after: 5, in: place))
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
      try place.validations() == place.validations("whole"))
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
