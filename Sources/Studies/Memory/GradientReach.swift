import Configuration
import Batches
import Engine
import GRUCore
import Kernels
import Tasks

/// How much of a loss's gradient reaches the hidden vectors of earlier steps.
struct GradientReach {
  /// The root mean square over sequences of ‖∂L/∂h‖, L the loss of one sequence, at 0, 1, 2, ...
  /// steps before the answer; h is the hidden vectors of all layers.
  let norms: [Double]

  /// Measures on one batch from the initial state. In the copy task only the answer counts, so that
  /// what arrives before it has come all the way back.
  init(_ replica: Replica, batches: TaskBatches, task: TaskName) {
    let shape = replica.shape
    let window = replica.window
    let plan = ShardPlan(
      sequences: replica.plan.sequences, shards: replica.plan.shards, ranks: 1, threads: 1)
    let worker = SequenceWorker(
      shape: shape, table: replica.table, kernels: replica.kernels, window: window, plan: plan,
      worker: 0)
    batches.fill(worker.buffers, batch: 0)
    let generated = task.description.generated
    let answer = generated?.stepsBeforeAnswer(window: window) ?? window
    if let generated, generated.targets(window: window) == window {
      for row in 0..<answer * plan.sequences { unsafe worker.targets[row] = -1 }
    }
    let squares = UnsafeMutablePointer<Double>.allocate(capacity: shape.layerCount * window)
    unsafe squares.initialize(repeating: 0, count: shape.layerCount * window)
    defer { unsafe squares.deallocate() }
    unsafe worker.stateGradientSquares = squares
    let arena = AlignedBuffer(count: worker.partialSumCount * replica.table.elementCount)
    let nodes = unsafe (0..<worker.partialSumCount).map {
      unsafe arena.pointer + $0 * replica.table.elementCount
    }
    unsafe nodes.withUnsafeBufferPointer {
      guard let start = $0.baseAddress else { return }
      unsafe worker.computeGradients(
        parameters: replica.parameters.pointer, weights: replica.weights, partialSums: start)
    }
    norms = (0..<answer).map { back in
      let sum = (0..<shape.layerCount).reduce(0.0) {
        unsafe $0 + squares[$1 * window + answer - 1 - back]
      }
      return (sum / Double(plan.sequences)).squareRoot()
    }
    withExtendedLifetime(arena) {}
  }

  /// At the farthest step, as a part of that at the answer.
  var remaining: Double {
    guard let first = norms.first, let last = norms.last, first > 0 else { return 0 }
    return last / first
  }

  /// Steps back at which less than a thousandth is left; nil where more reaches the first step.
  var reach: Int? {
    guard let first = norms.first else { return nil }
    return norms.firstIndex { $0 < first / 1000 }
  }
}
