import Collectives
import GRUCore
import Kernels

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

  /// Checks the batch of `step` (counted from 1), from zero hidden state.
  func table(step: Int) -> GradientTable {
    let batch = slice(step: step)
    let gradient = fastGradient(of: batch, step: step)
    let reference = ReferenceModel(shape: replica.shape, table: replica.table)
    var parameters = (0..<replica.table.elementCount).map {
      Double(replica.parameters.pointer[$0])
    }
    let state = [Double](
      repeating: 0, count: replica.shape.layerCount * batch.sequences * replica.shape.hiddenSize)
    func loss() -> Double {
      reference.loss(
        parameters: parameters, inputs: batch.inputs, targets: batch.targets,
        window: batch.window, sequences: batch.sequences, state: state, trainingStep: step)
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
    return GradientTable(rows: rows, sequences: batch.sequences, window: batch.window)
  }

  private struct Slice {
    var inputs: [Int32] = []
    var targets: [Int32] = []
    var sequences: Int
    var window: Int
  }

  /// The first sequences and time steps of the batch, time-major.
  private func slice(step: Int) -> Slice {
    let worker = replica.workers[0]
    source.fill(worker, step: step)
    let width = worker.sequences.count
    var slice = Slice(
      sequences: min(sequences, width), window: min(window, replica.window))
    for t in 0..<slice.window {
      for b in 0..<slice.sequences {
        slice.inputs.append(worker.inputs[t * width + b])
        slice.targets.append(worker.targets[t * width + b])
      }
    }
    return slice
  }

  /// The gradient arena that a worker of its own computes for the slice.
  private func fastGradient(of slice: Slice, step: Int) -> [Float] {
    let plan = ShardPlan(sequences: slice.sequences, shards: 1, ranks: 1, threads: 1)
    let worker = SequenceWorker(
      shape: replica.shape, table: replica.table, kernels: replica.kernels, window: slice.window,
      plan: plan, worker: 0)
    worker.resetState()
    worker.step = UInt32(truncatingIfNeeded: step)
    for index in slice.inputs.indices {
      worker.inputs[index] = slice.inputs[index]
      worker.targets[index] = slice.targets[index]
    }
    let arena = AlignedBuffer(count: replica.table.elementCount)
    if replica.dropsRecurrentWeights { replica.dropRecurrentWeights(step: step) }
    withUnsafePointer(to: arena.pointer) { nodes in
      worker.computeGradients(
        parameters: replica.parameters.pointer, weights: replica.weights, nodes: nodes)
    }
    if replica.dropsRecurrentWeights {
      replica.weights.dropRecurrentGradient(
        arena.pointer, range: 0..<replica.table.elementCount,
        step: UInt32(truncatingIfNeeded: step))
      replica.repack()
    }
    let values = Array(
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
