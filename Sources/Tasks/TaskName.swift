/// What a model learns, as configs name it. `description(readout:loss:)` says what each is; nothing
/// else asks for a name.
package enum TaskName: String, CaseIterable, Sendable {
  /// The next token of a text.
  case language
  /// One class of each sequence, or of each of its steps.
  case classification
  /// Numbers of each sequence, or of each of its steps.
  case regression
  /// One class of each word of a sequence.
  case tagging
  /// The coming values of time series.
  case forecasting
  /// The next item of a session.
  case recommendation
  /// Several yes or no at every step.
  case multilabel
  /// The sum of two marked numbers among many (Hochreiter and Schmidhuber, 1997).
  case adding
  /// Ten symbols, to be repeated after a long gap (Arjovsky, Shah and Bengio, 2016).
  case copy

  /// What the output layer may read, the default first.
  package var readouts: [TaskShape.Readout] {
    switch self {
    case .language, .copy, .multilabel, .tagging, .recommendation: [.every]
    case .classification, .regression: [.last, .mean, .every]
    case .forecasting, .adding: [.last, .mean]
    }
  }

  /// What it may be trained by, the default first.
  package var losses: [TaskShape.Loss] {
    switch self {
    case .language, .copy, .classification, .tagging, .recommendation: [.softmax]
    case .multilabel: [.sigmoid]
    case .regression, .forecasting:
      [.squaredError, .absoluteError, .quantile, .gaussian, .studentT]
    case .adding: [.squaredError, .absoluteError]
    }
  }

  /// Whether it tells a vocabulary's tokens from each other, of which training may draw some.
  package var samplesOutputs: Bool { description.predictsVocabulary }

  /// The task with its default readout and loss.
  package var description: TaskDescription { description(readout: readouts[0], loss: losses[0]) }

  /// The task with one of its readouts and losses.
  package func description(
    readout: TaskShape.Readout, loss: TaskShape.Loss
  ) -> TaskDescription {
    func task(
      _ inputs: TaskDescription.Inputs, _ sequences: TaskDescription.Sequences,
      _ targets: TaskDescription.Targets, looksAhead: Bool, _ outputs: TaskDescription.Outputs,
      _ metrics: [TaskMetric], _ figures: TaskFigures, _ unit: TaskDescription.Unit,
      lossDecimals: Int? = nil
    ) -> TaskDescription {
      TaskDescription(
        name: rawValue, inputs: inputs, sequences: sequences, targets: targets,
        looksAhead: looksAhead, outputs: outputs, readout: readout, loss: loss, metrics: metrics,
        figures: figures, unit: unit, lossDecimals: lossDecimals)
    }
    let (targets, unit): (TaskDescription.Targets, TaskDescription.Unit) =
      readout == .every ? (.everyStep, .steps) : (.onePerSequence, .sequences)
    return switch self {
    case .language:
      task(
        .tokens, .streams, .nextStep, looksAhead: true, .textTokens, Self.textMetrics, .text,
        .tokens, lossDecimals: 4)
    case .classification:
      task(
        .values, .packed, targets, looksAhead: false, .classes, Self.classMetrics, .classes, unit)
    case .regression:
      task(
        .values, .packed, targets, looksAhead: false, .values,
        Self.valueMetrics(loss) + [TaskMetric("r2", .figure(.higher))], .values, unit)
    case .tagging:
      task(
        .tokens, .packed, .everyStep, looksAhead: false, .classes,
        Self.classMetrics + [Self.figure("phrase_f1")], .classes, .tokens)
    case .recommendation:
      task(
        .tokens, .packed, .nextStep, looksAhead: true, .items, Self.itemMetrics, .items, .items)
    case .forecasting:
      task(
        .values, .windows, .severalPerSequence, looksAhead: true, .values,
        Self.valueMetrics(loss) + Self.forecastMetrics(loss), .forecasts, .sequences)
    case .multilabel:
      task(
        .values, .packed, .nextStep, looksAhead: true, .labels,
        Self.labelMetrics, .labels, .steps)
    case .adding:
      task(
        .values, .generated(.adding), .onePerSequence, looksAhead: false, .values,
        Self.valueMetrics(loss) + [TaskMetric("r2", .figure(.higher))], .values, .sequences)
    case .copy:
      task(
        .tokens, .generated(.copy), .everyStep, looksAhead: true, .symbols, [], .none,
        .tokens)
    }
  }

  private static let textMetrics = [
    TaskMetric("perplexity", .perplexity, decimals: 2),
    TaskMetric("bits_per_byte", .bitsPerByte, unit: "bits/byte", decimals: 4),
    TaskMetric("bits_per_character", .bitsPerCharacter, unit: "bits/character", decimals: 4),
  ]

  private static let classMetrics = [
    TaskMetric("accuracy", .lossMetric(.higher)),
    TaskMetric("macro_f1", .figure(.higher)),
    TaskMetric("balanced_accuracy", .figure(.higher)),
  ]

  private static let itemMetrics =
    ["recall_at_1", "recall_at_5", "recall_at_10", "recall_at_20"].map(figure)
    + ["mrr_at_5", "mrr_at_10", "mrr_at_20"].map(figure)

  private static func figure(_ name: String) -> TaskMetric { TaskMetric(name, .figure(.higher)) }

  private static func forecastMetrics(_ loss: TaskShape.Loss) -> [TaskMetric] {
    let isDistribution = [.gaussian, .studentT].contains(loss)
    return (isDistribution ? [TaskMetric("crps", .figure(.lower))] : []) + [
      TaskMetric("mase", .figure(.lower)),
      TaskMetric("smape", .figure(.lower), decimals: 2),
    ]
  }

  private static let labelMetrics = [
    TaskMetric("nll", .loss), TaskMetric("label_accuracy", .lossMetricPerColumn(.higher)),
    TaskMetric("frame_accuracy", .figure(.higher)), TaskMetric("micro_f1", .figure(.higher)),
    TaskMetric("exact_match", .figure(.higher)),
  ]

  /// Either loss of points is the metric of the other; distributions have a point too.
  private static func valueMetrics(_ loss: TaskShape.Loss) -> [TaskMetric] {
    switch loss {
    case .quantile: [TaskMetric("pinball", .loss), TaskMetric("mae", .lossMetric(.lower))]
    case .gaussian, .studentT:
      [TaskMetric("nll", .loss), TaskMetric("mse", .lossMetric(.lower))]
    case .absoluteError: [TaskMetric("mse", .lossMetric(.lower)), TaskMetric("mae", .loss)]
    case .softmax, .sigmoid, .squaredError:
      [TaskMetric("mse", .loss), TaskMetric("mae", .lossMetric(.lower))]
    }
  }
}
