import Foundation
import GRUCore
import Kernels

/// What the workers of one plan computed for the windows of a `RandomProblem`, put together.
struct WorkerRun {
  /// Sum of nats by window and shard.
  var losses: [[Double]] = []
  /// Counted targets by window and shard.
  var tokens: [[Int]] = []
  /// The gradient arena by window: the canonical sum over all shards.
  var gradients: [[Float]] = []
  /// State after the last window, [S, L, B, H].
  var state: [Float] = []

  /// Runs every worker of `plan`, made for windows that are `spare` steps longer, one after
  /// another, as ranks and threads would side by side. Where weights are packed in turn, the plan's
  /// only worker has its first gradients in their place.
  init(
    _ problem: RandomProblem, plan: ShardPlan, instructionSet: InstructionSet,
    precision: Precision = .fp32, spare: Int = 0, helpersCome: Bool = true,
    use: MemoryUse = .apart
  ) {
    let kernels = Kernels(instructionSet, precision: precision, leastShared: 0)
    let parameters = Arena(problem.parameters)
    let weights = PackedWeights(
      shape: problem.shape, table: problem.table, kernels: kernels, use: use)
    for part in 0..<plan.threads {
      weights.repack(from: parameters.pointer, part: part, of: plan.threads)
    }
    let workers = (0..<plan.workers).map { index in
      SequenceWorker(
        shape: problem.shape, table: problem.table, kernels: kernels,
        window: problem.window + spare, plan: plan, worker: index, use: use)
    }
    for worker in workers { worker.setWindow(problem.window) }
    for worker in workers { worker.load(problem) }
    if problem.startsAfresh { for worker in workers { worker.resetState() } }
    for window in problem.inputs.indices {
      Self.prepare(weights, parameters, step: UInt32(window + 1), parts: plan.threads)
      var nodes: [Range<Int>: [Float]] = [:]
      losses.append([])
      tokens.append([])
      for worker in workers {
        worker.load(problem, window: window)
        let ranges = CanonicalTree.maximalNodes(of: worker.shards, in: plan.shards)
        precondition(
          worker.partialSumCount == ranges.count, "\(worker.partialSumCount) nodes for \(ranges)")
        // A worker overwrites: what was in the arenas before must not matter.
        let arenas = ranges.map { _ in Arena(problem.stale) }
        let shared = weights.gradients.map { [$0] } ?? []
        let pointers = shared + arenas.dropFirst(shared.count).map(\.pointer)
        pointers.withUnsafeBufferPointer { sums in
          worker.withHelpers(kernels, come: helpersCome) {
            worker.computeGradients(
              parameters: parameters.pointer, weights: weights, partialSums: sums.baseAddress!)
          }
        }
        if let first = shared.first {
          arenas[0].pointer.update(from: first, count: problem.table.elementCount)
          // What they replaced.
          first.update(repeating: .nan, count: problem.table.elementCount)
          weights.repack(from: parameters.pointer, part: 0, of: 1)
        }
        for (range, arena) in zip(ranges, arenas) { nodes[range] = arena.values }
        losses[window] += (0..<worker.shards.count).map { worker.shardLosses[$0] }
        tokens[window] += (0..<worker.shards.count).map { worker.shardTokens[$0] }
      }
      let sum = Arena(Self.sum(nodes, 0, plan.shards))
      // In two parts, as ranks that own them would.
      let middle = problem.table.elementCount / 32 * 16
      for range in [0..<middle, middle..<problem.table.elementCount] {
        weights.dropRecurrentGradient(sum.pointer, range: range, step: UInt32(window + 1))
      }
      gradients.append(sum.values)
    }
    state = workers.state(of: problem)
  }

  /// Drops weights and draws outputs, where a step does, in parts as threads would.
  private static func prepare(
    _ weights: PackedWeights, _ parameters: Arena, step: UInt32, parts: Int
  ) {
    for part in 0..<parts {
      weights.dropRecurrentWeights(of: parameters.pointer, step: step, part: part, of: parts)
    }
    for part in 0..<parts { weights.repackDropped(part: part, of: parts) }
    weights.drawOutputs(step: step)
    for part in 0..<parts {
      weights.gatherOutputs(from: parameters.pointer, part: part, of: parts)
    }
    for part in 0..<parts { weights.packOutputs(part: part, of: parts) }
  }

  /// The gradient's bits by window, for comparison without tolerance.
  var gradientBits: [[UInt32]] { gradients.map { $0.map(\.bitPattern) } }

  private static func sum(_ nodes: [Range<Int>: [Float]], _ lo: Int, _ hi: Int) -> [Float] {
    if let node = nodes[lo..<hi] { return node }
    let middle = CanonicalTree.middle(lo, hi)
    return zip(sum(nodes, lo, middle), sum(nodes, middle, hi)).map { $0 + $1 }
  }
}

extension SequenceWorker {
  /// Calls `body` while the helpers that its plan gives it share its kernels, if they come.
  func withHelpers(_ kernels: Kernels, come: Bool = true, _ body: () -> Void) {
    nonisolated(unsafe) let crew = crew
    let helpers = come ? 1..<crew.memberCount : 1..<1
    let gone = DispatchSemaphore(value: 0)
    for member in helpers {
      Thread {
        crew.serve(member: member, kernels)
        gone.signal()
      }.start()
    }
    crew.open()
    body()
    crew.close()
    for _ in helpers { gone.wait() }
  }

  /// Writes the initial state of this worker's sequences.
  func load(_ problem: RandomProblem) {
    let hidden = problem.shape.hiddenSize
    for vector in 0..<problem.shape.carriedVectorCount {
      for sequence in sequences {
        let start = (vector * problem.sequences + sequence) * hidden
        writeState(
          vector: vector, sequence: sequence, from: Array(problem.state[start..<start + hidden]))
      }
    }
  }

  /// Writes the tokens of one window, as of the step after as many, that belong to this worker's
  /// sequences.
  func load(_ problem: RandomProblem, window: Int) {
    step = UInt32(window + 1)
    for t in 0..<problem.window {
      for (column, sequence) in sequences.enumerated() {
        let row = t * problem.sequences + sequence
        inputs[t * sequences.count + column] = problem.inputs[window][row]
        targets[t * sequences.count + column] = problem.targets[window][row]
      }
    }
  }
}

extension [SequenceWorker] {
  /// The state of all sequences, [S, L, B, H].
  func state(of problem: RandomProblem) -> [Float] {
    var row = [Float](repeating: 0, count: problem.shape.hiddenSize)
    return (0..<problem.shape.carriedVectorCount).flatMap { vector in
      flatMap { worker in
        worker.sequences.flatMap { sequence in
          worker.readState(vector: vector, sequence: sequence, into: &row)
          return row
        }
      }
    }
  }
}

/// The only worker of a plan, which evaluates windows of a `RandomProblem` one after another.
struct OneWorker {
  let parameters: Arena
  let weights: PackedWeights
  let worker: SequenceWorker

  init(_ problem: RandomProblem, plan: ShardPlan) {
    let kernels = Kernels(InstructionSet.available.last!)
    parameters = Arena(problem.parameters)
    weights = PackedWeights(shape: problem.shape, table: problem.table, kernels: kernels)
    weights.repack(from: parameters.pointer, part: 0, of: 1)
    worker = SequenceWorker(
      shape: problem.shape, table: problem.table, kernels: kernels, window: problem.window,
      plan: plan, worker: 0)
    worker.load(problem)
  }

  func evaluate(_ problem: RandomProblem, window: Int) {
    worker.load(problem, window: window)
    worker.evaluate(parameters: parameters.pointer, weights: weights)
  }
}

/// An aligned arena that lives as long as this object.
final class Arena {
  private let buffer: AlignedBuffer

  init(_ values: [Float]) {
    buffer = AlignedBuffer(count: values.count)
    buffer.pointer.update(from: values, count: values.count)
  }

  var pointer: UnsafeMutablePointer<Float> { buffer.pointer }
  var values: [Float] { Array(UnsafeBufferPointer(start: buffer.pointer, count: buffer.count)) }
}
