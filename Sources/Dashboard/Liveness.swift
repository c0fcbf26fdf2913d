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
  /// The same of a daemon, which tells of itself every two seconds while a job runs.
  private static let daemonSilence = Duration.seconds(30)

  private let signs = Mutex<[String: Sign]>([:])

  /// Whether the run at `path` goes on.
  ///
  /// - Parameter time: seconds since 1970.
  func isAlive(_ path: String, heartbeat: OrderedJSON, now: Instant, time: Double) -> Bool {
    let beat: OrderedJSON = [
      "job": heartbeat["job"] ?? .null, "sequence": heartbeat["sequence"] ?? .null,
      "time": heartbeat["time"] ?? .null,
    ]
    return isFresh(
      path, beat, told: heartbeat["time"]?.doubleValue, within: Self.silence, now, time)
  }

  /// Whether the daemon goes on that keeps the run at `path` alive.
  func isDaemonAlive(_ path: String, state: OrderedJSON, now: Instant, time: Double) -> Bool {
    let beat: OrderedJSON = [
      "state": state["state"] ?? .null, "updated": state["updated"] ?? .null,
    ]
    return isFresh(
      path + Self.daemonSuffix, beat, told: state["updated"]?.doubleValue,
      within: Self.daemonSilence, now, time)
  }

  /// No path of a run ends so.
  private static let daemonSuffix = "\0daemon"

  private func isFresh(
    _ key: String, _ beat: OrderedJSON, told: Double?, within silence: Duration, _ now: Instant,
    _ time: Double
  ) -> Bool {
    signs.withLock { signs in
      if let sign = signs[key], sign.beat == beat {
        return sign.isFresh && sign.since.duration(to: now) <= silence
      }
      let age = told.map { abs(time - $0) } ?? .infinity
      let isFresh = signs[key] != nil || age <= silence.seconds
      signs[key] = Sign(beat: beat, since: now, isFresh: isFresh)
      return isFresh
    }
  }

  /// Forgets runs that are gone.
  func keep(only paths: Set<String>) {
    signs.withLock { signs in
      signs = signs.filter { sign in
        let path =
          sign.key.hasSuffix(Self.daemonSuffix)
          ? String(sign.key.dropLast(Self.daemonSuffix.count)) : sign.key
        return paths.contains(path)
      }
    }
  }
}
