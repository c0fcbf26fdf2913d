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
      name: "updated_timestamp_seconds", key: "updated", help: "When rank 0 last told of itself."),
    Gauge(
      name: "damaged_lines", key: "damaged_lines",
      help: "Lines of the metrics file that hold no record."),
  ]

  static func text(_ summaries: [OrderedJSON]) -> String {
    var lines: [String] = []
    func add(
      _ name: String, _ help: String, labels: (OrderedJSON) -> String = { _ in "" },
      _ value: (OrderedJSON) -> Double?
    ) {
      let samples = summaries.compactMap { summary -> String? in
        guard let run = summary["name"]?.stringValue, let value = value(summary) else {
          return nil
        }
        return "gru_dist_\(name){run=\"\(escaped(run))\"\(labels(summary))} \(value)"
      }
      if samples.isEmpty { return }
      lines += ["# HELP gru_dist_\(name) \(help)", "# TYPE gru_dist_\(name) gauge"] + samples
    }
    add("running", "Whether the run is under way.") { $0["status"] == "running" ? 1 : 0 }
    add("run_info", "Units of a run's task; always 1.", labels: taskLabels) {
      $0["task"]?["name"] == nil ? nil : 1
    }
    for gauge in gauges {
      add(gauge.name, gauge.help) { summary in
        gauge.isOfNats && !countsNats(summary) ? nil : summary[gauge.key]?.doubleValue
      }
    }
    for name in figureNames(summaries) {
      let words = name.replacingOccurrences(of: "_", with: " ")
      add("validation_\(name)", "Last validation, \(words).") {
        $0["validation"]?[name]?.doubleValue
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

  private static func taskLabels(_ summary: OrderedJSON) -> String {
    [("task", "name"), ("unit", "unit"), ("loss_unit", "loss_unit")].map { label, key in
      ",\(label)=\"\(escaped(summary["task"]?[key]?.stringValue ?? ""))\""
    }.joined()
  }

  private static func escaped(_ label: String) -> String {
    label.replacingOccurrences(of: "\\", with: "\\\\")
      .replacingOccurrences(of: "\"", with: "\\\"").replacingOccurrences(of: "\n", with: "\\n")
  }
}
