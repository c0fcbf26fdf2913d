package import GRUCore
import Records

/// What a model learns.
package enum TaskName: String, CaseIterable, Sendable {
  /// The next token of a text.
  case language
  /// One class of each sequence.
  case classification
  /// The coming values of time series.
  case forecasting
  /// Several yes or no at every step.
  case multilabel
  /// The sum of two marked numbers among many (Hochreiter and Schmidhuber, 1997).
  case adding
  /// Ten symbols, to be repeated after a long gap (Arjovsky, Shah and Bengio, 2016).
  case copy

  /// Whether its sequences are made up, so that it needs no file.
  package var isGenerated: Bool { self == .adding || self == .copy }

  /// Whether it answers once a whole sequence is read, so that layers may read it from its end too.
  var allowsBothDirections: Bool { self == .classification || self == .adding }

  /// What the output layer may read and its losses, the default ones first.
  var readouts: [TaskShape.Readout] {
    switch self {
    case .language, .copy, .multilabel: [.every]
    case .classification, .forecasting, .adding: [.last, .mean]
    }
  }

  var losses: [TaskShape.Loss] {
    switch self {
    case .language, .copy, .classification: [.softmax]
    case .multilabel: [.sigmoid]
    case .forecasting, .adding: [.squaredError, .absoluteError]
    }
  }
}

/// What the output layer of a task reads, and the loss it is trained by.
package struct OutputConfig: Sendable, Equatable {
  package var readout: TaskShape.Readout
  package var loss: TaskShape.Loss

  /// Those of a language model.
  init() {
    readout = .every
    loss = .softmax
  }

  init(_ reader: consuming ConfigReader, task: TaskName) throws(ConfigError) {
    readout = try reader.choice("readout", default: task.readouts[0])
    loss = try reader.choice("loss", default: task.losses[0])
    try reader.finish()
    guard task.readouts.contains(readout) else {
      throw reader.failure(
        "readout", "\"\(readout.rawValue)\" is not possible with task \"\(task.rawValue)\"",
        hint: "possible are \(list(task.readouts))")
    }
    guard task.losses.contains(loss) else {
      throw reader.failure(
        "loss", "\"\(loss.rawValue)\" is not possible with task \"\(task.rawValue)\"",
        hint: "possible are \(list(task.losses))")
    }
  }

  var json: OrderedJSON {
    ["readout": .string(readout.rawValue), "loss": .string(loss.rawValue)]
  }
}

/// The names of values, quoted.
private func list<Value: RawRepresentable<String>>(_ values: [Value]) -> String {
  values.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
}

extension Config {
  /// How the task plugs into the recurrent layers.
  package var taskShape: TaskShape {
    TaskShape(
      input: task == .language || task == .copy ? .tokens : .values, readout: output.readout,
      loss: output.loss)
  }

  /// The model's shape for `outputs` columns of the output layer; a task with real inputs has
  /// `features` of them.
  package func shape(outputs: Int, features: Int?) -> ModelShape {
    var shape = shape(vocabularySize: outputs)
    shape.task = taskShape
    if let features { shape.embeddingSize = features }
    return shape
  }

  /// The length of sequences of a task that makes them up.
  static func checkGenerated(
    _ task: TaskName, window: Int, _ source: ConfigSource
  ) throws(ConfigError) {
    let least = task == .copy ? CopyTask.ends + 1 : 2
    guard task.isGenerated, window < least else { return }
    throw source.failure(
      "batch.window", "is the length of sequences, expected at least \(least), found \(window)")
  }
}
