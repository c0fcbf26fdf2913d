import Configuration
import Engine
import Foundation
import Records

/// What a resumed run changes of the learning rate.
package struct RateChange: Sendable, Equatable {
  /// Steps done.
  let step: Int
  /// Of the last step; nil before the first.
  let before: Double?
  /// Of the next step, as the config asks now, and as it did before.
  package let now: Double
  package let unchanged: Double

  /// Nil where the next step's rate is what it would have been.
  init?(from stored: Config, to config: Config, step: Int, decays: Int) {
    let (old, new) = (LearningRateSchedule(stored), LearningRateSchedule(config))
    self.step = step
    before = step > 0 ? old.rate(atStep: step, decays: decays) : nil
    now = new.rate(atStep: step + 1, decays: decays)
    unchanged = old.rate(atStep: step + 1, decays: decays)
    if now == unchanged { return nil }
  }

  /// For people.
  var words: String {
    "learning rate: "
      + (before.map { "\(Self.number($0)) at step \(step), " } ?? "")
      + "\(Self.number(now)) at step \(step + 1); without the change it would be "
      + Self.number(unchanged)
  }

  /// Members of the record of the resume.
  var json: OrderedJSON {
    let rates: OrderedJSON = [
      "learning_rate": .number(now), "learning_rate_unchanged": .number(unchanged),
    ]
    return before.map { rates.merging(["learning_rate_before": .number($0)]) } ?? rates
  }

  /// Four significant digits.
  private static func number(_ value: Double) -> String { String(format: "%.4g", value) }
}
