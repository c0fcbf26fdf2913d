import Records
import Testing

@testable import Supervision

@Suite struct DaemonStateTests {
  @Test func stateRoundTrips() throws {
    var state = DaemonState()
    state.phase = .waiting
    state.attempts = 7
    state.failures = 2
    state.progressStep = 300
    state.lastStep = 345
    state.command = ["mpirun", "-np", "2"]
    state.job = DaemonState.JobRecord(
      launch: "abc", process: ProcessIdentity(pid: 42, start: "boot:1"), ranks: 2, started: 12.5,
      startStep: 200, outputStart: 99)
    for attempt in 1...300 {
      state.remember(
        DaemonState.Attempt(
          attempt: attempt, ranks: 2, started: 1, ended: 2, startStep: 0, lastStep: 9,
          checkpointStep: 8, outcome: "signal 9"))
    }
    let json = try OrderedJSON(parsing: state.json.pretty)
    let read = try #require(DaemonState(json))
    #expect(read.phase == .waiting)
    #expect(read.attempts == 7)
    #expect(read.failures == 2)
    #expect(read.progressStep == 300)
    #expect(read.lastStep == 345)
    #expect(read.command == state.command)
    #expect(read.job == state.job)
    #expect(read.history == state.history)
    #expect(read.history.map(\.attempt) == Array(101...300))
  }

  @Test func rejectsOtherFiles() throws {
    #expect(DaemonState(try OrderedJSON(parsing: "{}")) == nil)
    #expect(DaemonState(try OrderedJSON(parsing: "{\"version\":2,\"attempts\":1}")) == nil)
    #expect(DaemonState(.null) == nil)
  }
}
