import Foundation
import Records

/// The runs' last figures in the text format of Prometheus (version 0.0.4).
enum PrometheusText {
  /// A gauge and where its value stands in a run's summary.
  private static let gauges: [(name: String, key: String, help: String)] = [
    ("step", "step", "The last logged step."),
    ("steps", "steps", "Steps to reach."),
    ("tokens", "tokens", "Tokens trained on."),
    ("loss_nats", "loss", "Training loss in nats per token."),
    ("gradient_norm", "gradient_norm", "Global gradient norm before clipping."),
    ("learning_rate", "learning_rate", "Learning rate."),
    ("tokens_per_second", "tokens_per_second", "Tokens per second over all ranks."),
    ("step_seconds", "step_seconds", "Seconds of a step."),
    ("exchange_seconds", "exchange_seconds", "Seconds of a step that wait for the exchange."),
    ("validation_loss_nats", "validation_loss", "Last validation loss in nats per token."),
    ("validation_bits_per_byte", "validation_bits_per_byte", "Last validation, bits per byte."),
    ("best_validation_loss_nats", "best_validation_loss", "Lowest validation loss."),
    ("ranks", "ranks", "Ranks of the job."),
    ("updated_timestamp_seconds", "updated", "When rank 0 last told of itself."),
  ]

  static func text(_ summaries: [OrderedJSON]) -> String {
    var lines: [String] = []
    func add(_ name: String, _ help: String, _ value: (OrderedJSON) -> Double?) {
      let samples = summaries.compactMap { summary -> String? in
        guard let run = summary["name"]?.stringValue, let value = value(summary) else {
          return nil
        }
        return "gru_dist_\(name){run=\"\(escaped(run))\"} \(value)"
      }
      if samples.isEmpty { return }
      lines += ["# HELP gru_dist_\(name) \(help)", "# TYPE gru_dist_\(name) gauge"] + samples
    }
    add("running", "Whether the run is under way.") { $0["status"] == "running" ? 1 : 0 }
    for gauge in gauges { add(gauge.name, gauge.help) { $0[gauge.key]?.doubleValue } }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func escaped(_ label: String) -> String {
    label.replacingOccurrences(of: "\\", with: "\\\\")
      .replacingOccurrences(of: "\"", with: "\\\"").replacingOccurrences(of: "\n", with: "\\n")
  }
}
