import Kernels

/// Vector halving with distance doubling, and its mirror for the all-gather.
///
/// In round d a rank meets the one whose number differs in bit d. Each keeps one half of what it
/// still had and sends the other, so that after log2 P rounds it owns one part of P. The parts of a
/// round are neighbours in the canonical tree: rounds climb it level by level.
struct HalvingSchedule {
  /// One meeting of two ranks.
  struct Round {
    let peer: Int
    /// The elements that this rank still works on afterwards.
    let kept: Range<Int>
    /// The elements that the peer works on afterwards.
    let given: Range<Int>
  }

  let rounds: [Round]
  let pieceElements: Int
  /// Pieces under way at a time, in each direction.
  let depth = 4

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

  init(rank: Int, ranks: Int, elementCount: Int, pieceElements: Int) {
    var rounds: [Round] = []
    var parts = 0..<ranks
    var distance = 1
    while distance < ranks {
      let middle = parts.lowerBound + parts.count / 2
      let lower = parts.lowerBound..<middle
      let upper = middle..<parts.upperBound
      let keepsLower = rank & distance == 0
      rounds.append(
        Round(
          peer: rank ^ distance,
          kept: BlockCut.parts(
            keepsLower ? lower : upper, of: ranks, elementCount: elementCount),
          given: BlockCut.parts(
            keepsLower ? upper : lower, of: ranks, elementCount: elementCount)))
      parts = keepsLower ? lower : upper
      distance *= 2
    }
    self.rounds = rounds
    // Not this rank's own longest part: both sides of a meeting must cut alike.
    self.pieceElements = min(pieceElements, max(1, elementCount))
  }

  /// The elements that are left to a rank after the last round.
  static func owned(by rank: Int, ranks: Int, elementCount: Int) -> Range<Int> {
    var part = 0
    var bit = 1
    while bit < ranks {
      part = part * 2 + (rank & bit == 0 ? 0 : 1)
      bit *= 2
    }
    return BlockCut.part(part, of: ranks, elementCount: elementCount)
  }

  var bufferElements: Int { depth * pieceElements }
}

extension GradientExchange {
  func reduceScatter(
    _ arena: UnsafeMutablePointer<Float>, by halving: HalvingSchedule
  ) throws(CollectiveError) {
    let size = halving.pieceElements
    let buffer = pieces.pointer
    for round in halving.rounds {
      let count = Pieces.count(of: max(round.kept.count, round.given.count), size)
      var started = 0
      for index in 0..<count {
        while started < min(count, index + halving.depth) {
          let incoming = Pieces.piece(started, of: round.kept, size)
          let place = started % halving.depth * size
          try startReceive(buffer, place..<place + incoming.count, from: round.peer)
          try startSend(arena, Pieces.piece(started, of: round.given, size), to: round.peer)
          started += 1
        }
        let own = Pieces.piece(index, of: round.kept, size)
        if !own.isEmpty {
          try receives.finishOldest(on: communicator)
          let target = arena + own.lowerBound
          kernels.add(
            target, buffer + index % halving.depth * size, into: target, count: own.count)
        }
        if !Pieces.piece(index, of: round.given, size).isEmpty {
          try sends.finishOldest(on: communicator)
        }
      }
    }
  }

  func allGather(
    _ arena: UnsafeMutablePointer<Float>, by halving: HalvingSchedule
  ) throws(CollectiveError) {
    for round in halving.rounds.reversed() {
      try startReceive(arena, round.given, from: round.peer)
      try startSend(arena, round.kept, to: round.peer)
      try receives.finishAll(on: communicator)
      try sends.finishAll(on: communicator)
    }
  }
}

/// Cuts of a range into messages of at most `size` elements.
enum Pieces {
  static func count(of elements: Int, _ size: Int) -> Int { (elements + size - 1) / size }

  /// Piece `index` of `range`; empty beyond its end.
  static func piece(_ index: Int, of range: Range<Int>, _ size: Int) -> Range<Int> {
    let start = min(range.upperBound, range.lowerBound + index * size)
    return start..<min(range.upperBound, start + size)
  }
}
