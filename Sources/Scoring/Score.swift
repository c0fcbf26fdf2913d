import Kernels
package import Records
package import Tasks

/// How well a model does its task.
package struct Score: Sendable {
  package var task: TaskDescription
  /// The mean loss of the counted targets; of tokens and classes in nats.
  package var loss: Double
  /// The mean of the loss's metric, where the task sums it.
  package var lossMetric: Double
  /// Counted targets.
  package var targets: Int
  /// Bytes of text that these stand for; 0 where there is no text.
  package var bytes: Int
  /// Targets that the tokenizer does not know.
  package var unknownTargets = 0
  /// Columns of the output layer.
  package var outputs: Int

  package init(
    task: TaskDescription, loss: Double, lossMetric: Double, targets: Int, bytes: Int,
    outputs: Int
  ) {
    self.task = task
    self.loss = loss
    self.lossMetric = lossMetric
    self.targets = targets
    self.bytes = bytes
    self.outputs = outputs
  }

  /// The value of one of the task's metrics.
  package func value(of metric: TaskMetric) -> Double {
    switch metric.quantity {
    case .loss: loss
    case .lossMetric: lossMetric
    case .lossMetricPerColumn: lossMetric / Double(outputs)
    // A hopeless model may leave it infinite.
    case .perplexity: loss < 700 ? Elementary.exp(loss) : .infinity
    case .bitsPerByte: loss * Double(targets) / Double(bytes) / Elementary.log(2)
    }
  }

  /// The task's metrics by name.
  ///
  /// Bits per byte are left out where no byte stands for the targets; where some of these are
  /// unknown, which is easier to say than the text is, `unknown_targets` marks them.
  package var measures: OrderedJSON {
    let metrics = task.metrics.filter { $0.quantity != .bitsPerByte || bytes > 0 }
    let known: OrderedJSON = .object(metrics.map { .init($0.name, .number(value(of: $0))) })
    return unknownTargets == 0
      ? known : known.merging(["unknown_targets": .integer(unknownTargets)])
  }

  /// The record of a validation after `step`.
  package func json(step: Int) -> OrderedJSON {
    let head: OrderedJSON = ["kind": "valid", "step": .integer(step), "loss": .number(loss)]
    return head.merging(measures)
  }

  /// The loss, the task's metrics, and how many targets they are of.
  package var words: String {
    func number(_ value: Double, _ decimals: Int?) -> String {
      decimals.map { Format.fixed(value, $0) } ?? Format.small(value)
    }
    let hasBits = bytes > 0 && unknownTargets == 0
    let measures = task.metrics.filter { $0.quantity != .bitsPerByte || hasBits }.map { metric in
      let value = number(value(of: metric), metric.decimals)
      return metric.unit.map { "  \(value) \($0)" } ?? "  \(metric.name) \(value)"
    }
    return "loss \(number(loss, task.lossDecimals))\(measures.joined())  "
      + "(\(Format.grouped(targets)) \(task.scoreUnit.rawValue)"
      + (unknownTargets == 0
        ? ")" : ", \(Format.share(unknownTargets, of: targets)) of them unknown, <unk>)")
  }
}
