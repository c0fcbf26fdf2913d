/// A set of small numbers that finds the next one from a number on in a few steps.
///
/// Bit i of a level says whether word i of the level below has a bit.
struct NumberSet {
  private var levels: [[UInt64]] = []

  /// The empty set, for numbers below `end`.
  init(below end: Int) {
    var count = max(1, end)
    repeat {
      count = (count + 63) / 64
      levels.append([UInt64](repeating: 0, count: count))
    } while count > 1
  }

  mutating func insert(_ number: Int) {
    var place = number
    for level in levels.indices {
      levels[level][place / 64] |= 1 << UInt64(place % 64)
      place /= 64
    }
  }

  mutating func remove(_ number: Int) {
    var place = number
    for level in levels.indices {
      levels[level][place / 64] &= ~(1 << UInt64(place % 64))
      if levels[level][place / 64] != 0 { return }
      place /= 64
    }
  }

  /// The least number of the set that is not below `number`.
  func first(from number: Int) -> Int? {
    var place = number
    for level in levels.indices {
      guard place / 64 < levels[level].count else { return nil }
      let rest = levels[level][place / 64] & (~0 << UInt64(place % 64))
      if rest != 0 {
        let found = place / 64 * 64 + rest.trailingZeroBitCount
        return levels[..<level].reversed().reduce(found) { word, lower in
          word * 64 + lower[word].trailingZeroBitCount
        }
      }
      place = place / 64 + 1
    }
    return nil
  }
}
