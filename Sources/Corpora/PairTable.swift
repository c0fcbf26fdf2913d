/// Two neighbouring tokens of byte pairs.
struct TokenPair: Hashable, Comparable, Sendable {
  var left: Int32
  var right: Int32

  static func < (a: Self, b: Self) -> Bool { (a.left, a.right) < (b.left, b.right) }

  /// Both in one number.
  @inline(__always)
  fileprivate var key: UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }


  init(left: Int32, right: Int32) {
    self.left = left
    self.right = right
  }
}

/// A number for each of many pairs, found by open addressing and linear probing.
struct PairTable: Sendable {
  private struct Entry {
    var key: UInt64
    var value: Int32
  }

  /// No pair's key: tokens are not negative.
  private static let free = UInt64.max

  private var entries: [Entry]
  private(set) var count = 0

  /// - Parameter capacity: pairs that are put in without making room again.
  init(capacity: Int = 0) {
    var size = 64
    while size < 2 * capacity { size *= 2 }
    entries = [Entry](repeating: Entry(key: Self.free, value: 0), count: size)
  }

  /// The number of a pair; nil for one that was not put in.
  @inline(__always)
  func value(of pair: TokenPair) -> Int32? {
    let entry = entries[place(of: pair.key)]
    return entry.key == Self.free ? nil : entry.value
  }

  /// Puts a pair in, or gives it another number.
  mutating func set(_ value: Int32, of pair: TokenPair) {
    if 2 * (count + 1) > entries.count { grow() }
    let place = place(of: pair.key)
    if entries[place].key == Self.free { count += 1 }
    entries[place] = Entry(key: pair.key, value: value)
  }

  /// Where a key is, or would be.
  @inline(__always)
  private func place(of key: UInt64) -> Int {
    let mask = entries.count - 1
    // The high bits of the product depend on all bits of both tokens.
    var place = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
    while entries[place].key != key, entries[place].key != Self.free { place = (place + 1) & mask }
    return place
  }

  private mutating func grow() {
    var larger = PairTable(capacity: entries.count)
    for entry in entries where entry.key != Self.free {
      larger.entries[larger.place(of: entry.key)] = entry
      larger.count += 1
    }
    self = larger
  }
}
