import Collectives
import GRUCore
import Kernels

/// Has one rank compute again what another rank's worker computed in the same step, and compares
/// gradients and losses bit for bit.
///
/// A random shard, counted and not drawn, decides which worker; a worker's gradients are sums over
/// its run of shards, so that all of that run is computed again. It costs the checking rank as much
/// as one worker's part of a step, and for its duration that worker's memory.
final class GradientRecomputation {
  /// Who checks whom.
  struct Task: Equatable {
    var worker: Int
    var shards: Range<Int>
    /// The rank of the worker, and its place there.
    var owner: Int
    var place: Int
    var checker: Int
  }

  private let replica: Replica
  private let communicator: any Communicator
  private let source: BatchSource
  private let random: Philox

  init(replica: Replica, communicator: any Communicator, source: BatchSource, seed: Int) {
    self.replica = replica
    self.communicator = communicator
    self.source = source
    random = Philox(
      seed: UInt64(truncatingIfNeeded: seed), purpose: Philox.Purpose.recomputation)
  }

  /// The task of a step, the same on every rank. A single rank checks itself.
  func task(step: Int) -> Task {
    let plan = replica.plan
    let words = random.block(
      step: UInt32(truncatingIfNeeded: step), stream: 0, layer: 0, element: 0)
    let shard = Int(words[0]) % plan.shards
    let worker =
      (0..<plan.workers).first { plan.shards(ofWorker: $0).contains(shard) } ?? 0
    let owner = worker / plan.workersPerRank
    let others = plan.ranks - 1
    let distance = others == 0 ? 0 : 1 + Int(words[1]) % others
    return Task(
      worker: worker, shards: plan.shards(ofWorker: worker), owner: owner,
      place: worker % plan.workersPerRank, checker: (owner + distance) % plan.ranks)
  }

  /// Carries out a task; every rank may call it, before the gradients are folded.
  ///
  /// - Parameters:
  ///   - sums: the partial sums that the worker computed; used on the owner.
  ///   - state: state vectors from before the step, [S, L, B, H]; this rank's own are in place.
  /// - Returns: whether this rank computed something else.
  func finds(
    _ task: Task, step: Int, sums: UnsafePointer<UnsafeMutablePointer<Float>>,
    state: UnsafeMutablePointer<Float>
  ) throws(CollectiveError) -> Bool {
    let isOwner = communicator.rank == task.owner
    let isChecker = communicator.rank == task.checker
    guard isOwner || isChecker else { return false }
    var result: [UInt64] = []
    if isOwner { result = unsafe digest(of: replica.workers[task.place], sums: sums) }
    if task.owner != task.checker {
      if isOwner { return try unsafe tell(result, state: state, task) }
      result = try unsafe hear(state: state, task)
    }
    return unsafe recompute(task, step: step, state: state) != result
  }

  /// Hashes of every block of the partial sums, and the bits of the shards' losses.
  private func digest(
    of worker: SequenceWorker, sums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) -> [UInt64] {
    let count = replica.table.elementCount
    let words = 2 * ((count + canonicalBlock - 1) / canonicalBlock)
    var digest = [UInt64](repeating: 0, count: words * worker.partialSumCount)
    unsafe digest.withUnsafeMutableBufferPointer { digest in
      guard let start = digest.baseAddress else { return }
      for node in 0..<worker.partialSumCount {
        unsafe replica.kernels.hashBlocks(sums[node], count: count, into: start + node * words)
      }
    }
    return digest + (0..<worker.shards.count).map { unsafe worker.shardLosses[$0].bitPattern }
  }

  private func recompute(
    _ task: Task, step: Int, state: UnsafeMutablePointer<Float>
  ) -> [UInt64] {
    let count = replica.table.elementCount
    let worker = SequenceWorker(
      shape: replica.shape, table: replica.table, kernels: replica.kernels,
      window: replica.window, plan: replica.plan, worker: task.worker, slots: replica.slots)
    worker.reach = replica.workers[0].reach
    let arenas = AlignedBuffer(count: worker.partialSumCount * count)
    let sums = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(
      capacity: worker.partialSumCount)
    defer { unsafe sums.deallocate() }
    for node in 0..<worker.partialSumCount {
      unsafe (sums + node).initialize(to: arenas.pointer + node * count)
    }
    if !source.startsEpoch(atStep: step) { unsafe replica.writeState(of: worker, from: state) }
    source.fill(worker, step: step)
    unsafe worker.computeGradients(
      parameters: replica.parameters.pointer, weights: replica.weights, partialSums: sums)
    let digest = unsafe digest(of: worker, sums: sums)
    withExtendedLifetime(arenas) {}
    return digest
  }

  // MARK: - Between the two

  private func tell(
    _ result: [UInt64], state: UnsafeMutablePointer<Float>, _ task: Task
  ) throws(CollectiveError) -> Bool {
    for vector in 0..<replica.shape.carriedVectorCount {
      try unsafe communicator.send(
        UnsafeRawBufferPointer(slice(of: task, vector: vector, in: state)), to: task.checker)
    }
    try unsafe result.withUnsafeBufferPointer { values throws(CollectiveError) in
      try unsafe communicator.send(UnsafeRawBufferPointer(values), to: task.checker)
    }
    return false
  }

  private func hear(
    state: UnsafeMutablePointer<Float>, _ task: Task
  ) throws(CollectiveError) -> [UInt64] {
    for vector in 0..<replica.shape.carriedVectorCount {
      try unsafe communicator.receive(slice(of: task, vector: vector, in: state), from: task.owner)
    }
    let blocks = (replica.table.elementCount + canonicalBlock - 1) / canonicalBlock
    let nodes = replica.plan.nodes(of: task.shards).count
    var result = [UInt64](repeating: 0, count: 2 * blocks * nodes + task.shards.count)
    try unsafe result.withUnsafeMutableBufferPointer { values throws(CollectiveError) in
      try unsafe communicator.receive(
        UnsafeMutableRawBufferPointer(values), from: task.owner)
    }
    return result
  }

  /// The run of [S, L, B, H] that holds one vector of the worker's sequences.
  private func slice(
    of task: Task, vector: Int, in state: UnsafeMutablePointer<Float>
  ) -> UnsafeMutableRawBufferPointer {
    let sequences = replica.plan.sequences(of: task.shards)
    let hidden = replica.shape.hiddenSize
    let start = unsafe state + (vector * replica.plan.sequences + sequences.lowerBound) * hidden
    return unsafe UnsafeMutableRawBufferPointer(
      UnsafeMutableBufferPointer(start: start, count: sequences.count * hidden))
  }
}
