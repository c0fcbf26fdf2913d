import Foundation
import Records
import Testing

/// What happens to a run before its first step.
@Suite(.serialized) struct StartTests {
  private static let config = """
    {
      "task": "classification",
      "data": { "train": "slow.csv" },
      "model": { "hidden": 8 },
      "batch": { "sequences": 4, "window": 4, "shards": 4 },
      "output": { "readout": "last", "loss": "softmax" },
      "run": { "directory": "run", "steps": 4 }
    }
    """

  /// A pipe that somebody begins to write to stands for a disk that takes its time.
  @Test(arguments: [nil, 2])
  func stopIsHeardWhileTheDataAreRead(ranks: Int?) throws {
    let place = try Workplace()
    try place.write("config.json", Self.config)
    mkfifo(place.path("slow.csv"), 0o600)
    let writer = open(place.path("slow.csv"), O_RDWR)
    defer { close(writer) }
    let start = Array("sequence,x,label\n".utf8)
    #expect(write(writer, start, start.count) == start.count)
    let run = try place.run("config.json", "--threads", "1", ranks: ranks) { process in
      guard let status = RankStatus(file: place.path("run/heartbeat.json")) else { return false }
      #expect(status.reading.activity == .reading)
      kill(ranks == nil ? process.processIdentifier : status.process.pid, SIGTERM)
      return true
    }
    #expect(run.status == 75, "\(run)")
    #expect(run.errors.contains("stopped while it read the data"), "\(run)")
    #expect(!place.exists("run"))
  }

  @Test func rankThatJoinsItsJobEndsWithTheLauncher() throws {
    let place = try Workplace()
    var ranks: [ProcessIdentity] = []
    _ = try Program(
      ["config.json", ":", "-np", "1", "sh", "-c", "exec sleep 60"], ranks: 1, in: place.folder
    ) { launcher in
      ranks = Self.children(of: launcher.processIdentifier)
      // It waits in MPI_Init for the other one, which does not join.
      guard ranks.count == 2 else { return false }
      usleep(700_000)
      kill(launcher.processIdentifier, SIGKILL)
      return true
    }
    let end = ContinuousClock.now + .seconds(10)
    let isRank = { (process: ProcessIdentity) in Self.name(of: process.pid) == "gru-dist" }
    while ranks.contains(where: isRank), ContinuousClock.now < end { usleep(20_000) }
    #expect(ranks.count == 2)
    #expect(!ranks.contains(where: isRank))
    for process in ranks where process.isAlive { kill(process.pid, SIGKILL) }
    #expect(!place.exists("run"))
  }

  private static func name(of pid: Int32) -> String {
    let name = FileManager.default.contents(atPath: "/proc/\(pid)/comm") ?? Data()
    return String(decoding: name, as: UTF8.self).trimmingCharacters(in: .newlines)
  }

  private static func children(of parent: Int32) -> [ProcessIdentity] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { Int32($0) }.filter { pid in
      let stat = FileManager.default.contents(atPath: "/proc/\(pid)/stat") ?? Data()
      let words = String(decoding: stat, as: UTF8.self).split(separator: ")").last ?? ""
      return words.split(separator: " ").dropFirst().first == "\(parent)"
    }.compactMap { ProcessIdentity(pid: $0) }
  }
}
