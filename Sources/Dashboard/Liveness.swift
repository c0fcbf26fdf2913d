import Records
import Synchronization

/// Tells which runs are alive by whether their heartbeats go on. What clocks of two machines say
/// counts at the first look only, when there is nothing else to go by.
final class Liveness: Sendable {
  typealias Instant = ContinuousClock.Instant

  private struct Sign {
    var beat: OrderedJSON
    /// When it was first seen.
    var since: Instant
    /// Whether it was young by the clocks, or another one was there before.
    var isFresh: Bool
  }

  /// A run that has told nothing for so long is no longer there.
  private static let silence = Duration.seconds(15)

  private let signs = Mutex<[String: Sign]>([:])

  /// Whether the run at `path` goes on.
  ///
  /// - Parameter time: seconds since 1970.
  func isAlive(_ path: String, heartbeat: OrderedJSON, now: Instant, time: Double) -> Bool {
    let beat: OrderedJSON = [
      "job": heartbeat["job"] ?? .null, "sequence": heartbeat["sequence"] ?? .null,
      "time": heartbeat["time"] ?? .null,
    ]
    return signs.withLock { signs in
      if let sign = signs[path], sign.beat == beat {
        return sign.isFresh && sign.since.duration(to: now) <= Self.silence
      }
      let age = heartbeat["time"]?.doubleValue.map { abs(time - $0) } ?? .infinity
      let isFresh = signs[path] != nil || age <= Self.silence.seconds
      signs[path] = Sign(beat: beat, since: now, isFresh: isFresh)
      return isFresh
    }
  }

  /// Forgets runs that are gone.
  func keep(only paths: Set<String>) {
    signs.withLock { signs in signs = signs.filter { paths.contains($0.key) } }
  }
}
