import Cells
package import Configuration
package import GRUCore
package import Kernels
import Records

extension Config {
  /// The model's shape once the vocabulary is known, with the full softmax of whoever does not
  /// train.
  package func shape(vocabularySize: Int) -> ModelShape {
    var shape = model.shape(vocabularySize: vocabularySize, seed: run.seed)
    shape.regularization.labelSmoothing = output.labelSmoothing
    return shape
  }

  /// What steps of training draw of the output layer; nil where they train on all of it.
  ///
  /// - Parameter popularity: how often each output is a target of training, which is counted where
  ///   outputs are drawn; nothing where nobody trains.
  package func sampledSoftmax(popularity: @autoclosure () -> [Int]) -> SampledSoftmax? {
    output.sampled.map {
      SampledSoftmax(
        draws: $0, power: output.sampledPower, popularity: popularity(), seed: UInt64(run.seed))
    }
  }

  /// The model's shape for `outputs` columns of the output layer; a task with real inputs has
  /// `features` of them, and one that reads tokens too, or categories with embeddings of
  /// `categorySize`, has them beside these. Of `inputTokens` kinds are the tokens of a task that
  /// reads such and says something else.
  package func shape(
    outputs: Int, features: Int?, inputTokens: Int? = nil, categorySize: Int? = nil
  ) -> ModelShape {
    var shape = shape(vocabularySize: outputs)
    let task = taskDescription
    let readsOthers = task.categories > 0 || task.readsTokens && !task.predictsInputTokens
    shape.task = task.shape(inputVocabularySize: readsOthers ? inputTokens ?? 1 : nil)
    if task.categories > 0 { shape.embeddingSize = categorySize ?? 1 }
    guard let features else { return shape }
    if shape.task.readsTokens {
      shape.valuesBesideTokens = features
    } else {
      shape.embeddingSize = features
    }
    return shape
  }
}

extension ModelConfig {
  /// The model's shape once the vocabulary is known.
  package func shape(vocabularySize: Int, seed: Int = 0) -> ModelShape {
    guard let cell = Cell(cell: cell.rawValue, reset: reset.rawValue) else {
      preconditionFailure("no cell \(cell.rawValue) of the form \(reset.rawValue)")
    }
    var shape = ModelShape(
      cell: cell, vocabularySize: vocabularySize, embeddingSize: embedding, hiddenSize: hidden,
      layerCount: layers)
    shape.isBidirectional = bidirectional
    shape.tiesWeights = tieWeights
    if !adaptiveSoftmax.isEmpty {
      shape.adaptiveSoftmax = AdaptiveSoftmax(cutoffs: adaptiveSoftmax, factor: adaptiveFactor)
    }
    shape.normalizesGates = layerNorm
    shape.learnsInitialState = learnedInitialState
    shape.initialUpdateBias = Float(initialUpdateBias)
    shape.regularization.dropout = dropout
    shape.regularization.isLocked = dropoutKind == .locked
    shape.regularization.embeddingDropout = embeddingDropout
    shape.regularization.recurrentDropout = recurrentDropout
    shape.regularization.seed = UInt64(seed)
    return shape
  }
}

extension ModelConfig.Precision {
  /// The numbers that kernels multiply.
  package var kernels: Precision {
    switch self {
    case .fp32: .fp32
    case .bf16: .bf16
    }
  }
}

extension InstructionSet {
  /// As `select`, with an error that counts as bad usage.
  package static func selected(_ name: String) throws -> InstructionSet {
    do { return try select(name) } catch { throw UsageError("--isa or GRU_DIST_ISA: \(error)") }
  }
}

extension Kernels {
  /// The kernels of a named instruction set, with an error that counts as bad usage.
  package static func selected(_ name: String, _ precision: Precision) throws -> Kernels {
    Kernels(try InstructionSet.selected(name), precision: precision)
  }
}
