package import Collectives
import Engine
package import Kernels
package import Records

/// How long each rank computed in a step, over the steps since the last logged one, and which of
/// them kept the others waiting most.
///
/// The time of the exchange is left out, because there all ranks wait for the slowest.
package struct RankPace: Sendable, Equatable {
  /// The rank that takes longest for its share of the work.
  package var slowestRank: Int
  package var slowestHost: String
  /// Of that rank, a step.
  package var slowestSeconds: Double
  /// Of the median rank, a step.
  package var medianSeconds: Double
  /// The slowest rank's time for a shard over the median's.
  package var ratio: Double

  /// - Parameters:
  ///   - seconds: of computing a step, by rank.
  ///   - loads: shards that a rank's busiest thread computes: where they do not divide evenly, some
  ///     ranks have more to do, and are not slow for that.
  package init(seconds: [Double], loads: [Int], hosts: [String]) {
    let paces = zip(seconds, loads).map { $0 / Double(max(1, $1)) }
    let slowest = paces.indices.max { paces[$0] < paces[$1] } ?? 0
    slowestRank = slowest
    slowestHost = hosts[slowest]
    slowestSeconds = seconds[slowest]
    medianSeconds = Self.median(seconds)
    let median = Self.median(paces)
    ratio = median > 0 ? paces[slowest] / median : 1
  }

  /// The lower one of the two in the middle, so that one of two ranks can be slow.
  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted[(sorted.count - 1) / 2]
  }

  /// The fields of a train record.
  package var json: OrderedJSON {
    [
      "compute_seconds": .number(Self.rounded(medianSeconds)),
      "slowest_rank": .integer(slowestRank), "slowest_host": .string(slowestHost),
      "slowest_compute_seconds": .number(Self.rounded(slowestSeconds)),
      "slowest_over_median": .number(Self.rounded(ratio)),
    ]
  }

  private static func rounded(_ value: Double) -> Double { (value * 1e6).rounded() / 1e6 }
}

/// Notices a rank that is slow for long.
package struct StragglerWatch: Sendable {
  /// How much longer than the median it must take.
  package static let limit = 1.3
  /// In how many logged intervals, one after the other, and for how many seconds of training.
  package static let intervals = 5
  package static let seconds = 10.0

  private var rank = -1
  private var count = 0
  private var duration = 0.0
  private var hasWarned = false

  package init() {}

  /// Takes note of an interval of `seconds`.
  ///
  /// - Returns: a warning, once until the rank was no longer slow.
  package mutating func note(_ pace: RankPace, seconds: Double) -> String? {
    guard pace.ratio > Self.limit else {
      self = StragglerWatch()
      return nil
    }
    if pace.slowestRank != rank {
      self = StragglerWatch()
      rank = pace.slowestRank
    }
    count += 1
    duration += seconds
    guard !hasWarned, count >= Self.intervals, duration >= Self.seconds else { return nil }
    hasWarned = true
    return "rank \(rank) on \(pace.slowestHost) keeps the others waiting: for "
      + "\(Format.fixed(duration, 0)) s it has taken more than \(Format.fixed(Self.limit, 1)) "
      + "times the median rank's time for a shard, now \(Format.fixed(pace.ratio, 2)) times "
      + "(\(Format.fixed(pace.slowestSeconds, 3)) s of computing a step); look for other "
      + "work, throttling or a wrong core binding on \(pace.slowestHost)"
  }
}

/// Gathers the ranks' times.
package struct StragglerGather {
  private let communicator: any Communicator
  private let loads: [Int]
  private let hosts: [String]

  /// Every rank calls it.
  package init(communicator: any Communicator, plan: ShardPlan) throws(CollectiveError) {
    self.communicator = communicator
    loads = (0..<plan.ranks).map { rank in
      (rank * plan.workersPerRank..<(rank + 1) * plan.workersPerRank)
        .map { plan.shards(ofWorker: $0).count }.max() ?? 1
    }
    hosts = try communicator.hostNames()
  }

  /// Every rank brings its own time and gets what all of them say; nil for a single rank.
  package func pace(seconds: Double) throws(CollectiveError) -> RankPace? {
    guard communicator.worldSize > 1 else { return nil }
    let all = try communicator.allGather([seconds])
    return RankPace(seconds: Array(all.joined()), loads: loads, hosts: hosts)
  }
}
