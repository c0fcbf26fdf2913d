import Kernels

/// The exchange for any number of ranks and nodes: every rank sends each owner its nodes of the
/// owner's part, and the owner folds all nodes by the tree, piece by piece.
struct DirectSchedule {
  /// A node of another rank, which arrives in a buffer of its own.
  struct Incoming {
    let peer: Int
    /// The node's place among the nodes of all ranks.
    let node: Int
  }

  /// In the order of starting: nearest lower rank first.
  let incoming: [Incoming]
  /// The ranks to send to: nearest higher rank first.
  let peers: [Int]
  /// The places of this rank's nodes among the nodes of all ranks.
  let ownNodes: Range<Int>
  let fold: TreeFold
  let pieceElements: Int
  /// The number of pieces of the longest part.
  let pieceCount: Int
  /// Pieces of each node under way at a time.
  let depth = 2

  /// For every node of all ranks, where its current piece lies. Written in each step, allocated
  /// here: a class so that it is freed with the last copy of the schedule.
  let sources: PointerTable

  init(
    rank: Int, nodes: [[Range<Int>]], shards: Int, ranges: [Range<Int>], pieceElements: Int
  ) {
    let ranks = nodes.count
    var firstNodes = [0]
    for rankNodes in nodes { firstNodes.append(firstNodes[firstNodes.count - 1] + rankNodes.count) }
    let own = firstNodes[rank]..<firstNodes[rank + 1]
    ownNodes = own
    peers = (1..<ranks).map { (rank + $0) % ranks }
    incoming = (1..<ranks).flatMap { distance -> [Incoming] in
      let peer = (rank + ranks - distance) % ranks
      return (firstNodes[peer]..<firstNodes[peer + 1]).map { Incoming(peer: peer, node: $0) }
    }
    var fold = TreeFold(sources: nodes.flatMap { $0 }, targets: [0..<shards], total: shards)
    fold.deliverResult(to: own.lowerBound)
    self.fold = fold
    sources = PointerTable(count: fold.sourceCount)
    // Many ranks need many buffers at a time: shorter pieces keep them within about 16 MB. The
    // number of all nodes is the same on every rank, so that all agree on the size.
    let longest = ranges.map(\.count).max() ?? 0
    let budget = max(canonicalBlock, (4 << 20) / (depth * fold.sourceCount))
    self.pieceElements = min(pieceElements, budget, max(1, longest))
    pieceCount = Pieces.count(of: longest, self.pieceElements)
  }

  var bufferElements: Int { depth * incoming.count * pieceElements }
  var sendsInFlight: Int { depth * peers.count * ownNodes.count }
  var receivesInFlight: Int { depth * incoming.count }

  /// Where in the buffers piece `index` of incoming node `number` goes.
  func place(_ index: Int, _ number: Int) -> Int {
    (index % depth * incoming.count + number) * pieceElements
  }
}

/// A fixed number of array addresses.
final class PointerTable {
  let pointers: UnsafeMutablePointer<UnsafeMutablePointer<Float>>

  init(count: Int) {
    pointers = .allocate(capacity: max(1, count))
  }

  deinit { pointers.deallocate() }
}

extension GradientExchange {
  func reduceScatter(
    _ nodes: UnsafePointer<UnsafeMutablePointer<Float>>, by direct: DirectSchedule
  ) throws(CollectiveError) {
    var started = 0
    for index in 0..<direct.pieceCount {
      while started < min(direct.pieceCount, index + direct.depth) {
        try start(started, nodes, direct)
        started += 1
      }
      try finish(index, nodes, direct)
    }
  }

  /// Starts all transfers of piece `index` of every part.
  private func start(
    _ index: Int, _ nodes: UnsafePointer<UnsafeMutablePointer<Float>>, _ direct: DirectSchedule
  ) throws(CollectiveError) {
    let own = Pieces.piece(index, of: ownedRange, direct.pieceElements)
    for (number, node) in direct.incoming.enumerated() {
      let place = direct.place(index, number)
      try startReceive(pieces.pointer, place..<place + own.count, from: node.peer)
    }
    for peer in direct.peers {
      let part = Pieces.piece(index, of: ranges[peer], direct.pieceElements)
      for node in 0..<nodeCount { try startSend(nodes[node], part, to: peer) }
    }
  }

  /// Finishes all transfers of piece `index` and folds this rank's.
  private func finish(
    _ index: Int, _ nodes: UnsafePointer<UnsafeMutablePointer<Float>>, _ direct: DirectSchedule
  ) throws(CollectiveError) {
    let own = Pieces.piece(index, of: ownedRange, direct.pieceElements)
    if !own.isEmpty {
      for (number, node) in direct.incoming.enumerated() {
        try receives.finishOldest(on: communicator)
        direct.sources.pointers[node.node] = pieces.pointer + direct.place(index, number)
      }
      for node in 0..<nodeCount {
        direct.sources.pointers[direct.ownNodes.lowerBound + node] = nodes[node] + own.lowerBound
      }
      direct.fold.run(direct.sources.pointers, offset: 0, count: own.count, kernels: kernels)
    }
    for peer in direct.peers {
      let part = Pieces.piece(index, of: ranges[peer], direct.pieceElements)
      guard !part.isEmpty else { continue }
      for _ in 0..<nodeCount { try sends.finishOldest(on: communicator) }
    }
  }

  /// Every rank sends its part to every other.
  func allGatherDirectly(_ arena: UnsafeMutablePointer<Float>) throws(CollectiveError) {
    let world = ranges.count
    for distance in 1..<world {
      let sender = (rank + world - distance) % world
      try startReceive(arena, ranges[sender], from: sender)
    }
    for distance in 1..<world {
      try startSend(arena, ownedRange, to: (rank + distance) % world)
    }
    try receives.finishAll(on: communicator)
    try sends.finishAll(on: communicator)
  }
}
