package import Configuration
package import Corpora
package import Datasets
package import GRUCore
import NumericContract
package import Records
import Tasks
import TextSequences

/// What a model has learnt of its data before it trains, and keeps in its checkpoints.
package enum LearntData: Sendable {
  /// Of a text.
  case tokenizer(Tokenizer)
  /// Columns, classes, means and deviations of tables and sequences.
  case frame(TaskFrame)
  /// Of texts with classes.
  case texts(Tokenizer, TaskFrame)

  package var tokenizer: Tokenizer? {
    switch self {
    case .tokenizer(let tokenizer), .texts(let tokenizer, _): tokenizer
    case .frame: nil
    }
  }

  package var frame: TaskFrame? {
    switch self {
    case .frame(let frame), .texts(_, let frame): frame
    case .tokenizer: nil
    }
  }
}

extension Config {
  /// Opens or makes what the config names to train and validate on.
  ///
  /// - Parameters:
  ///   - learnt: what a run has learnt of its data; nil learns it.
  ///   - progress: told what is read.
  package func openData(
    as learnt: LearntData? = nil, progress: ReadingProgress? = nil
  ) throws -> TrainingData {
    if taskDescription.readsText {
      return .text(try openText(as: learnt?.tokenizer, progress: progress))
    }
    var request = sequenceRequest
    request.progress = progress
    return .sequences(
      try SequenceData(opening: request, frame: learnt?.frame, tokenizer: learnt?.tokenizer))
  }

  /// Opens the text that the config names.
  ///
  /// - Parameter tokenizer: what a run has learnt of it; nil learns it.
  package func openText(
    as tokenizer: Tokenizer? = nil, progress: ReadingProgress? = nil
  ) throws(CorpusError) -> CorpusSplit {
    let texts = try readTexts(as: tokenizer, progress: progress)
    return try split(train: texts.train, valid: texts.valid)
  }

  /// Reads the texts that the config names, as `openText`.
  func readTexts(
    as tokenizer: Tokenizer?, progress: ReadingProgress?
  ) throws(CorpusError) -> Texts {
    let train =
      if let tokenizer, tokenizer.kind == data.tokenizer {
        try TokenCorpus(
          path: data.train, tokenizer: tokenizer, heldOut: try heldOut, progress: progress)
      } else {
        try TokenCorpus(
          path: data.train, learning: learning, heldOut: try heldOut, progress: progress)
      }
    var valid: TokenCorpus?
    if let path = data.valid {
      valid = try TokenCorpus(path: path, tokenizer: train.tokenizer, progress: progress)
    }
    return Texts(train: train, valid: valid)
  }

  /// What of a text trains, and what is held out.
  func split(train: TokenCorpus, valid: TokenCorpus?) throws(CorpusError) -> CorpusSplit {
    try CorpusSplit(
      train: train, valid: valid, validFraction: data.validFraction,
      testFraction: data.testFraction, sequences: batch.sequences, window: batch.window)
  }

  /// What a text holds out by bytes; nil where it is nothing, or counted in tokens as by version 1.
  private var heldOut: HeldOut? {
    get throws(CorpusError) {
      let valid = data.valid == nil ? data.validFraction : 0
      guard contract >= .two, valid + data.testFraction > 0 else { return nil }
      return try HeldOut(valid, test: data.testFraction)
    }
  }

  /// How the tokenizer is learnt from the training text.
  package var learning: Tokenizer.Learning {
    var learning = data.learning
    learning.rules = TextRules(contract)
    return learning
  }

  /// What to read or make for a task that reads no text.
  package var sequenceRequest: SequenceRequest {
    let options = data.task
    var request = SequenceRequest(
      task: taskDescription, rows: batch.sequences, window: batch.window, seed: run.seed,
      labelColumn: options.label)
    request.contract = contract
    request.train = data.train
    request.valid = data.valid
    request.validFraction = data.validFraction
    (request.test, request.testFraction) = (data.test, data.testFraction)
    request.split = data.split.rule
    request.format = options.format
    request.hasHeader = options.header
    request.decimal = options.decimal
    request.remark = options.comment
    request.missing = options.missing
    request.missingWords = options.missingValues
    request.columns = options.columns
    request.normalizes = options.normalize
    request.sequenceColumn = options.sequence
    request.targetColumns = options.targets
    request.ignoredLabel = data.tokens.ignoredLabel
    request.horizon = options.horizon
    request.stride = options.stride
    request.season = options.season
    request.knownColumns = options.known ?? []
    request.staticColumns = options.statics ?? []
    request.calendarColumns = options.calendar ?? []
    request.categoryColumns = options.categories ?? []
    request.categorySize = options.categorySize
    request.seriesForm = options.series
    request.scale = options.scale
    request.origin = options.relative
    request.validSequences = options.validSequences
    if taskDescription.hasTokenizer {
      var text = TextRequest(learning: learning)
      text.column = data.tokens.text
      text.documents = data.tokens.documents
      // The output layer's gradient reads all states of a row once more.
      if model.tieWeights { text.mostDocuments = 1 }
      (text.words, text.tags) = (data.tokens.words, data.tokens.tags)
      text.ignoredLabel = data.tokens.ignoredLabel
      (text.item, text.time) = (data.tokens.item, data.tokens.time)
      text.truncation = data.tokens.truncate
      request.text = text
    }
    request.classWeights = output.classWeights
    request.width = options.width
    return request
  }

  /// The model's shape for data that are no text.
  package func shape(for data: SequenceData) -> ModelShape {
    var shape = shape(
      outputs: data.outputs, features: data.features,
      inputTokens: data.tokenizer?.vocabularySize ?? data.frame?.categories?.rowCount,
      categorySize: data.frame?.categories?.size)
    shape.regularization.classWeights = data.classWeights
    return shape
  }
}
