import Records
import Synchronization

/// What of the list of runs is new since an earlier answer: a run whose files are as they were is
/// not looked into again, and not told again.
final class RunChanges: Sendable {
  /// By what a run is seen to be as it was.
  struct Sign: Equatable, Sendable {
    var generation: Int
    var readBytes: Int
    var fileBytes: Int
    var problem: String?
    var status: String
    var daemonIsSilent: Bool
    var heartbeat: SmallFiles.Version?
    var config: SmallFiles.Version?
    var daemon: SmallFiles.Version?
    var validation: SmallFiles.Version?
    var checkpointsChanged: Double

    init(_ report: RunReport) {
      generation = report.look.generation
      readBytes = report.look.readBytes
      fileBytes = report.look.fileBytes
      problem = report.look.problem
      status = report.status
      daemonIsSilent = report.daemonIsSilent
      heartbeat = report.folder.heartbeat.version
      config = report.folder.config.version
      daemon = report.folder.daemon.version
      validation = report.folder.validation.version
      checkpointsChanged = report.folder.checkpointsChanged
    }
  }

  private struct Entry: Sendable {
    var sign: Sign
    var summary: OrderedJSON
    var config: OrderedJSON
    /// Of the last change of the summary, and of the config.
    var revision: Int
    var configRevision: Int
  }

  private struct State: Sendable {
    var entries: [String: Entry] = [:]
    var names: [String] = []
    var namesRevision = 0
    var revision = 0
  }

  /// Numbers of another process are no numbers here.
  private let epoch = Int.random(in: 1...1 << 40)
  private let state = Mutex(State())

  /// Takes note of what was found, and gives the summaries of all runs in order.
  func note(_ reports: [RunReport]) -> [OrderedJSON] {
    state.withLock { state in
      let names = reports.map(\.name)
      state.revision += 1
      let revision = state.revision
      if names != state.names {
        (state.names, state.namesRevision) = (names, revision)
        let known = Set(names)
        state.entries = state.entries.filter { known.contains($0.key) }
      }
      return reports.map { report in
        let sign = Sign(report)
        if let entry = state.entries[report.name], entry.sign == sign { return entry.summary }
        let config = report.folder.config.value ?? .null
        var entry = Entry(
          sign: sign, summary: report.summary, config: config, revision: revision,
          configRevision: revision)
        if let before = state.entries[report.name] {
          if before.config == config { entry.configRevision = before.configRevision }
          if before.summary == entry.summary { entry.revision = before.revision }
        }
        state.entries[report.name] = entry
        return entry.summary
      }
    }
  }

  /// What is new since the answer that had that mark, or everything.
  ///
  /// `runs` are the summaries that have changed, each with its config where that has; `names` all
  /// runs in order, where there are others than before.
  func json(since mark: String?) -> OrderedJSON {
    state.withLock { state in
      let parts = (mark ?? "").split(separator: ".").compactMap { Int($0) }
      let known = parts.count == 2 && parts[0] == epoch ? parts[1] : -1
      let runs = state.names.compactMap { name -> OrderedJSON? in
        guard let entry = state.entries[name], max(entry.revision, entry.configRevision) > known
        else { return nil }
        if entry.configRevision <= known { return entry.summary }
        return entry.summary.merging(["config": entry.config])
      }
      let answer: OrderedJSON = [
        "mark": .string("\(epoch).\(state.revision)"), "is_whole": .bool(known < 0),
        "runs": .array(runs),
      ]
      if state.namesRevision <= known { return answer }
      return answer.merging(["names": .array(state.names.map { .string($0) })])
    }
  }
}
