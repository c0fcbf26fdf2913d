/// What a thread does, as timelines and profiles tell it apart.
@usableFromInline package enum SpanKind: UInt8, CaseIterable, Sendable {
  // At one moment a thread does one of these.
  case other, jobWait, threadWait, helperWait, kernelWait
  case data, inputProducts, recurrentProducts, gates, outputProducts, softmax, weightGradients
  case operandPacking, dropout, embedding, fold, norm, optimizer, weightPacking, rowPacking
  case rounding, hash, messageStart, messages, gradientWait, parameterWait, rowWait, decisionWait
  case checkpoint, validation, groups
  // Around those: what they are parts of.
  case step, forward, backward
  // Beside them: what goes on meanwhile.
  case gradientExchange, parameterExchange, checkpointWriting

  /// What a timeline calls it; of `forward` and `backward` the layer or stage says more.
  package var name: String {
    switch self {
    case .other: "other"
    case .jobWait: "waits for a job"
    case .threadWait: "waits for threads"
    case .helperWait: "waits for helpers"
    case .kernelWait: "waits for a kernel"
    case .data: "batch"
    case .inputProducts: "input products"
    case .recurrentProducts: "recurrent products"
    case .gates: "gates"
    case .outputProducts: "output products"
    case .softmax: "softmax"
    case .weightGradients: "weight gradients"
    case .operandPacking: "operand packing"
    case .dropout: "dropout"
    case .embedding: "embedding"
    case .fold: "sum over threads"
    case .norm: "norm"
    case .optimizer: "update"
    case .weightPacking: "weight packing"
    case .rowPacking: "row packing"
    case .rounding: "rounding"
    case .hash: "parameter hash"
    case .messageStart: "starts messages"
    case .messages: "moves messages"
    case .gradientWait: "waits for gradients"
    case .parameterWait: "waits for parameters"
    case .rowWait: "waits for rows"
    case .decisionWait: "waits for losses and norm"
    case .checkpoint: "checkpoint"
    case .validation: "validation"
    case .groups: "trains groups"
    case .step: "step"
    case .forward: "forward"
    case .backward: "backward"
    case .gradientExchange: "gradients under way"
    case .parameterExchange: "parameters under way"
    case .checkpointWriting: "checkpoint to disk"
    }
  }

  /// The sort of work, by which viewers filter.
  package var category: String {
    switch self {
    case .inputProducts, .recurrentProducts, .outputProducts, .weightGradients: "product"
    case .gates, .softmax, .dropout, .embedding: "elementwise"
    case .jobWait, .threadWait, .helperWait, .kernelWait: "wait, threads"
    case .gradientWait, .parameterWait, .rowWait, .decisionWait: "wait, ranks"
    case .messageStart, .messages, .gradientExchange, .parameterExchange: "exchange"
    case .operandPacking, .weightPacking, .rowPacking, .rounding: "packing"
    case .fold, .norm, .optimizer, .hash: "update"
    case .data: "data"
    case .checkpoint, .checkpointWriting: "checkpoint"
    case .validation: "validation"
    case .step, .forward, .backward, .groups: "step"
    case .other: "other"
    }
  }

  /// The part of a step that a profile counts it to.
  package var phase: StepPhase {
    switch self {
    case .data: .data
    case .inputProducts: .inputProducts
    case .recurrentProducts: .recurrentProducts
    case .gates: .gates
    case .outputProducts: .outputProducts
    case .softmax: .softmax
    case .weightGradients: .weightGradients
    case .operandPacking: .operandPacking
    case .dropout: .dropout
    case .embedding: .embedding
    case .fold: .fold
    case .norm: .norm
    case .optimizer: .optimizer
    case .weightPacking: .weightPacking
    case .messageStart, .messages, .gradientWait, .parameterWait, .rowWait, .decisionWait,
      .rowPacking, .rounding:
      .exchange
    case .jobWait, .threadWait, .helperWait, .kernelWait: .threadWait
    default: .other
    }
  }
}

/// The parts of a training step that a profile tells apart, with their names.
package enum StepPhase: String, CaseIterable, Sendable {
  case data
  case inputProducts = "input products"
  case recurrentProducts = "recurrent products"
  case gates
  case outputProducts = "output products"
  case softmax
  case weightGradients = "weight gradients"
  case operandPacking = "operand packing"
  case dropout, embedding, fold, norm, optimizer
  case weightPacking = "weight packing"
  case exchange
  case threadWait = "waiting for threads"
  case other
}
