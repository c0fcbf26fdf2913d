import Kernels

/// The exchange for any number of ranks and nodes: every rank sends each owner its nodes of the
/// owner's part, and the owner folds all nodes by the tree, chunk by chunk.
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
  let chunkElements: Int
  /// The number of chunks of the longest part of each bucket.
  let chunkCounts: [Int]
  /// Chunks of each node under way at a time.
  let depth = 2

  /// For every node of all ranks, where its current chunk lies. Written in each step, allocated
  /// here: a class so that it is freed with the last copy of the schedule.
  let sources: PointerTable

  init(
    rank: Int, nodes: [[Range<Int>]], shards: Int, ownership: Ownership, chunkElements: Int
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
    // Many ranks need many buffers at a time: shorter chunks keep them within about 16 MB. The
    // number of all nodes is the same on every rank, so that all agree on the size.
    let longest = ownership.buckets.indices.map { bucket in
      ownership.parts.map { $0[bucket].count }.max() ?? 0
    }
    let budget = max(canonicalBlock, (4 << 20) / (depth * fold.sourceCount))
    let size = min(chunkElements, budget, max(1, longest.max() ?? 0))
    self.chunkElements = size
    chunkCounts = longest.map { Chunks.count(of: $0, size) }
  }

  var bufferElements: Int { depth * incoming.count * chunkElements }
  /// The sends of one chunk.
  var sendsOfChunk: Int { peers.count * ownNodes.count }
  var sendsInFlight: Int { depth * sendsOfChunk }
  var receivesInFlight: Int { depth * incoming.count }

  /// Where in the buffers the message of incoming node `number` goes, in turn `turn`.
  func place(_ turn: Int, _ number: Int) -> Int {
    (turn % depth * incoming.count + number) * chunkElements
  }
}

/// A fixed number of array addresses.
@safe final class PointerTable {
  let pointers: UnsafeMutablePointer<UnsafeMutablePointer<Float>>

  init(count: Int) {
    unsafe pointers = .allocate(capacity: max(1, count))
  }

  deinit { unsafe pointers.deallocate() }
}

extension GradientExchange {
  func advanceReduction(_ direct: DirectSchedule) throws(CollectiveError) -> Bool {
    guard let nodes = unsafe reduction.partialSums else { return false }
    let queue = unsafe reduction.queues
    unsafe queue.pointee.arrived = reduction.added
    var isMoved = try unsafe sumChunks(nodes, direct, queue)
    if try unsafe queue.pointee.sends.finishReady(on: communicator) { isMoved = true }
    if try unsafe startChunks(nodes, direct, queue) { isMoved = true }
    return isMoved
  }

  /// Starts what may be under way.
  private func startChunks(
    _ nodes: UnsafePointer<UnsafeMutablePointer<Float>>, _ direct: DirectSchedule,
    _ queue: UnsafeMutablePointer<StageQueue>
  ) throws(CollectiveError) -> Bool {
    var isMoved = false
    while unsafe queue.pointee.started < queue.pointee.arrived {
      let bucket = unsafe reduction.order[queue.pointee.started]
      while unsafe queue.pointee.sendsStarted < direct.chunkCounts[bucket] {
        guard unsafe queue.pointee.startedTurn - queue.pointee.finishedTurn < direct.depth,
          unsafe queue.pointee.sends.count + direct.sendsOfChunk <= direct.sendsInFlight
        else { return isMoved }
        try unsafe start(queue.pointee.sendsStarted, of: bucket, nodes, direct, queue)
        unsafe queue.pointee.sendsStarted += 1
        unsafe queue.pointee.startedTurn += 1
        isMoved = true
      }
      unsafe queue.pointee.sendsStarted = 0
      unsafe queue.pointee.started += 1
      isMoved = true
    }
    return isMoved
  }

  /// Starts all transfers of chunk `index` of every part of a bucket.
  private func start(
    _ index: Int, of bucket: Int, _ nodes: UnsafePointer<UnsafeMutablePointer<Float>>,
    _ direct: DirectSchedule, _ queue: UnsafeMutablePointer<StageQueue>
  ) throws(CollectiveError) {
    let size = direct.chunkElements
    let nodes = unsafe reduction.partialSums(of: bucket, nodes)
    func chunk(ofRank rank: Int) -> Range<Int> {
      Chunks.chunk(
        index, of: reduction.places(of: ownership.parts[rank][bucket], in: bucket), size)
    }
    let own = chunk(ofRank: rank)
    for number in direct.incoming.indices {
      let place = unsafe direct.place(queue.pointee.startedTurn, number)
      try unsafe startReceive(
        chunks.pointer, place..<place + own.count, from: direct.incoming[number].peer, queue)
    }
    for peer in direct.peers {
      let part = chunk(ofRank: peer)
      for node in 0..<nodeCount { try unsafe startSend(nodes[node], part, to: peer, queue) }
    }
  }

  /// Folds the own chunks of which all nodes have come.
  private func sumChunks(
    _ nodes: UnsafePointer<UnsafeMutablePointer<Float>>, _ direct: DirectSchedule,
    _ queue: UnsafeMutablePointer<StageQueue>
  ) throws(CollectiveError) -> Bool {
    var isMoved = false
    while unsafe queue.pointee.finished < queue.pointee.arrived {
      let bucket = unsafe reduction.order[queue.pointee.finished]
      if unsafe queue.pointee.chunksFinished == direct.chunkCounts[bucket] {
        unsafe queue.pointee.chunksFinished = 0
        unsafe queue.pointee.finished += 1
        isMoved = true
        continue
      }
      guard unsafe queue.pointee.finishedTurn < queue.pointee.startedTurn else { break }
      let own = unsafe Chunks.chunk(
        queue.pointee.chunksFinished,
        of: reduction.places(of: ownership.parts[rank][bucket], in: bucket),
        direct.chunkElements)
      if !own.isEmpty {
        while unsafe queue.pointee.receivesFinished < direct.incoming.count {
          guard try unsafe queue.pointee.receives.finishOldestIfReady(on: communicator) else {
            return isMoved
          }
          unsafe queue.pointee.receivesFinished += 1
          isMoved = true
        }
        unsafe queue.pointee.receivesFinished = 0
        unsafe sum(
          own, reduction.partialSums(of: bucket, nodes), direct, turn: queue.pointee.finishedTurn)
      }
      unsafe queue.pointee.chunksFinished += 1
      unsafe queue.pointee.finishedTurn += 1
      isMoved = true
    }
    return isMoved
  }

  private func sum(
    _ own: Range<Int>, _ nodes: UnsafePointer<UnsafeMutablePointer<Float>>,
    _ direct: DirectSchedule, turn: Int
  ) {
    if let compression {
      for (number, node) in direct.incoming.enumerated() {
        unsafe compression.setWords(
          ofGroup: node.node, chunks.pointer + direct.place(turn, number))
      }
      // Two elements took the place of one.
      guard let arena = unsafe reduction.partialSums?[0] else { return }
      unsafe compression.sum(2 * own.lowerBound..<2 * own.upperBound, into: arena)
      return
    }
    for (number, node) in direct.incoming.enumerated() {
      unsafe direct.sources.pointers[node.node] = unsafe chunks.pointer + direct.place(turn, number)
    }
    for node in 0..<nodeCount {
      unsafe direct.sources.pointers[direct.ownNodes.lowerBound + node] =
        unsafe nodes[node] + own.lowerBound
    }
    unsafe direct.fold.run(direct.sources.pointers, offset: 0, count: own.count, kernels: kernels)
  }

  /// Every rank sends its part to every other.
  func advanceGathering(_ direct: DirectSchedule) throws(CollectiveError) -> Bool {
    guard let whole = unsafe gathering.arena else { return false }
    let queue = unsafe gathering.queues
    let world = ownership.parts.count
    var isMoved = false
    unsafe queue.pointee.arrived = gathering.added
    while unsafe queue.pointee.started < queue.pointee.arrived {
      let bucket = unsafe gathering.order[queue.pointee.started]
      let arena = unsafe gathering.arena(of: bucket, whole)
      for distance in 1..<world {
        let sender = (rank + world - distance) % world
        try unsafe startReceive(arena, shared(bucket, by: sender), from: sender, queue)
      }
      for distance in 1..<world {
        let receiver = (rank + distance) % world
        try unsafe startSend(arena, shared(bucket, by: rank), to: receiver, queue)
      }
      unsafe queue.pointee.started += 1
      isMoved = true
    }
    while unsafe queue.pointee.finished < queue.pointee.started {
      // Of the oldest bucket, as many as there are other ranks that own some of it.
      let distance = unsafe queue.pointee.receivesFinished + 1
      if distance == world {
        unsafe queue.pointee.receivesFinished = 0
        unsafe queue.pointee.finished += 1
        isMoved = true
        continue
      }
      let sender = (rank + world - distance) % world
      if unsafe !shared(gathering.order[queue.pointee.finished], by: sender).isEmpty {
        guard try unsafe queue.pointee.receives.finishOldestIfReady(on: communicator) else { break }
      }
      unsafe queue.pointee.receivesFinished += 1
      isMoved = true
    }
    if try unsafe queue.pointee.sends.finishReady(on: communicator) { isMoved = true }
    return isMoved
  }

  /// What a rank brings to the gathering of a bucket.
  private func shared(_ bucket: Int, by owner: Int) -> Range<Int> {
    gathering.places(of: ownership.parts[owner][bucket], in: bucket)
  }
}
