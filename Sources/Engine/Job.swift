import Kernels

/// What all threads of a rank do at the same time, each its share, with all that it depends on.
enum Job {
  case idle
  /// Fills the inputs and targets of a batch.
  case fill(StepBatch)
  /// Computes the forward pass of a layer.
  case forward(layer: Int)
  /// Computes a stage of the backward pass.
  case stage(Int)
  /// Adds up the partial sums that the threads have of what a stage has completed.
  case fold(stage: Int)
  /// Adds a batch's gradients to those of the step's batches before it.
  case accumulate(StepBatch)
  /// Sums the squares of the owned gradients, without those of recurrent weights that the step
  /// `droppedBy` has dropped; nil for none.
  case sumSquares(droppedBy: UInt32?)
  /// Hashes the parameters.
  case hash
  /// Updates the owned parameters that a layer is the first to read.
  case update(layer: Int, ShardedOptimizer.Scalars)
  /// Exchanges the owned parameters with their mean.
  case swapAverage
  /// Packs the weights of a layer.
  case pack(layer: Int)
  /// Packs the weights of a layer for its backward pass.
  case turn(layer: Int)
  /// Drops recurrent weights from the packed ones, and packs what is left.
  case dropRecurrentWeights(step: UInt32)
  case packDroppedWeights
  /// Draws the outputs of a sampled softmax, collects their weights, and packs them.
  case drawOutputs(step: UInt32)
  case gatherOutputs
  case packOutputs
  /// Copies the rows of the embedding that are exchanged to where they lie for it, and back.
  case packGradientRows
  case unpackGradientRows
  case packParameterRows
  case unpackParameterRows
  /// Rounds the gradients that a stage has completed.
  case roundGradients(stage: Int, isFirst: Bool)
  /// Rounds the changes of the owned parameters that a layer is the first to read.
  case roundChanges(layer: Int)
  /// Adds the rounded changes to the parameters that a layer is the first to read.
  case addChanges(layer: Int)
}

/// What a timeline says of a job.
extension Job {
  /// What a thread does first; workers say themselves how they go on.
  @inline(__always) var kind: SpanKind {
    switch self {
    case .idle, .forward, .stage: .other
    case .fill: .data
    case .fold, .accumulate: .fold
    case .sumSquares: .norm
    case .hash: .hash
    case .update, .swapAverage: .optimizer
    case .roundGradients, .roundChanges, .addChanges: .rounding
    case .packGradientRows, .unpackGradientRows, .packParameterRows, .unpackParameterRows:
      .rowPacking
    default: .weightPacking
    }
  }

  /// What a thread does several things for, and which layer or stage that is of.
  @inline(__always) var section: (kind: SpanKind, detail: Int) {
    switch self {
    case .forward(let layer): (.forward, layer)
    case .stage(let stage): (.backward, stage)
    default: (.other, 0)
    }
  }
}
