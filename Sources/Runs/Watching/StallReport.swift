import Foundation
import Records

/// Finds out from the status files of all ranks who holds a job up.
///
/// Ranks on one host, and on hosts that share the run directory, are known; of others the report
/// says that nothing is known.
struct StallReport {
  let settings: Watchdog.Settings
  /// Seconds between two tellings of a rank.
  let interval: Double

  /// A rank as its status file shows it.
  enum Standing: Equatable {
    case known(RankStatus, isSilent: Bool)
    case unknown

    var beats: Int? {
      if case .known(let status, _) = self { return status.reading.beats }
      return nil
    }
  }

  private static let mostLines = 16

  /// Looks, and looks again after a while: a rank whose status does not change is silent.
  private func standings() -> [Standing] {
    let first = (0..<settings.ranks).map(status)
    Thread.sleep(forTimeInterval: 2.5 * interval)
    return first.enumerated().map { rank, first in
      guard let now = status(rank) else { return .unknown }
      let isSilent = first?.sequence == now.sequence && rank != settings.rank
      return .known(now, isSilent: isSilent)
    }
  }

  private func status(_ rank: Int) -> RankStatus? {
    let status = RankStatus(file: "\(settings.runDirectory)/\(RunFiles.rankName(rank))")
    return status?.job == settings.job ? status : nil
  }

  func text(
    _ reading: RunProgress.Reading, seconds: Double, limit: Double, median: Double?
  ) -> String {
    Self.text(
      reading, rank: settings.rank, host: settings.host, seconds: seconds, limit: limit,
      patience: settings.patience, median: median, standings: standings())
  }

  static func text(
    _ reading: RunProgress.Reading, rank: Int, host: String, seconds: Double, limit: Double,
    patience: Double, median: Double?, standings: [Standing]
  ) -> String {
    let usual = median.map { ", the median step takes \(Format.fixed($0, 3)) s" } ?? ""
    var lines = [
      "gru-dist: watchdog of rank \(rank) on \(host): step \(reading.step) does not advance: "
        + "\(Format.fixed(seconds, 1)) s in \"\(reading.activity.words)\" (limit "
        + "\(Format.fixed(limit, 1)) s; run.watchdog_seconds is "
        + "\(Format.fixed(patience, 0))\(usual))"
    ]
    let front = standings.compactMap(\.beats).max() ?? 0
    let rear = standings.compactMap(\.beats).min() ?? 0
    // Between the rear and the front are ranks that wait for the rear, like those at the front.
    let late = standings.indices.filter {
      switch standings[$0] {
      case .known(let status, let isSilent):
        isSilent || (status.reading.beats == rear && rear < front)
      case .unknown: true
      }
    }
    if late.isEmpty {
      lines.append("  all ranks have come as far as that, and live; the transport may hang")
    }
    for index in late.prefix(mostLines) {
      switch standings[index] {
      case .known(let status, let isSilent):
        lines.append("  has not arrived: \(status.words)" + (isSilent ? "; silent since then" : ""))
      case .unknown:
        lines.append(
          "  unknown: rank \(index); its host may be gone, or not share the run directory")
      }
    }
    if late.count > mostLines { lines.append("  and \(late.count - mostLines) more") }
    lines.append("gru-dist: ending the job; --resume goes on from its newest checkpoint")
    return lines.joined(separator: "\n")
  }
}
