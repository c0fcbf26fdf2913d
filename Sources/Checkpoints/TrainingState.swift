package import Corpora
package import NumericContract
package import Records

/// Where a run stands, apart from its tensors: the content of `state.json`.
package struct TrainingState: Sendable, Equatable {
  /// The rules that the state was computed by, and that go on from it.
  package var contractVersion: ContractVersion
  /// Steps done.
  package var step: Int
  /// Passes over the training text completed.
  package var epoch: Int
  /// Tokens trained on since the start, over all sequences.
  package var tokens: Int
  /// The lowest validation loss so far, in nats per token; nil before the first validation.
  package var bestValidationLoss: Double?
  /// The step of `bestValidationLoss`.
  package var bestValidationStep: Int?
  /// The validation loss of the best of those steps that have a checkpoint, and that step.
  package var bestCheckpointLoss: Double?
  package var bestCheckpointStep: Int?
  /// The measure by which that is the best; nil for the loss.
  package var bestMeasure: String?
  /// The best value of that measure so far, and its step.
  package var bestValue: Double?
  package var bestValueStep: Int?
  /// The value of the best step that has a checkpoint.
  package var bestCheckpointValue: Double?
  /// The step of the last validation.
  package var validatedStep: Int?
  /// Steps that made no update because a value was not finite; nil means none.
  package var skippedSteps: Int?
  /// What later steps must know of the validations; nil where nothing depends on them.
  package var validation: ValidationMemory?
  /// Steps whose parameters are in the running mean that was saved; nil where there is none.
  package var averagedSteps: Int?
  /// The effective config.
  package var config: OrderedJSON
  /// `TokenCorpus.fingerprint` of the training text.
  package var corpusFingerprint: String
  /// The same of the validation text; nil where it is a part of the training text.
  package var validationFingerprint: String?
  package var tokenizer: Tokenizer
  /// The token that text begins after where nothing is given; nil for a line end.
  package var startToken: Int?
  /// What a task other than a language model must know of its data; nil where there is none.
  package var dataset: OrderedJSON?
  /// What the run has started from, and what it took of it; nil for random numbers.
  package var startedFrom: OrderedJSON?
  /// Passes over files after the last step of the run proper, the one under way included.
  package var filePasses: [FilePass] = []
  package var model: ModelDescription
  /// The name of the optimiser whose moments were saved.
  package var optimizer: String
  /// The 128-bit hash of all parameters, in hexadecimal digits.
  package var fingerprint: String

  package init(
    contractVersion: ContractVersion = .newest, step: Int, epoch: Int, tokens: Int,
    bestValidationLoss: Double? = nil, bestValidationStep: Int? = nil, config: OrderedJSON,
    corpusFingerprint: String, validationFingerprint: String? = nil, tokenizer: Tokenizer,
    model: ModelDescription, optimizer: String, fingerprint: String
  ) {
    self.contractVersion = contractVersion
    self.step = step
    self.epoch = epoch
    self.tokens = tokens
    self.bestValidationLoss = bestValidationLoss
    self.bestValidationStep = bestValidationStep
    self.config = config
    self.corpusFingerprint = corpusFingerprint
    self.validationFingerprint = validationFingerprint
    self.tokenizer = tokenizer
    self.model = model
    self.optimizer = optimizer
    self.fingerprint = fingerprint
  }

  /// Throws unless the values can be those of a run.
  ///
  /// - Parameter path: the checkpoint's, for the error.
  package func checkPlausible(path: String) throws(CheckpointError) {
    func damaged(_ reason: String) -> CheckpointError {
      .damaged(path: path + "/" + Checkpoint.stateFile, reason: reason)
    }
    let steps = [
      bestValidationStep, bestCheckpointStep, bestValueStep, validatedStep, averagedSteps,
    ]
    guard (0...Self.mostSteps).contains(step), epoch >= 0, tokens >= 0,
      steps.allSatisfy({ (0...step).contains($0 ?? 0) }),
      (0...Self.mostSteps).contains(skippedSteps ?? 0)
    else {
      throw damaged(
        "its steps, epochs or tokens are impossible: step \(step), epoch \(epoch), "
          + "\(tokens) tokens")
    }
    let arePassesPlausible = filePasses.indices.allSatisfy { index in
      filePasses[index].isPlausible(
        after: index > 0 ? filePasses[index - 1] : nil, mostSteps: Self.mostSteps, targets: tokens)
    }
    guard arePassesPlausible, (filePasses.last?.firstStep ?? 0) <= step else {
      throw damaged("its passes over files are impossible")
    }
    guard validation?.isPlausible != false else {
      throw damaged("its numbers of validations are impossible")
    }
    let sizes = [
      model.vocabularySize, model.embeddingSize, model.hiddenSize, model.layerCount,
    ]
    guard sizes.allSatisfy({ (1...ModelDescription.largestSize).contains($0) }) else {
      throw damaged(
        "its model has impossible sizes: vocabulary \(sizes[0]), embedding \(sizes[1]), hidden "
          + "\(sizes[2]), layers \(sizes[3])")
    }
    guard startToken.map({ (0..<model.vocabularySize).contains($0) }) ?? true else {
      throw damaged("its token to begin with is not in its vocabulary")
    }
  }

  /// The name of the measure by which a model is the best.
  package var measureName: String { bestMeasure ?? "loss" }

  /// Steps of a run: names of checkpoints have 8 digits.
  private static let mostSteps = 99_999_999
}

extension TrainingState {
  /// The content of `state.json`; what is nil is left out.
  package var json: OrderedJSON {
    var members: [OrderedJSON.Member] = [
      .init("contract_version", .integer(contractVersion.rawValue)), .init("step", .integer(step)),
      .init("epoch", .integer(epoch)), .init("tokens", .integer(tokens)),
      .init("config", config.withWholeNumbersAsIntegers),
      .init("corpus_fingerprint", .string(corpusFingerprint)),
      .init("tokenizer", tokenizer.json), .init("model", model.json),
      .init("optimizer", .string(optimizer)), .init("fingerprint", .string(fingerprint)),
    ]
    func add(_ name: String, _ value: OrderedJSON?) {
      if let value { members.append(.init(name, value)) }
    }
    add("best_validation_loss", bestValidationLoss.map { .number($0) })
    add("best_validation_step", bestValidationStep.map { .integer($0) })
    add("best_checkpoint_loss", bestCheckpointLoss.map { .number($0) })
    add("best_checkpoint_step", bestCheckpointStep.map { .integer($0) })
    add("best_by", bestMeasure.map { .string($0) })
    add("best_value", bestValue.map { .number($0) })
    add("best_value_step", bestValueStep.map { .integer($0) })
    add("best_checkpoint_value", bestCheckpointValue.map { .number($0) })
    add("validated_step", validatedStep.map { .integer($0) })
    add("skipped_steps", skippedSteps.map { .integer($0) })
    add("validation", validation?.json)
    add("averaged_steps", averagedSteps.map { .integer($0) })
    add("validation_fingerprint", validationFingerprint.map { .string($0) })
    add("start_token", startToken.map { .integer($0) })
    add("dataset", dataset?.withWholeNumbersAsIntegers)
    add("started_from", startedFrom?.withWholeNumbersAsIntegers)
    add("file_passes", filePasses.isEmpty ? nil : .array(filePasses.map(\.json)))
    return .object(members)
  }

  /// Reads the text of `state.json`.
  ///
  /// - Throws: `CheckpointError.damaged`.
  package init(text: [UInt8], path: String) throws(CheckpointError) {
    self = try CheckpointJSON.decode(text, path: path) { fields throws(JSONFieldError) in
      try TrainingState(json: fields)
    }
  }

  private init(json fields: JSONFields) throws(JSONFieldError) {
    let number = try fields.integer("contract_version")
    guard let version = ContractVersion(rawValue: number) else {
      throw fields.error(
        "contract_version",
        "is \(number), and this program knows versions \(ContractVersion.known) of the numeric "
          + "contract; use the program that wrote it, or a newer one")
    }
    self.init(
      contractVersion: version, step: try fields.integer("step"),
      epoch: try fields.integer("epoch"), tokens: try fields.integer("tokens"),
      bestValidationLoss: try fields.number(ifPresent: "best_validation_loss"),
      bestValidationStep: try fields.integer(ifPresent: "best_validation_step"),
      config: try fields.value("config"),
      corpusFingerprint: try fields.string("corpus_fingerprint"),
      validationFingerprint: try fields.string(ifPresent: "validation_fingerprint"),
      tokenizer: try Tokenizer(json: try fields.object("tokenizer")),
      model: try ModelDescription(json: try fields.object("model")),
      optimizer: try fields.string("optimizer"), fingerprint: try fields.string("fingerprint"))
    bestCheckpointLoss = try fields.number(ifPresent: "best_checkpoint_loss")
    bestCheckpointStep = try fields.integer(ifPresent: "best_checkpoint_step")
    bestMeasure = try fields.string(ifPresent: "best_by")
    bestValue = try fields.number(ifPresent: "best_value")
    bestValueStep = try fields.integer(ifPresent: "best_value_step")
    bestCheckpointValue = try fields.number(ifPresent: "best_checkpoint_value")
    validatedStep = try fields.integer(ifPresent: "validated_step")
    skippedSteps = try fields.integer(ifPresent: "skipped_steps")
    if fields.value(ifPresent: "validation") != nil {
      validation = try ValidationMemory(json: try fields.object("validation"))
    }
    averagedSteps = try fields.integer(ifPresent: "averaged_steps")
    startToken = try fields.integer(ifPresent: "start_token")
    dataset = fields.value(ifPresent: "dataset")
    startedFrom = fields.value(ifPresent: "started_from")
    if fields.value(ifPresent: "file_passes") != nil {
      filePasses = try fields.array("file_passes", of: "passes over files") {
        try? FilePass(json: JSONFields($0))
      }
    }
  }
}

/// The architecture that a checkpoint's tensors belong to.
package struct ModelDescription: Sendable, Equatable, CustomStringConvertible {
  /// The recurrence, such as "gruResetBefore", by the name the core gives it.
  package var cell: String
  package var vocabularySize: Int
  package var embeddingSize: Int
  /// Real values that stand after the embedding; 0 unless a model reads both.
  package var valuesBesideTokens: Int
  package var hiddenSize: Int
  package var layerCount: Int

  /// Tokens and classes are numbered in 32 bits.
  fileprivate static let largestSize = Int(Int32.max)

  package init(
    cell: String, vocabularySize: Int, embeddingSize: Int, valuesBesideTokens: Int = 0,
    hiddenSize: Int, layerCount: Int
  ) {
    self.cell = cell
    self.vocabularySize = vocabularySize
    self.embeddingSize = embeddingSize
    self.valuesBesideTokens = valuesBesideTokens
    self.hiddenSize = hiddenSize
    self.layerCount = layerCount
  }

  /// Real values that go in, at least 1; beside tokens, or instead of them.
  package func valueSize(besideTokens: Bool) -> Int {
    max(1, besideTokens ? valuesBesideTokens : embeddingSize)
  }

  package var description: String {
    "\(cell), vocabulary \(vocabularySize), embedding \(embeddingSize), hidden \(hiddenSize), "
      + "layers \(layerCount)"
  }

  fileprivate var json: OrderedJSON {
    let sizes: OrderedJSON = [
      "cell": .string(cell), "vocabulary_size": .integer(vocabularySize),
      "embedding_size": .integer(embeddingSize), "hidden_size": .integer(hiddenSize),
      "layers": .integer(layerCount),
    ]
    return valuesBesideTokens == 0
      ? sizes : sizes.merging(["values_beside_tokens": .integer(valuesBesideTokens)])
  }

  fileprivate init(json fields: JSONFields) throws(JSONFieldError) {
    self.init(
      cell: try fields.string("cell"), vocabularySize: try fields.integer("vocabulary_size"),
      embeddingSize: try fields.integer("embedding_size"),
      valuesBesideTokens: try fields.integer(ifPresent: "values_beside_tokens") ?? 0,
      hiddenSize: try fields.integer("hidden_size"), layerCount: try fields.integer("layers"))
  }
}
