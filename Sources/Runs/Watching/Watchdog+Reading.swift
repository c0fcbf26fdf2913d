import Foundation
import Records

/// How far a rank is that is to stop while it reads the data.
struct ReadingStop {
  /// Since it was to stop.
  var seconds = 0.0
  /// Whether it has taken its status files back.
  var isWithdrawn = false
}

/// Ends a job that is to stop while it reads its data, which may take long: nothing is lost, and
/// everything is left as it was.
extension Watchdog {
  /// Reading that ends within so many seconds is waited for.
  private static let shortReading = 1.0
  /// How long rank 0 waits for the others to take their files back.
  private static let othersSeconds = 1.5
  /// How long another rank waits for rank 0, which may not know that the run is to stop.
  private static let coordinatorSeconds = 5.0

  func follow(_ stop: inout ReadingStop, _ reading: RunProgress.Reading, elapsed: Double) {
    // Rank 0's file, which says that the job stops, goes before the job does.
    guard reading.activity == .reading, stop.isWithdrawn || isToStop else {
      stop = ReadingStop()
      return
    }
    stop.seconds += elapsed
    if settings.rank > 0, !stop.isWithdrawn {
      // At once, as rank 0 ends the job soon; where reading ends before that, they come back.
      stop.isWithdrawn = true
      withdrawFiles(exitStatus: ExitStatus.stopped)
    }
    let wait =
      settings.rank > 0
      ? Self.coordinatorSeconds : settings.ranks > 1 ? Self.othersSeconds : 0
    if stop.seconds > Self.shortReading + wait { endReading(reading) }
  }

  /// Whether this rank was asked to stop, or rank 0, which ends the job.
  private var isToStop: Bool {
    if Signals.isStopRequested { return true }
    guard settings.rank > 0,
      let first = RankStatus(file: "\(settings.runDirectory)/\(RunFiles.rankName(0))")
    else { return false }
    return first.job == settings.job && first.isStopping == true
  }

  private func endReading(_ reading: RunProgress.Reading) -> Never {
    let amount = reading.data.words.map { ", \($0)" } ?? ""
    Console.complain(
      "gru-dist: rank \(settings.rank) on \(settings.host): stopped while it read the data"
        + "\(amount); the run has not begun, and the same command starts again")
    withdrawFiles(exitStatus: ExitStatus.stopped)
    withdrawDirectory()
    endJob(ExitStatus.stopped)
  }
}
