import Kernels

/// Vector halving with distance doubling, and its mirror for the gathering.
///
/// In round d a rank meets the one whose number differs in bit d. Each keeps one half of what it
/// still had and sends the other, so that after log2 P rounds it owns one part of P. The parts of a
/// round are neighbours in the canonical tree: rounds climb it level by level.
struct HalvingSchedule {
  /// The rank met in each round.
  let peers: [Int]
  /// The elements that this rank still works on after a round, and those that the peer does, by
  /// round and bucket.
  let kept: [[Range<Int>]]
  let given: [[Range<Int>]]
  let chunkElements: Int
  /// Chunks of a round under way at a time, in each direction.
  let depth = 8

  /// Whether ranks that bring `nodes` can meet this way: each round must make nodes of the tree.
  static func fits(nodes: [[Range<Int>]], shards: Int) -> Bool {
    let ranks = nodes.count
    guard ranks.nonzeroBitCount == 1, nodes.allSatisfy({ $0.count == 1 }) else { return false }
    var level = nodes.map { $0[0] }
    while level.count > 1 {
      var above: [Range<Int>] = []
      for pair in stride(from: 0, to: level.count, by: 2) {
        let left = level[pair]
        let right = level[pair + 1]
        let middle = CanonicalTree.middle(left.lowerBound, right.upperBound)
        guard left.upperBound == middle, right.lowerBound == middle else { return false }
        above.append(left.lowerBound..<right.upperBound)
      }
      level = above
    }
    return level[0] == 0..<shards
  }

  init(rank: Int, ranks: Int, buckets: [Range<Int>], chunkElements: Int) {
    var peers: [Int] = []
    var kept: [[Range<Int>]] = []
    var given: [[Range<Int>]] = []
    var parts = 0..<ranks
    var distance = 1
    while distance < ranks {
      let middle = parts.lowerBound + parts.count / 2
      let lower = parts.lowerBound..<middle
      let upper = middle..<parts.upperBound
      let keepsLower = rank & distance == 0
      parts = keepsLower ? lower : upper
      let other = keepsLower ? upper : lower
      peers.append(rank ^ distance)
      kept.append(buckets.map { BlockCut.parts(parts, of: ranks, in: $0) })
      given.append(buckets.map { BlockCut.parts(other, of: ranks, in: $0) })
      distance *= 2
    }
    self.peers = peers
    self.kept = kept
    self.given = given
    // Not this rank's own longest part: both sides of a meeting must cut alike.
    self.chunkElements = min(chunkElements, max(1, buckets.map(\.count).max() ?? 0))
  }

  /// The part that is left to a rank after the last round: its number with the bits reversed.
  static func partNumber(ofRank rank: Int, of ranks: Int) -> Int {
    var part = 0
    var bit = 1
    while bit < ranks {
      part = part * 2 + (rank & bit == 0 ? 0 : 1)
      bit *= 2
    }
    return part
  }

  var bufferElements: Int { peers.count * depth * chunkElements }

  /// Where in the buffers the message with number `turn` of a round goes.
  func place(_ turn: Int, round: Int) -> Int { (round * depth + turn % depth) * chunkElements }
}

extension GradientExchange {
  func advanceReduction(_ halving: HalvingSchedule) throws(CollectiveError) -> Bool {
    guard let nodes = unsafe reduction.partialSums else { return false }
    var isMoved = false
    for round in halving.peers.indices {
      let queue = unsafe reduction.queues + round
      unsafe queue.pointee.arrived =
        unsafe round == 0 ? reduction.added : (queue - 1).pointee.finished
      if try unsafe receiveChunks(halving, round, nodes, queue) { isMoved = true }
      if try unsafe queue.pointee.sends.finishReady(on: communicator) { isMoved = true }
      if try unsafe startChunks(halving, round, nodes, queue) { isMoved = true }
    }
    return isMoved
  }

  /// Starts what may be under way of a round.
  private func startChunks(
    _ halving: HalvingSchedule, _ round: Int,
    _ nodes: UnsafePointer<UnsafeMutablePointer<Float>>,
    _ queue: UnsafeMutablePointer<StageQueue>
  ) throws(CollectiveError) -> Bool {
    let size = halving.chunkElements
    var isMoved = false
    while unsafe queue.pointee.started < queue.pointee.arrived {
      let bucket = unsafe reduction.order[queue.pointee.started]
      let arena = unsafe reduction.partialSums(of: bucket, nodes)[0]
      let kept = reduction.places(of: halving.kept[round][bucket], in: bucket)
      let given = reduction.places(of: halving.given[round][bucket], in: bucket)
      let receives = Chunks.count(of: kept.count, size)
      let sends = Chunks.count(of: given.count, size)
      while unsafe queue.pointee.receivesStarted < receives,
        unsafe queue.pointee.receives.count < halving.depth
      {
        let chunk = unsafe Chunks.chunk(queue.pointee.receivesStarted, of: kept, size)
        let place = unsafe halving.place(queue.pointee.startedTurn, round: round)
        try unsafe startReceive(
          chunks.pointer, place..<place + chunk.count, from: halving.peers[round], queue)
        unsafe queue.pointee.receivesStarted += 1
        unsafe queue.pointee.startedTurn += 1
        isMoved = true
      }
      while unsafe queue.pointee.sendsStarted < sends,
        unsafe queue.pointee.sends.count < halving.depth
      {
        let chunk = unsafe Chunks.chunk(queue.pointee.sendsStarted, of: given, size)
        try unsafe startSend(arena, chunk, to: halving.peers[round], queue)
        unsafe queue.pointee.sendsStarted += 1
        isMoved = true
      }
      guard unsafe queue.pointee.receivesStarted == receives,
        unsafe queue.pointee.sendsStarted == sends
      else {
        break
      }
      unsafe queue.pointee.receivesStarted = 0
      unsafe queue.pointee.sendsStarted = 0
      unsafe queue.pointee.started += 1
      isMoved = true
    }
    return isMoved
  }

  /// Adds the chunks of a round that have come.
  private func receiveChunks(
    _ halving: HalvingSchedule, _ round: Int,
    _ nodes: UnsafePointer<UnsafeMutablePointer<Float>>,
    _ queue: UnsafeMutablePointer<StageQueue>
  ) throws(CollectiveError) -> Bool {
    let size = halving.chunkElements
    var isMoved = false
    while unsafe queue.pointee.finished < queue.pointee.arrived {
      let bucket = unsafe reduction.order[queue.pointee.finished]
      let kept = reduction.places(of: halving.kept[round][bucket], in: bucket)
      if unsafe queue.pointee.receivesFinished == Chunks.count(of: kept.count, size) {
        unsafe queue.pointee.receivesFinished = 0
        unsafe queue.pointee.finished += 1
        isMoved = true
        continue
      }
      guard unsafe queue.pointee.receives.count > 0,
        try unsafe queue.pointee.receives.finishOldestIfReady(on: communicator)
      else { break }
      let chunk = unsafe Chunks.chunk(queue.pointee.receivesFinished, of: kept, size)
      let place = unsafe halving.place(queue.pointee.finishedTurn, round: round)
      let target = unsafe reduction.partialSums(of: bucket, nodes)[0] + chunk.lowerBound
      unsafe kernels.add(target, chunks.pointer + place, into: target, count: chunk.count)
      unsafe queue.pointee.receivesFinished += 1
      unsafe queue.pointee.finishedTurn += 1
      isMoved = true
    }
    return isMoved
  }

  func advanceGathering(_ halving: HalvingSchedule) throws(CollectiveError) -> Bool {
    guard let whole = unsafe gathering.arena else { return false }
    var isMoved = false
    for round in halving.peers.indices.reversed() {
      let queue = unsafe gathering.queues + round
      let isFirst = round == halving.peers.count - 1
      unsafe queue.pointee.arrived = unsafe isFirst ? gathering.added : (queue + 1).pointee.finished
      while unsafe queue.pointee.started < queue.pointee.arrived {
        let bucket = unsafe gathering.order[queue.pointee.started]
        let arena = unsafe gathering.arena(of: bucket, whole)
        let given = gathering.places(of: halving.given[round][bucket], in: bucket)
        let kept = gathering.places(of: halving.kept[round][bucket], in: bucket)
        try unsafe startReceive(arena, given, from: halving.peers[round], queue)
        try unsafe startSend(arena, kept, to: halving.peers[round], queue)
        unsafe queue.pointee.started += 1
        isMoved = true
      }
      while unsafe queue.pointee.finished < queue.pointee.started {
        let bucket = unsafe gathering.order[queue.pointee.finished]
        if !gathering.places(of: halving.given[round][bucket], in: bucket).isEmpty {
          guard try unsafe queue.pointee.receives.finishOldestIfReady(on: communicator) else {
            break
          }
        }
        unsafe queue.pointee.finished += 1
        isMoved = true
      }
      if try unsafe queue.pointee.sends.finishReady(on: communicator) { isMoved = true }
    }
    return isMoved
  }
}

/// Cuts of a range into messages of at most `size` elements.
enum Chunks {
  static func count(of elements: Int, _ size: Int) -> Int { (elements + size - 1) / size }

  /// Chunk `index` of `range`; empty beyond its end.
  static func chunk(_ index: Int, of range: Range<Int>, _ size: Int) -> Range<Int> {
    let start = min(range.upperBound, range.lowerBound + index * size)
    return start..<min(range.upperBound, start + size)
  }
}
