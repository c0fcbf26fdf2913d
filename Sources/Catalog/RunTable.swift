import Foundation
package import Records

/// The runs of a directory as a table for people and a record each for programs.
package struct RunTable {
  private let directory: String

  /// Whether every byte of the checkpoints is compared with their manifests.
  private let verifies: Bool

  package init(directory: String, verifies: Bool = false) {
    self.directory = directory
    self.verifies = verifies
  }

  package func run(console: Console) throws {
    let found = try RunFinder(directory)
    let now = Date().timeIntervalSince1970
    let runs = found.runs.map {
      RunSummary(name: $0, path: found.path(of: $0), now: now, verifies: verifies)
    }
    for line in Self.lines(runs, now: now) { console.say(line) }
    for run in runs { console.record(run.json) }
    if runs.isEmpty { console.say("no run at or below \(directory)") }
    for problem in found.unreadable { console.say("cannot read  \(problem)") }
    for run in runs {
      for problem in run.problems { console.say("damaged      \(run.name): \(problem)") }
    }
    if !found.others.isEmpty {
      let shown = found.others.prefix(6).joined(separator: ", ")
      console.say(
        "no run in    \(shown)" + (found.others.count > 6 ? ", ... (\(found.others.count))" : ""))
    }
    if !found.others.isEmpty || !found.unreadable.isEmpty {
      console.record([
        "kind": "other", "without_runs": .array(found.others.map { .string($0) }),
        "unreadable": .array(found.unreadable.map { .string($0) }),
      ])
    }
  }

  /// The head and a line for each run.
  private static func lines(_ runs: [RunSummary], now: Double) -> [String] {
    if runs.isEmpty { return [] }
    let head = ["run", "state", "step", "best", "measure", "size", "age", "host"]
    return TextTable.lines([head] + runs.map { $0.cells(now: now) }, rightAligned: [2, 5, 6])
  }
}

extension RunSummary {
  /// What people see of it.
  fileprivate func cells(now: Double) -> [String] {
    let place = step.map { "\($0)" + (steps.map { "/\($0)" } ?? "") } ?? "-"
    let best = bestValue.map { "\(Format.small($0))" + (bestStep.map { " at \($0)" } ?? "") } ?? "-"
    let measure = self.measure.map { $0 + (unit.map { ", \($0)" } ?? "") } ?? "-"
    return [
      name, state.rawValue + (problems.isEmpty ? "" : " (!)"), place, best, measure,
      Format.bytes(bytes), Format.age(now - changed), host ?? "-",
    ]
  }
}
