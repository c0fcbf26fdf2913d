import Foundation
import Records
import Synchronization
import Tasks
import Testing

@testable import Runs

@Suite struct WatchdogTests {
  private static func settings(patience: Double, rank: Int = 0) -> Watchdog.Settings {
    Watchdog.Settings(
      runDirectory: "/nowhere", job: "job", launch: nil, rank: rank, ranks: 4, host: "here",
      threads: 1, steps: 100, task: TaskName.language.description, patience: patience)
  }

  private static func watchdog(patience: Double, stepSeconds: [Double]) -> Watchdog {
    let progress = RunProgress()
    for (index, seconds) in stepSeconds.enumerated() {
      progress.begin(step: index + 1)
      progress.finishStep(seconds: seconds)
    }
    return Watchdog(settings(patience: patience), progress: progress) { _ in }
  }

  private static func limit(_ watchdog: Watchdog, in activity: RunActivity) -> Double? {
    watchdog.progress.begin(activity)
    return watchdog.limit(for: watchdog.progress.reading)
  }

  @Test func stepIsLateAfterTwentyMediansAndThePatience() {
    let quick = Self.watchdog(patience: 30, stepSeconds: [0.1, 50, 0.1])
    #expect(Self.limit(quick, in: .gradientExchange) == 30)
    let slow = Self.watchdog(patience: 30, stepSeconds: [4, 5, 4])
    #expect(Self.limit(slow, in: .gradients) == 80)
  }

  @Test func startFirstStepAndFilesMayTakeLonger() {
    let fresh = Self.watchdog(patience: 30, stepSeconds: [])
    #expect(Self.limit(fresh, in: .starting) == 600)
    #expect(Self.limit(fresh, in: .gradients) == 600)
    let slow = Self.watchdog(patience: 30, stepSeconds: [2])
    #expect(Self.limit(slow, in: .checkpoint) == 800)
    #expect(Self.limit(slow, in: .validation) == 400)
  }

  @Test func zeroPatienceMeansNoLimit() {
    let watchdog = Self.watchdog(patience: 0, stepSeconds: [1])
    for activity in RunActivity.allCases { #expect(Self.limit(watchdog, in: activity) == nil) }
  }

  @Test func medianIsOfRecentSteps() {
    let progress = RunProgress()
    #expect(progress.medianStepSeconds == nil)
    for _ in 0..<100 { progress.finishStep(seconds: 9) }
    for index in 0..<64 { progress.finishStep(seconds: Double(index)) }
    #expect(progress.medianStepSeconds == 32)
    #expect(progress.reading.finishedSteps == 164)
  }

  @Test func statusRoundTrips() throws {
    let status = RankStatus(
      job: "job", launch: "launch", rank: 3, host: "here",
      process: ProcessIdentity(pid: 17, start: "boot:5"),
      reading: .init(activity: .decision, step: 12, beats: 99, finishedSteps: 11), seconds: 1.5,
      sequence: 8, exitStatus: 75)
    #expect(RankStatus(try OrderedJSON(parsing: status.json(time: 1.25).pretty)) == status)
    #expect(RankStatus(.object([])) == nil)
    #expect(RankStatus(file: "/nowhere/\(RunFiles.rankName(3))") == nil)
    #expect(RunFiles.rankName(3) == "ranks/rank-00003.json")
  }

  @Test func finishedWatchdogWritesAFinalStatus() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("watchdog-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent(RunFiles.ranks), withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var settings = Self.settings(patience: 30)
    settings.runDirectory = folder.path
    let progress = RunProgress()
    let watchdog = Watchdog(settings, progress: progress) { _ in }
    watchdog.start()
    progress.begin(step: 5)
    progress.finishStep(seconds: 0.5)
    watchdog.finish(exitStatus: 0)
    let path = folder.appendingPathComponent(RunFiles.heartbeat).path
    let heartbeat = try #require(RankStatus(file: path))
    #expect(heartbeat.exitStatus == 0)
    #expect(heartbeat.reading.step == 5)
    #expect(heartbeat.process.isAlive)
    let json = try #require(RunFiles.read(path))
    #expect(json["phase"] == "step")
    #expect(json["steps"] == 100)
    #expect(json["ranks"] == 4)
    #expect(json["step_seconds"] == 0.5)
  }
}

/// What a run tells before it has begun.
@Suite struct EarlyHeartbeatTests {
  private let folder: URL
  private var heartbeat: String { folder.appendingPathComponent(RunFiles.heartbeat).path }

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("watchdog-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private func reading(launch: String?) -> Watchdog {
    let settings = Watchdog.Settings(
      runDirectory: folder.path, job: "job", launch: launch, rank: 0, ranks: 1, host: "here",
      threads: 1, steps: 100, task: TaskName.language.description, patience: 30)
    let watchdog = Watchdog(settings, progress: RunProgress()) { _ in }
    watchdog.progress.begin(.reading)
    watchdog.start()
    return watchdog
  }

  @Test func supervisedRunTellsThatItReadsTheData() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let watchdog = reading(launch: "launch")
    usleep(300_000)
    let status = try #require(RankStatus(file: heartbeat))
    #expect(status.reading.activity == .reading)
    #expect(status.isStopping == false)
    watchdog.withdraw(exitStatus: 2)
    #expect(RankStatus(file: heartbeat)?.exitStatus == 2)
  }

  @Test func runThatIsRefusedAfterLongReadingPutsBackWhatWasThere() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let earlier = Data("the run before".utf8)
    try earlier.write(to: URL(fileURLWithPath: heartbeat))
    let watchdog = reading(launch: nil)
    usleep(300_000)
    #expect(FileManager.default.contents(atPath: heartbeat) == earlier)
    usleep(1_200_000)
    #expect(RankStatus(file: heartbeat)?.reading.activity == .reading)
    watchdog.withdraw(exitStatus: 2)
    #expect(FileManager.default.contents(atPath: heartbeat) == earlier)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["heartbeat.json"])
  }

  @Test func readingIsLateOnlyWhereItNeitherEndsNorComputes() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let ends = Mutex(0)
    let settings = Watchdog.Settings(
      runDirectory: folder.path, job: "job", launch: nil, rank: 0, ranks: 1, host: "here",
      threads: 1, steps: 100, task: TaskName.language.description, patience: 0.02)
    let watchdog = Watchdog(settings, progress: RunProgress()) { _ in ends.withLock { $0 += 1 } }
    #expect(watchdog.limit(for: .init(activity: .reading)) == 0.4)
    watchdog.progress.begin(.reading)
    watchdog.start()
    let end = ContinuousClock.now + .seconds(1.5)
    var sum = 0
    while ContinuousClock.now < end { sum &+= 1 }
    #expect(sum > 0)
    #expect(ends.withLock { $0 } == 0)
    watchdog.stop()
  }
}

@Suite struct StallReportTests {
  private static func status(_ rank: Int, beats: Int) -> RankStatus {
    RankStatus(
      job: "job", launch: nil, rank: rank, host: "host-\(rank)",
      process: ProcessIdentity(pid: 100 + Int32(rank), start: "s"),
      reading: .init(activity: .gradients, step: 7, beats: beats, finishedSteps: 6), seconds: 3,
      sequence: 1)
  }

  private static func report(_ standings: [StallReport.Standing]) -> String {
    StallReport.text(
      .init(activity: .decision, step: 7, beats: 50, finishedSteps: 6), rank: 0, host: "host-0",
      seconds: 31, limit: 30, patience: 30, median: 0.25, standings: standings)
  }

  @Test func namesRanksThatAreBehindSilentOrUnknown() {
    let text = Self.report([
      .known(Self.status(0, beats: 50), isSilent: false),
      .known(Self.status(1, beats: 49), isSilent: false),
      .known(Self.status(2, beats: 50), isSilent: true),
      .unknown,
    ])
    #expect(text.contains("step 7 does not advance: 31.0 s in \"all-gather of loss and norm\""))
    #expect(text.contains("limit 30.0 s"))
    #expect(!text.contains("rank 0 on host-0 (process"))
    #expect(text.contains("has not arrived: rank 1 on host-1 (process 101): step 7, computing"))
    #expect(text.contains("(process 102): step 7, computing gradients, beat 50; silent since then"))
    #expect(text.contains("unknown: rank 3"))
  }

  @Test func waitingRanksAreNotBlamed() {
    let text = Self.report([
      .known(Self.status(0, beats: 49), isSilent: false),
      .known(Self.status(1, beats: 50), isSilent: false),
      .known(Self.status(2, beats: 42), isSilent: false),
    ])
    #expect(text.contains("has not arrived: rank 2"))
    #expect(!text.contains("has not arrived: rank 0"))
  }

  @Test func saysSoWhenNoRankIsBehind() {
    let all = (0..<4).map {
      StallReport.Standing.known(Self.status($0, beats: 50), isSilent: false)
    }
    #expect(Self.report(all).contains("all ranks have come as far as that"))
  }

  @Test func longRankListsAreShortened() {
    let text = Self.report([StallReport.Standing](repeating: .unknown, count: 100))
    #expect(text.split(separator: "\n").count == 1 + 16 + 1 + 1)
    #expect(text.contains("and 84 more"))
  }
}

@Suite struct ProcessIdentityTests {
  @Test func processIdentityIsUnique() {
    let own = ProcessIdentity.current
    #expect(own.isAlive)
    #expect(ProcessIdentity(pid: own.pid) == own)
    #expect(!ProcessIdentity(pid: own.pid, start: "an earlier start").isAlive)
    #expect(ProcessIdentity(pid: 0) == nil)
    #expect(ProcessIdentity(pid: -1) == nil)
  }

  @Test func zombieProcessIsNotAlive() throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sleep")
    process.arguments = ["30"]
    try process.run()
    let identity = try #require(ProcessIdentity(pid: process.processIdentifier))
    #expect(identity.isAlive)
    kill(identity.pid, SIGKILL)
    process.waitUntilExit()
    #expect(!identity.isAlive)
  }
}
