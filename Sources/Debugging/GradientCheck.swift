import Collectives
import Engine
import GRUCore
import Kernels
import ReferenceModels

/// Compares the gradients of the fast path with central differences of the double-precision
/// reference model, on a slice of a batch that is small enough for the reference.
struct GradientCheck {
  let replica: Replica
  let source: BatchSource
  let seed: Int
  /// Sizes of the slice, and the elements tried of each tensor.
  private let sequences = 2
  private let window = 8
  private let samples = 3

  init(replica: Replica, source: BatchSource, seed: Int) {
    self.replica = replica
    self.source = source
    self.seed = seed
  }

  /// Checks the batch of `step` (counted from 1), from the initial state.
  func table(step: Int) -> GradientTable {
    let batch = slice(step: step)
    let gradient = fastGradient(of: batch, step: step)
    let reference = ReferenceModel(shape: replica.shape, table: replica.table)
    var parameters = (0..<replica.table.elementCount).map {
      unsafe Double(replica.parameters.pointer[$0])
    }
    let state = [Double](
      repeating: 0, count: replica.shape.stateCount(sequences: batch.sequences))
    func loss() -> Double {
      reference.loss(parameters: parameters, window: batch, state: state)
    }
    var rows: [GradientTable.Row] = []
    for parameter in replica.table.parameters {
      let values = gradient[parameter.range]
      let squares = values.reduce(0.0) { $0 + Double($1) * Double($1) }
      let scale = (squares / Double(parameter.count)).squareRoot()
      for element in elements(of: parameter, gradient: Array(values)) {
        let index = parameter.offset + element
        let value = parameters[index]
        // Small enough for the curvature, large enough for the rounding of a loss of some tens.
        let step = 1e-5 * max(1, abs(value))
        parameters[index] = value + step
        let above = loss()
        parameters[index] = value - step
        let below = loss()
        parameters[index] = value
        rows.append(
          GradientTable.Row(
            tensor: parameter.name, place: parameter.place(of: element),
            computed: Double(gradient[index]), difference: (above - below) / (2 * step),
            tensorScale: scale,
            tolerance: GradientTable.tolerance(of: replica.kernels.precision)))
      }
    }
    return GradientTable(rows: rows, sequences: batch.sequences, window: batch.steps)
  }

  /// The first sequences and time steps of the batch, time-major.
  private func slice(step: Int) -> ReferenceModel.Window {
    let worker = replica.workers[0]
    source.fill(worker, step: step)
    var slice = worker.slice(
      sequences: min(sequences, worker.sequences.count), steps: min(window, worker.window))
    slice.trainingStep = step
    slice.startsAfresh = true
    return slice
  }

  /// The gradient arena that a worker of its own computes for the slice.
  private func fastGradient(of slice: ReferenceModel.Window, step: Int) -> [Float] {
    let plan = ShardPlan(sequences: slice.sequences, shards: 1, ranks: 1, threads: 1)
    let worker = SequenceWorker(
      shape: replica.shape, table: replica.table, kernels: replica.kernels, window: slice.steps,
      plan: plan, worker: 0, slots: min(replica.slots, slice.steps))
    worker.resetState()
    worker.step = UInt32(truncatingIfNeeded: step)
    worker.load(slice)
    let arena = AlignedBuffer(count: replica.table.elementCount)
    if replica.dropsRecurrentWeights { replica.dropRecurrentWeights(step: step) }
    if replica.drawsOutputs { replica.drawOutputs(batch: step) }
    unsafe withUnsafePointer(to: arena.pointer) { nodes in
      unsafe worker.computeGradients(
        parameters: replica.parameters.pointer, weights: replica.weights, partialSums: nodes)
    }
    if replica.dropsRecurrentWeights {
      unsafe replica.weights.dropRecurrentGradient(
        arena.pointer, range: 0..<replica.table.elementCount,
        step: UInt32(truncatingIfNeeded: step))
      replica.repack()
    }
    let values = unsafe Array(
      UnsafeBufferPointer(start: arena.pointer, count: replica.table.elementCount))
    withExtendedLifetime(arena) {}
    return values
  }

  /// The element with the steepest slope, and random ones among those that have any.
  private func elements(of parameter: Parameter, gradient: [Float]) -> [Int] {
    let sloping = gradient.indices.filter { gradient[$0] != 0 }
    guard let steepest = sloping.max(by: { abs(gradient[$0]) < abs(gradient[$1]) }) else {
      return [0]
    }
    let generator = Philox(seed: UInt64(seed), purpose: .gradientCheck)
    let words = generator.block(
      step: 0, stream: 0, layer: 0, element: UInt32(truncatingIfNeeded: parameter.offset))
    let others = (0..<samples - 1).map { sloping[Int(words[$0]) % sloping.count] }
    return [steepest] + others.filter { $0 != steepest }
  }
}
