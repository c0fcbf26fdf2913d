package import NumericContract

/// A random order of the numbers below `count` that needs no memory and no earlier numbers: a
/// balanced Feistel network over the next power of four, walked until it stays below `count`.
package struct Permutation: Sendable, Codable {
  package let count: Int
  private let random: Philox
  private let halfBits: Int

  package init(count: Int, random: Philox) {
    self.count = count
    self.random = random
    let bits = Int.bitWidth - max(1, count - 1).leadingZeroBitCount
    halfBits = (bits + 1) / 2
  }

  /// The number at a place of one epoch's order.
  package func number(at place: Int, epoch: Int) -> Int {
    precondition(place >= 0, "place \(place) < 0")
    precondition(place < count, "place \(place) of \(count)")
    let mask = 1 << halfBits - 1
    var value = place
    repeat {
      var left = value >> halfBits
      var right = value & mask
      for round in 0..<4 {
        let word = random.block(
          step: UInt32(truncatingIfNeeded: epoch), stream: UInt32(round), layer: 0,
          element: UInt32(truncatingIfNeeded: right))[0]
        (left, right) = (right, left ^ (Int(word) & mask))
      }
      value = left << halfBits | right
    } while value >= count
    return value
  }
}
