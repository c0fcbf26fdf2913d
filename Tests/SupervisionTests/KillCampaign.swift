import Foundation
import Records
import Supervision
import Testing

/// Kills the processes of a supervised run at random moments until enough have died, lets it end,
/// and compares its fingerprints with those of a run that nobody disturbed.
///
/// Targets and moments follow from the seed, so that a campaign can be repeated.
struct KillCampaign {
  enum Target: String, CaseIterable {
    case anyRank = "a rank"
    case rank0Drafting = "rank 0 while it writes a checkpoint's files"
    case rank0Manifest = "rank 0 at a checkpoint's manifest"
    case rank0Renamed = "rank 0 just after a checkpoint has its name"
    case launcher = "mpirun"
    case daemon = "the daemon"
    case daemonAndRank = "the daemon and a rank"
  }

  struct Kill {
    var target: Target
    /// Seconds that the job trains before.
    var delay: Double
    var rank: Int
  }

  struct Outcome: CustomStringConvertible {
    var kills: [Target: Int] = [:]
    /// Seconds from a kill to the first step that the next job has done.
    var recoveries: [Double] = []
    var seconds = 0.0
    var steps = 0

    var meanRecovery: Double { recoveries.reduce(0, +) / Double(max(1, recoveries.count)) }

    var description: String {
      let counts = Target.allCases.map { "\(kills[$0] ?? 0) x \($0.rawValue)" }
      let total = kills.values.reduce(0, +)
      return "\(total) kills (\(counts.joined(separator: ", "))) in \(Format.fixed(seconds, 1)) s "
        + "over \(steps) steps; from kill to the first new step: mean "
        + "\(Format.fixed(meanRecovery, 2)) s, longest "
        + "\(Format.fixed(recoveries.max() ?? 0, 2)) s of \(recoveries.count)"
    }
  }

  let seed: UInt64
  let ranks: Int
  let schedule: [Kill]

  init(seed: UInt64, kills: Int, ranks: Int) {
    self.seed = seed
    self.ranks = ranks
    var random = Splitmix(state: seed)
    var targets: [Target] = []
    schedule = (0..<kills).map { _ in
      // Every target comes up before any does again.
      if targets.isEmpty { targets = Target.allCases.shuffled(using: &random) }
      return Kill(
        target: targets.removeLast(), delay: Double.random(in: 0...0.5, using: &random),
        rank: Int.random(in: 0..<ranks, using: &random))
    }
  }

  /// The run ended before the last kill: the machine has become faster since its length was
  /// settled.
  private struct EndedEarly: Error {}

  /// Carries it out on a run whose length suits it.
  func perform() throws -> Outcome {
    for factor in [1.0, 4, 16] {
      do { return try perform(factor: factor) } catch is EndedEarly {}
    }
    return try perform(factor: 64)
  }

  private func perform(factor: Double) throws -> Outcome {
    let started = ContinuousClock.now
    let run = try TinyRun(steps: 2000, checkpointEvery: 100)
    let options = ["--max-failures", "1000", "--back-off", "0.05"]
    try settleLength(of: run, factor: factor)
    _ = try run.trainUninterrupted()
    var outcome = Outcome()
    outcome.steps = run.steps
    var daemon = try run.startDaemon(ranks: ranks, options)
    for (index, kill) in schedule.enumerated() {
      let place = "seed \(seed), kill \(index + 1) of \(schedule.count): \(kill.target.rawValue)"
      let before = try self.started(run, daemon, place) { run.training() }
      Thread.sleep(forTimeInterval: kill.delay)
      let killed = ContinuousClock.now
      let needsDaemon = try strike(kill, run: run, daemon: daemon)
      outcome.kills[kill.target, default: 0] += 1
      if needsDaemon {
        daemon.waitUntilExit()
        daemon = try run.startDaemon(ranks: ranks, options)
        if kill.target == .daemon { continue }
      }
      _ = try self.started(run, daemon, place) { run.training(otherThan: before.job) }
      outcome.recoveries.append((ContinuousClock.now - killed).seconds)
    }
    let status = run.status(of: daemon, seconds: 600)
    #expect(status == 0, "seed \(seed)\n\(run.text("daemon.txt"))")
    try run.requireUndisturbed()
    outcome.seconds = (ContinuousClock.now - started).seconds
    return outcome
  }

  /// Waits for a job that trains.
  private func started<Job>(
    _ run: TinyRun, _ daemon: Process, _ place: String, _ job: () -> Job?
  ) throws -> Job {
    var found: Job?
    _ = run.wait {
      found = job()
      return found != nil || !daemon.isRunning
    }
    if found == nil, !daemon.isRunning, daemon.terminationStatus == 0 { throw EndedEarly() }
    return try #require(
      found, "\(place)\n\(run.text("daemon.txt"))\n\(run.text("run/job.log").suffix(2000))")
  }

  /// Makes the run long enough to outlast the kills on this machine, with several checkpoints a
  /// second.
  private func settleLength(of run: TinyRun, factor: Double) throws {
    let short = try run.stepsPerSecond(ranks: ranks)
    run.checkpointEvery = max(5, Int(short * 0.12))
    let seconds = factor * 0.6 * Double(schedule.count) + 3
    run.steps = run.checkpointEvery * max(4, Int(short * seconds) / run.checkpointEvery)
    try run.writeConfig()
  }

  /// - Returns: whether the daemon is dead.
  private func strike(_ strike: Kill, run: TinyRun, daemon: Process) throws -> Bool {
    switch strike.target {
    case .anyRank: killRank(strike.rank, of: run)
    case .launcher: if let launcher = run.state?.job?.process { end(launcher) }
    case .rank0Drafting, .rank0Manifest, .rank0Renamed:
      waitForCheckpoint(strike.target, of: run)
      killRank(0, of: run)
    case .daemon: kill(daemon.processIdentifier, SIGKILL)
    case .daemonAndRank:
      kill(daemon.processIdentifier, SIGKILL)
      killRank(strike.rank, of: run)
    }
    return strike.target == .daemon || strike.target == .daemonAndRank
  }

  private func killRank(_ rank: Int, of run: TinyRun) {
    if let process = run.rank(rank)?.process { end(process) }
  }

  private func end(_ process: ProcessIdentity) {
    if process.isAlive { kill(process.pid, SIGKILL) }
  }

  /// Returns in the middle of a checkpoint; after two seconds without one at any moment.
  private func waitForCheckpoint(_ target: Target, of run: TinyRun) {
    let folder = run.path("run/checkpoints")
    let files = FileManager.default
    func names() -> Set<String> { Set((try? files.contentsOfDirectory(atPath: folder)) ?? []) }
    let before = names()
    let end = ContinuousClock.now + .seconds(2)
    while ContinuousClock.now < end {
      let now = names()
      let draft = now.first { $0.hasPrefix(".tmp-") }
      switch target {
      case .rank0Drafting: if draft != nil { return }
      case .rank0Manifest:
        if let draft, files.fileExists(atPath: "\(folder)/\(draft)/manifest.json") { return }
      default:
        if now.contains(where: { $0.hasPrefix("step-") && !before.contains($0) }) { return }
      }
      usleep(100)
    }
  }
}

/// SplitMix64, a small generator whose numbers depend on the seed alone.
struct Splitmix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

extension SupervisedJobTests {
  /// `Tests/campaigns/kill` runs this with more kills and another seed.
  @Suite struct KillCampaignTests {
    private static func setting(_ name: String, default fallback: UInt64) throws -> UInt64 {
      guard let text = ProcessInfo.processInfo.environment[name] else { return fallback }
      return try #require(UInt64(text), "\(name): expected a whole number, found '\(text)'")
    }

    @Test func repeatedlyKilledRunEndsBitIdentically() throws {
      let kills = Int(try Self.setting("GRU_DIST_KILLS", default: 10))
      let seed = try Self.setting("GRU_DIST_KILL_SEED", default: 1)
      let ranks = Int(try Self.setting("GRU_DIST_KILL_RANKS", default: 2))
      let campaign = KillCampaign(seed: seed, kills: kills, ranks: ranks)
      let outcome = try campaign.perform()
      #expect(outcome.kills.values.reduce(0, +) == kills)
      // The promise is five seconds on a machine that does nothing else; tests may share theirs.
      #expect(outcome.meanRecovery < 15)
      Console.complain("kill campaign, seed \(seed), \(ranks) ranks: \(outcome)")
    }
  }
}
