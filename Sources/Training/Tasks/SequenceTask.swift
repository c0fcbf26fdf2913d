import Checkpoints
package import Configuration
package import Corpora
package import Datasets
import Engine
package import GRUCore
package import Records

/// The data of a task other than a language model, and what the model must be like for it.
package struct SequenceTask: Sendable {
  package var training: TaskBatches
  /// Nil where nothing is set aside.
  package var validation: TaskBatches?
  /// Real values at each step; nil where the model reads tokens.
  package var features: Int?
  /// Columns of the output layer.
  package var outputs: Int
  /// Most sequences that a row of a batch holds one after another.
  package var slots = 1
  /// What tells the training data from others, and validation data of their own.
  package var fingerprint: String
  package var validationFingerprint: String?
  /// What a checkpoint must know to read other data alike; nil where there is nothing.
  package var description: OrderedJSON?
  /// What there is, for people, and what a loss is counted by.
  package var words: String
  package var unit = "sequences"

  /// Opens or makes what the config names.
  ///
  /// - Parameter frame: of a checkpoint; nil learns it from the training data.
  package init(_ config: Config, frame: TaskFrame? = nil) throws {
    if config.task.isGenerated {
      try self.init(making: config)
    } else {
      try self.init(reading: config, frame: frame)
    }
  }

  private init(making config: Config) throws {
    let batch = config.batch
    let seed = config.run.seed
    let validSequences = config.data.task.validSequences
    func batches(_ kind: GeneratedBatches.Kind, count: Int?) -> TaskBatches {
      .generated(
        GeneratedBatches(
          kind: kind, sequences: batch.sequences, window: batch.window, count: count, seed: seed))
    }
    func generated(_ kind: GeneratedBatches.Kind) -> (TaskBatches, TaskBatches?) {
      (batches(kind, count: nil), validSequences == 0 ? nil : batches(kind, count: validSequences))
    }
    switch config.task {
    case .adding:
      (training, validation) = generated(.adding)
      (features, outputs) = (AddingProblem.features, 1)
      words = "the adding problem over \(Format.count(batch.window, "step"))"
    case .copy:
      (training, validation) = generated(.copy)
      (features, outputs) = (nil, CopyTask.vocabularySize)
      unit = "tokens"
      words = "the copy task over \(Format.count(batch.window - CopyTask.ends, "step"))"
    case .language, .classification, .forecasting, .multilabel:
      throw UsageError("task \"\(config.task.rawValue)\" reads files")
    }
    fingerprint = "\(config.task.rawValue) \(batch.window)"
  }

  /// The model's shape.
  package func shape(_ config: Config) -> ModelShape {
    config.shape(outputs: outputs, features: features)
  }
}

/// What a run trains and validates on.
package enum TrainingData: Sendable {
  case text(CorpusSplit)
  case task(SequenceTask)

  /// What tells the training data from others.
  package var fingerprint: String {
    switch self {
    case .text(let split): split.training.corpus.fingerprint
    case .task(let task): task.fingerprint
    }
  }

  /// The same of validation data; that of the training data where they are a part of it.
  package var validationFingerprint: String? {
    switch self {
    case .text(let split): split.validation?.corpus.fingerprint
    case .task(let task): task.validationFingerprint
    }
  }

  /// Most sequences that a row of a batch holds.
  package var slots: Int {
    if case .task(let task) = self { task.slots } else { 1 }
  }

  /// What there is to train on, for people.
  package var words: String {
    switch self {
    case .text(let split): "\(Format.grouped(split.training.range.count)) training tokens"
    case .task(let task): task.words
    }
  }

  /// What a loss is counted by.
  package var unit: String {
    if case .task(let task) = self { task.unit } else { "tokens" }
  }
}
