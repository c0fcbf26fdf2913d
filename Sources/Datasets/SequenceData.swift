// What datasets are made of is part of this module's interface.
@_exported public import Batches
package import Corpora
import Records
@_exported public import Tables
import Tasks

/// The sequences of a task that reads no text, and what the model must be like for them.
package struct SequenceData: Sendable, Codable {
  package var training: TaskBatches
  /// Nil where nothing is set aside.
  package var validation: TaskBatches?
  /// Real values at each step; nil where the model reads tokens.
  package var features: Int?
  /// Columns of the output layer.
  package var outputs: Int
  /// Steps of a batch's rows: those asked for, or more where the request lets them grow.
  package var window: Int
  /// Most sequences that a row of a batch holds one after another.
  package var slots = 1
  /// How much the losses of each class count in training; empty where all count 1.
  package var classWeights: [Float] = []
  /// How often each output is a target of training; empty where outputs are no vocabulary.
  package var targetCounts: [Int] = []
  /// What tells the training data from others, and validation data of their own.
  package var fingerprint: String
  package var validationFingerprint: String?
  /// What a checkpoint must know to read other data alike; nil where there is nothing.
  package var frame: TaskFrame?
  /// What made tokens of its texts; nil where there are none.
  package var tokenizer: Tokenizer?
  /// Tokens to validate on, and the unknown ones among them.
  package var validationTokens = TokenCount()
  /// What there is, for people.
  package var words: String
  package var summary = DataSummary()

  /// Opens or makes what is asked for: numbers, or what a task makes up.
  ///
  /// - Parameter frame: of a checkpoint; nil learns it from the training data.
  package init(_ request: SequenceRequest, frame: TaskFrame? = nil) throws {
    precondition(request.text == nil, "texts are read by another target")
    if let task = request.task.generated {
      self.init(making: task, request)
    } else {
      try self.init(reading: request, frame: frame)
    }
  }

  /// What others have read, of which the rest is set afterwards.
  package init(
    training: TaskBatches, validation: TaskBatches?, outputs: Int, window: Int, slots: Int,
    fingerprint: String, words: String
  ) {
    self.training = training
    self.validation = validation
    self.outputs = outputs
    self.window = window
    self.slots = slots
    self.fingerprint = fingerprint
    self.words = words
  }

  private init(making task: GeneratedTask, _ request: SequenceRequest) {
    func batches(count: Int?) -> TaskBatches {
      .generated(
        GeneratedBatches(
          task: task, sequences: request.rows, window: request.window, count: count,
          seed: request.seed))
    }
    window = request.window
    training = batches(count: nil)
    validation = request.validSequences == 0 ? nil : batches(count: request.validSequences)
    (features, outputs) = (task.features, task.outputs)
    words = task.words(window: request.window)
    summary.say("training", words)
    summary.say(
      "validation",
      request.validSequences == 0
        ? "none" : Format.count(request.validSequences, "sequence") + " made up")
    summary.add(["validation_sequences": .integer(request.validSequences)])
    fingerprint = "\(request.task.name) \(request.window)"
  }
}
