package import Collectives
package import Kernels

/// Times the gradient exchange beside `MPI_Allreduce`, on the same buffers and in turn.
///
/// Both end with every rank holding the sum of all: ours by a reduce-scatter in the canonical order
/// and an all-gather, MPI's in whatever order it prefers.
package struct ExchangeBenchmark {
  /// Bytes of each buffer to exchange.
  package var sizes: [Int] = stride(from: 12, through: 26, by: 2).map { 1 << $0 }
  /// Shards of the batch, at least the number of ranks; nil takes one a rank, so that each brings
  /// one buffer, as for `MPI_Allreduce`.
  package var shards: Int?
  /// How long to measure each size, about.
  package var seconds = 1.0

  package init() {}

  /// What was measured at one size.
  package struct Row: Sendable {
    package var bytes: Int
    /// Exchanges of each kind.
    package var repetitions: Int
    /// Of the slowest rank, the median of all exchanges.
    package var seconds: Double
    package var mpiSeconds: Double
    /// How many times as long as ours `MPI_Allreduce` takes: the median over pairs of one of each.
    package var ratio: Double
  }

  /// Every rank calls it.
  ///
  /// - Returns: the rows, the same on every rank.
  /// - Throws: also where a sum is not what it should be.
  package func run(
    on communicator: MPICommunicator, kernels: Kernels
  ) throws(CollectiveError) -> [Row] {
    var rows: [Row] = []
    for size in sizes {
      rows.append(try measure(max(1, size / 4), on: communicator, kernels))
    }
    return rows
  }

  private func measure(
    _ count: Int, on communicator: MPICommunicator, _ kernels: Kernels
  ) throws(CollectiveError) -> Row {
    let ranks = communicator.worldSize
    let shards = max(ranks, shards ?? ranks)
    let plan = ShardPlan(sequences: shards, shards: shards, ranks: ranks, threads: 1)
    let exchange = GradientExchange(
      communicator: communicator, kernels: kernels, elementCount: count, plan: plan)
    let room = AlignedBuffer(count: count * exchange.nodeCount)
    let nodes = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(
      capacity: exchange.nodeCount)
    defer { unsafe nodes.deallocate() }
    for node in 0..<exchange.nodeCount {
      unsafe (nodes + node).initialize(to: room.pointer + node * count)
    }
    let buffer = unsafe UnsafeMutableBufferPointer(start: room.pointer, count: count)
    let clock = ContinuousClock()

    /// Seconds of one exchange, on the slowest rank.
    func time(_ body: () throws(CollectiveError) -> Void) throws(CollectiveError) -> Double {
      // Small numbers, whose sums are exact in any order.
      unsafe room.pointer.update(repeating: 1, count: room.count)
      try communicator.barrier()
      let started = clock.now
      try body()
      let (seconds, attoseconds) = (clock.now - started).components
      return try slowest(Double(seconds) + Double(attoseconds) * 1e-18, communicator)
    }
    func own() throws(CollectiveError) {
      try unsafe exchange.reduceScatter(partialSums: nodes)
      try unsafe exchange.allGather(nodes[0])
    }
    func mpi() throws(CollectiveError) { try unsafe communicator.allReduceSum(buffer) }

    // Connections, buffers and caches first; then as many as fit into the time.
    var first = try time(own)
    try unsafe require(buffer, nodeSum(plan), "own exchange", communicator)
    first += try time(mpi)
    try unsafe require(buffer, Float(ranks), "MPI_Allreduce", communicator)
    for _ in 0..<2 { first = min(first, try time(own) + time(mpi)) }
    let repetitions = max(5, min(1000, Int(seconds / max(first, 1e-6))))
    var pairs: [(own: Double, mpi: Double)] = []
    for repetition in 0..<repetitions {
      if repetition.isMultiple(of: 2) {
        let seconds = try time(own)
        pairs.append((seconds, try time(mpi)))
      } else {
        let seconds = try time(mpi)
        pairs.append((try time(own), seconds))
      }
    }
    return Row(
      bytes: 4 * count, repetitions: repetitions, seconds: Self.median(pairs.map(\.own)),
      mpiSeconds: Self.median(pairs.map(\.mpi)),
      ratio: Self.median(pairs.map { $0.mpi / $0.own }))
  }

  /// The sum of all nodes of all ranks, when every element is 1.
  private func nodeSum(_ plan: ShardPlan) -> Float {
    (0..<plan.ranks).reduce(0) { sum, rank in
      sum
        + Float(
          CanonicalTree.maximalNodes(of: plan.shards(ofRank: rank), in: plan.shards).count)
    }
  }

  private func require(
    _ buffer: UnsafeMutableBufferPointer<Float>, _ expected: Float, _ operation: String,
    _ communicator: MPICommunicator
  ) throws(CollectiveError) {
    guard let wrong = unsafe buffer.firstIndex(where: { $0 != expected }) else { return }
    throw CollectiveError(
      operation: operation, rank: communicator.rank,
      reason: unsafe "element \(wrong): expected \(expected), found \(buffer[wrong])")
  }

  private func slowest(
    _ seconds: Double, _ communicator: MPICommunicator
  ) throws(CollectiveError) -> Double {
    try communicator.allGather([seconds]).joined().max() ?? seconds
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted[sorted.count / 2]
  }
}
