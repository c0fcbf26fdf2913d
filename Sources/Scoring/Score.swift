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
  /// Characters of it; nil where there is no text, or nobody knows.
  package var characters: Int?
  /// Targets that the tokenizer does not know.
  package var unknownTargets = 0
  /// What outputs say beyond the loss, and what naive models reach.
  package var figures = Figures()
  /// Some single outputs, for people to look at; nil where nobody asked for them.
  package var examples: OrderedJSON?
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

  /// The value of one of the task's metrics; not a number where it is not defined.
  package func value(of metric: TaskMetric) -> Double {
    // A figure, also where it counts targets in another way than the loss.
    if metric != .loss, let value = figures.values[metric.name] { return value }
    return switch metric.quantity {
    case .loss: loss
    case .lossMetric: lossMetric
    case .lossMetricPerColumn: lossMetric / Double(outputs)
    // A hopeless model may leave it infinite.
    case .perplexity: loss < 700 ? Elementary.exp(loss) : .infinity
    case .bitsPerByte: bits(per: bytes)
    case .bitsPerCharacter: bits(per: characters ?? 0)
    case .figure: .nan
    }
  }

  private func bits(per count: Int) -> Double {
    loss * Double(targets) / Double(count) / Elementary.log(2)
  }

  /// The task's metrics that are defined here: bits need a text that stands for the targets.
  private var metrics: [TaskMetric] {
    task.metrics.filter { metric in
      switch metric.quantity {
      case .bitsPerByte: bytes > 0
      case .bitsPerCharacter: characters ?? 0 > 0
      case .figure: figures.values[metric.name] != nil
      case .loss, .lossMetric, .lossMetricPerColumn, .perplexity: true
      }
    }
  }

  /// The task's metrics by name, and after each what naive models reach.
  ///
  /// Bits per byte are left out where no byte stands for the targets; where some of these are
  /// unknown, which is easier to say than the text is, `unknown_targets` marks them.
  package var measures: OrderedJSON {
    var members = metrics.map { OrderedJSON.Member($0.name, .number(value(of: $0))) }
    for name in [TaskMetric.loss.name] + metrics.map(\.name) {
      for baseline in figures.baselines {
        guard let value = baseline.values[name] else { continue }
        members.append(.init(baseline.key(of: name), .number(value)))
      }
    }
    if unknownTargets > 0 { members.append(.init("unknown_targets", .integer(unknownTargets))) }
    return .object(members)
  }

  /// The tables of figures by name.
  package var tables: OrderedJSON {
    .object(figures.tables.map { .init($0.name, $0.json) })
  }

  /// What a validation after `step` has found out, for status pages: the measures, the tables with
  /// their headings, and examples.
  package func report(step: Int) -> OrderedJSON {
    let head: OrderedJSON = [
      "version": 1, "step": .integer(step), "targets": .integer(targets),
      "unit": .string(task.scoreUnit.rawValue), "loss": .number(loss),
    ]
    let tables = figures.tables.compactMap { table in
      table.report.map { OrderedJSON.Member(table.name, $0) }
    }
    return head.merging(measures).merging([
      "tables": .object(tables), "examples": examples ?? .null,
    ])
  }

  /// The record of a validation after `step`.
  package func json(step: Int) -> OrderedJSON {
    let head: OrderedJSON = ["kind": "valid", "step": .integer(step), "loss": .number(loss)]
    return head.merging(measures)
  }

  /// The loss, the task's metrics, and how many targets they are of; naive models stand behind the
  /// first metric that they have.
  package var words: String {
    var hasBaselines = false
    var words = "loss \(Self.number(loss, task.lossDecimals))"
    for metric in metrics where isShown(metric) {
      let value = Self.number(value(of: metric), metric.decimals)
      words += metric.unit.map { "  \(value) \($0)" } ?? "  \(metric.name) \(value)"
      let naive = hasBaselines ? [] : figures.baselines(of: metric.name)
      if naive.isEmpty { continue }
      hasBaselines = true
      words +=
        " (" + naive.map { "\($0.words) \(Self.number($0.value, metric.decimals))" }
        .joined(separator: ", ") + ")"
    }
    return words + "  (\(Format.grouped(targets)) \(task.scoreUnit.rawValue)"
      + (unknownTargets == 0
        ? ")" : ", \(Format.share(unknownTargets, of: targets)) of them unknown, <unk>)")
  }

  /// Whether people see a metric in a line: not what says nothing new.
  private func isShown(_ metric: TaskMetric) -> Bool {
    switch metric.quantity {
    case .bitsPerByte: unknownTargets == 0
    case .bitsPerCharacter: unknownTargets == 0 && characters != bytes
    default: !figures.minor.contains(metric.name)
    }
  }

  /// Naive models that are better than this one by some metric, a line each.
  package var warnings: [String] {
    figures.baselines.compactMap { baseline in
      let worse = ([.loss] + metrics).compactMap { metric -> String? in
        let isTold = metric.quantity == .loss && baseline.values[TaskMetric.loss.name] != nil
        guard let naive = baseline.values[metric.name], metric == .loss || !isTold,
          isShown(metric) || !metric.isInBits,
          metric.isBetter(naive, than: value(of: metric))
        else { return nil }
        return "\(metric.name) \(Self.number(naive, metric.decimals))"
      }
      return worse.isEmpty
        ? nil : "worse than the naive \(baseline.words): \(worse.joined(separator: ", "))"
    }
  }

  private static func number(_ value: Double, _ decimals: Int?) -> String {
    decimals.map { Format.fixed(value, $0) } ?? Format.small(value)
  }
}

extension TaskMetric {
  /// Whether it is the loss in other units, over a text.
  fileprivate var isInBits: Bool {
    switch quantity {
    case .bitsPerByte, .bitsPerCharacter: true
    default: false
    }
  }
}
