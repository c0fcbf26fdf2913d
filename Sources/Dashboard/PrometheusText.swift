import Foundation
import Records

/// The runs' last figures in the text format of Prometheus (version 0.0.4).
enum PrometheusText {
  /// A gauge and where its value stands in a run's summary.
  private struct Gauge {
    var name: String
    var key: String
    var help: String
    /// Whether only runs have it whose loss is counted in nats.
    var isOfNats = false
  }

  private static let inItsUnit = "in the unit that gru_dist_run_info tells"

  private static let gauges: [Gauge] = [
    Gauge(name: "step", key: "step", help: "The last logged step."),
    Gauge(name: "steps", key: "steps", help: "Steps to reach."),
    Gauge(name: "tokens", key: "tokens", help: "Targets trained on, \(inItsUnit)."),
    Gauge(name: "loss", key: "loss", help: "Training loss, in the loss_unit of gru_dist_run_info."),
    Gauge(
      name: "loss_nats", key: "loss", help: "Training loss in nats, of runs that count it so.",
      isOfNats: true),
    Gauge(name: "gradient_norm", key: "gradient_norm", help: "Gradient norm before clipping."),
    Gauge(name: "learning_rate", key: "learning_rate", help: "Learning rate."),
    Gauge(
      name: "tokens_per_second", key: "tokens_per_second",
      help: "Targets per second over all ranks, \(inItsUnit)."),
    Gauge(name: "step_seconds", key: "step_seconds", help: "Seconds of a step."),
    Gauge(
      name: "exchange_seconds", key: "exchange_seconds",
      help: "Seconds of a step that wait for the exchange."),
    Gauge(
      name: "validation_loss", key: "validation_loss",
      help: "Last validation loss, in the loss_unit of gru_dist_run_info."),
    Gauge(
      name: "validation_loss_nats", key: "validation_loss",
      help: "Last validation loss in nats, of runs that count it so.", isOfNats: true),
    Gauge(
      name: "validation_bits_per_byte", key: "validation_bits_per_byte",
      help: "Last validation, bits per byte."),
    Gauge(
      name: "best_validation_loss", key: "best_validation_loss",
      help: "Lowest validation loss, in the loss_unit of gru_dist_run_info."),
    Gauge(
      name: "best_validation_loss_nats", key: "best_validation_loss",
      help: "Lowest validation loss in nats, of runs that count it so.", isOfNats: true),
    Gauge(name: "ranks", key: "ranks", help: "Ranks of the job."),
    Gauge(
      name: "checkpoint_step", key: "checkpoint_step", help: "Step of the newest checkpoint."),
    Gauge(
      name: "checkpoint_timestamp_seconds", key: "checkpoint_time",
      help: "When the newest checkpoint was written."),
    Gauge(
      name: "restarts", key: "restarts", help: "Starts after the first, of runs with a daemon."),
    Gauge(
      name: "failures_without_progress", key: "daemon_failures",
      help: "Failures since the last new checkpoint, of runs with a daemon."),
    Gauge(
      name: "updated_timestamp_seconds", key: "updated", help: "When rank 0 last told of itself."),
    Gauge(
      name: "damaged_lines", key: "damaged_lines",
      help: "Lines of the metrics file that hold no record."),
  ]

  /// What runs may be, each a series of its own that is 1 or 0.
  private static let statuses = ["running", "silent", "done", "stopped", "failed", "unknown"]
  /// The same of daemons.
  private static let daemonStates = [
    "starting", "running", "waiting", "stopping", "watching", "done", "stopped", "killed",
    "gave_up", "bad_config", "silent",
  ]

  /// A label and its value.
  private typealias Label = (name: String, value: String)

  /// The last figures of all runs, a metric after the other.
  static func text(_ summaries: [OrderedJSON]) -> String {
    var lines: [String] = []
    func add(
      _ name: String, _ help: String, labels: [(OrderedJSON) -> [Label]] = [{ _ in [] }],
      _ value: (OrderedJSON, [Label]) -> Double?
    ) {
      let samples = summaries.flatMap { summary -> [String] in
        guard let run = summary["name"]?.stringValue else { return [] }
        return labels.compactMap { labels in
          let labels = labels(summary)
          let all: [Label] = [("run", run)] + labels
          let text = all.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",")
          return value(summary, labels).map { "gru_dist_\(name){\(text)} \($0)" }
        }
      }
      if samples.isEmpty { return }
      lines += ["# HELP gru_dist_\(name) \(help)", "# TYPE gru_dist_\(name) gauge"] + samples
    }
    add("running", "Whether the run is under way.") { summary, _ in
      summary["status"] == "running" ? 1 : 0
    }
    add(
      "status", "1 for what the run is, 0 for what it is not.",
      labels: statuses.map { status in { _ in [("status", status)] } }
    ) { summary, labels in summary["status"]?.stringValue == labels[0].value ? 1 : 0 }
    add(
      "daemon_state", "1 for what the run's daemon does, 0 for what it does not.",
      labels: daemonStates.map { state in { _ in [("state", state)] } }
    ) { summary, labels in
      guard let state = summary["daemon"]?.stringValue else { return nil }
      let now = summary["daemon_is_silent"] == true ? "silent" : state
      return now == labels[0].value ? 1 : 0
    }
    add("run_info", "Units of a run's task; always 1.", labels: [taskLabels]) { summary, _ in
      summary["task"]?["name"] == nil ? nil : 1
    }
    add("run_place", "Whose a run is, and where it runs; always 1.", labels: [placeLabels]) {
      summary, _ in summary["owner"]?.stringValue == nil ? nil : 1
    }
    add(
      "best_value", "The best validation by run.best_by, which the label names.",
      labels: [bestLabels]
    ) { summary, _ in summary["best"]?["value"]?.doubleValue }
    add("best_step", "Step of the best validation by run.best_by.", labels: [bestLabels]) {
      summary, _ in summary["best"]?["step"]?.doubleValue
    }
    for gauge in gauges {
      add(gauge.name, gauge.help) { summary, _ in
        gauge.isOfNats && !countsNats(summary) ? nil : summary[gauge.key]?.doubleValue
      }
    }
    for name in figureNames(summaries) {
      let words = name.replacingOccurrences(of: "_", with: " ")
      add("validation_\(name)", "Last validation, \(words).") { summary, _ in
        summary["validation"]?[name]?.doubleValue
      }
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// The other metrics of the runs' tasks, and those of their baselines.
  private static func figureNames(_ summaries: [OrderedJSON]) -> [String] {
    let known = Set(gauges.map(\.name))
    var names: [String] = []
    for summary in summaries {
      guard case .object(let members)? = summary["validation"] else { continue }
      for name in members.map(\.name) where !names.contains(name) {
        // Records may come from elsewhere: Prometheus takes no other letters.
        let isName = name.utf8.allSatisfy {
          $0 == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        }
        if isName, !known.contains("validation_\(name)") { names.append(name) }
      }
    }
    return names
  }

  /// Whether a run's loss is known to be counted in nats.
  private static func countsNats(_ summary: OrderedJSON) -> Bool {
    summary["task"]?["loss_unit"]?.stringValue?.hasPrefix("nats") ?? false
  }

  private static func taskLabels(_ summary: OrderedJSON) -> [Label] {
    [("task", "name"), ("unit", "unit"), ("loss_unit", "loss_unit")].map { label, key in
      (label, summary["task"]?[key]?.stringValue ?? "")
    }
  }

  private static func placeLabels(_ summary: OrderedJSON) -> [Label] {
    ["owner", "host", "path"].map { ($0, summary[$0]?.stringValue ?? "") }
  }

  private static func bestLabels(_ summary: OrderedJSON) -> [Label] {
    ["measure", "direction"].map { ($0, summary["best"]?[$0]?.stringValue ?? "") }
  }

  private static func escaped(_ label: String) -> String {
    label.replacingOccurrences(of: "\\", with: "\\\\")
      .replacingOccurrences(of: "\"", with: "\\\"").replacingOccurrences(of: "\n", with: "\\n")
  }
}
