package import Corpora

/// The version of the numeric contract that this program computes by. A change of any bit of a
/// trajectory is a new version; only checkpoints of the same version can be continued.
package let numericContractVersion = 1

/// Where a run stands, apart from its tensors: the content of `state.json`.
package struct TrainingState: Sendable, Equatable, Codable {
  package var contractVersion: Int
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
  /// The lowest validation loss of a step that has a checkpoint, and that step.
  package var bestCheckpointLoss: Double?
  package var bestCheckpointStep: Int?
  /// The step of the last validation.
  package var validatedStep: Int?
  /// Steps that made no update because a value was not finite; nil means none.
  package var skippedSteps: Int?
  /// What later steps must know of the validations; nil where nothing depends on them.
  package var validation: ValidationMemory?
  /// Steps whose parameters are in the running mean that was saved; nil where there is none.
  package var averagedSteps: Int?
  /// The effective config.
  package var config: JSONValue
  /// `TokenCorpus.fingerprint` of the training text.
  package var corpusFingerprint: String
  /// The same of the validation text; nil where it is a part of the training text.
  package var validationFingerprint: String?
  package var tokenizer: Tokenizer
  /// What a task other than a language model must know of its data; nil where there is none.
  package var dataset: JSONValue?
  package var model: ModelDescription
  /// The name of the optimiser whose moments were saved.
  package var optimizer: String
  /// The 128-bit hash of all parameters, in hexadecimal digits.
  package var fingerprint: String

  package init(
    contractVersion: Int = numericContractVersion, step: Int, epoch: Int, tokens: Int,
    bestValidationLoss: Double? = nil, bestValidationStep: Int? = nil, config: JSONValue,
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
    let counts = [epoch, tokens, bestValidationStep ?? 0, bestCheckpointStep ?? 0]
    // Nothing that is computed from a step of that size overflows.
    guard (0...1 << 40).contains(step), counts.allSatisfy({ $0 >= 0 }), (skippedSteps ?? 0) >= 0,
      (averagedSteps ?? 0) >= 0, (averagedSteps ?? 0) <= step,

      validation?.isPlausible != false,
      (bestValidationStep ?? 0) <= step, (bestCheckpointStep ?? 0) <= step,
      (validatedStep ?? 0) <= step
    else {
      throw .damaged(
        path: path + "/" + Checkpoint.stateFile,
        reason: "its steps, epochs or tokens are impossible: step \(step), epoch \(epoch), "
          + "\(tokens) tokens")
    }
  }

  private enum CodingKeys: String, CodingKey {
    case step, epoch, tokens, validation, dataset, config, tokenizer, model, optimizer, fingerprint
    case contractVersion = "contract_version"
    case bestValidationLoss = "best_validation_loss"
    case bestValidationStep = "best_validation_step"
    case bestCheckpointLoss = "best_checkpoint_loss"
    case bestCheckpointStep = "best_checkpoint_step"
    case validatedStep = "validated_step"
    case skippedSteps = "skipped_steps"
    case averagedSteps = "averaged_steps"
    case corpusFingerprint = "corpus_fingerprint"
    case validationFingerprint = "validation_fingerprint"
  }
}

/// The architecture that a checkpoint's tensors belong to.
package struct ModelDescription: Sendable, Equatable, Codable {
  /// The recurrence, such as "gruResetBefore", by the name the core gives it.
  package var cell: String
  package var vocabularySize: Int
  package var embeddingSize: Int
  package var hiddenSize: Int
  package var layerCount: Int

  package init(
    cell: String, vocabularySize: Int, embeddingSize: Int, hiddenSize: Int, layerCount: Int
  ) {
    self.cell = cell
    self.vocabularySize = vocabularySize
    self.embeddingSize = embeddingSize
    self.hiddenSize = hiddenSize
    self.layerCount = layerCount
  }

  private enum CodingKeys: String, CodingKey {
    case cell
    case vocabularySize = "vocabulary_size"
    case embeddingSize = "embedding_size"
    case hiddenSize = "hidden_size"
    case layerCount = "layers"
  }
}
