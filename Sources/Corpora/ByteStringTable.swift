/// Distinct byte strings, numbered from 0 in the order they were first put in.
///
/// The strings lie one after the other in one array; finding one allocates nothing.
struct ByteStringTable: Sendable {
  private var bytes: [UInt8] = []
  /// Where each string starts, and behind the last one.
  private var starts: [Int] = [0]
  private var hashes: [UInt32] = []
  /// Open addressing by linear probing: number + 1, or 0 for a free place.
  private var slots = [Int32](repeating: 0, count: 64)
  /// Nobody can write strings that all have one hash.
  private let seed = UInt64.random(in: 0 ... .max)

  var count: Int { hashes.count }

  /// Bytes of all strings.
  var byteCount: Int { bytes.count }

  /// The bytes of a string.
  subscript(index: Int) -> ArraySlice<UInt8> { bytes[starts[index]..<starts[index + 1]] }

  /// The number of a string; nil for one that was never put in.
  @inline(__always)
  func index(of string: UnsafeRawBufferPointer) -> Int? {
    let hash = unsafe hash(string)
    var slot = Int(hash) & (slots.count - 1)
    while slots[slot] != 0 {
      let index = Int(slots[slot]) - 1
      if hashes[index] == hash, unsafe isEqual(index, string) { return index }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// The number of a string, which is put in where it is new.
  mutating func insert(_ string: UnsafeRawBufferPointer) -> Int {
    if let index = unsafe index(of: string) { return index }
    if 2 * (count + 1) > slots.count { grow() }
    let hash = unsafe hash(string)
    unsafe bytes.append(contentsOf: string)
    starts.append(bytes.count)
    hashes.append(hash)
    place(count - 1)
    return count - 1
  }

  mutating func insert(_ string: some Collection<UInt8>) -> Int {
    unsafe Array(string).withUnsafeBytes { unsafe insert($0) }
  }

  private mutating func grow() {
    slots = [Int32](repeating: 0, count: 2 * slots.count)
    for index in hashes.indices { place(index) }
  }

  private mutating func place(_ index: Int) {
    var slot = Int(hashes[index]) & (slots.count - 1)
    while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = Int32(index + 1)
  }

  @inline(__always)
  private func isEqual(_ index: Int, _ string: UnsafeRawBufferPointer) -> Bool {
    let start = starts[index]
    guard starts[index + 1] - start == string.count else { return false }
    for place in 0..<string.count where unsafe bytes[start + place] != string[place] {
      return false
    }
    return true
  }

  /// Decides only where a string is looked for, never its number.
  @inline(__always)
  private func hash(_ string: UnsafeRawBufferPointer) -> UInt32 {
    var hash = seed ^ UInt64(string.count)
    func mix(_ word: UInt64) {
      let product = (hash ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
      hash = product.high ^ product.low
    }
    var place = 0
    while place + 8 <= string.count {
      mix(unsafe string.loadUnaligned(fromByteOffset: place, as: UInt64.self))
      place += 8
    }
    if place < string.count {
      var rest: UInt64 = 0
      while place < string.count {
        rest = unsafe rest << 8 | UInt64(string[place])
        place += 1
      }
      mix(rest)
    }
    mix(hash >> 32)
    return UInt32(truncatingIfNeeded: hash >> 16)
  }
}

extension ByteStringTable: Equatable {
  static func == (left: Self, right: Self) -> Bool {
    left.starts == right.starts && left.bytes == right.bytes
  }
}

/// How often each byte string occurs.
///
/// Memory is bounded: beyond `room` distinct strings, or `byteRoom` bytes of them, those that are
/// rarest so far are forgotten, at fixed points of the text, so that the same text always leaves
/// the same counts.
struct ByteStringCounts {
  private(set) var table = ByteStringTable()
  private(set) var counts: [Int] = []
  /// Most distinct strings that are kept.
  let room: Int
  /// Most bytes of distinct strings that are kept; where there is such a bound, the earliest of
  /// equally rare strings stay, so that a text of strings that occur once leaves some.
  let byteRoom: Int?
  /// Strings that occurred at most that often were forgotten at some point.
  private(set) var forgotten = 0

  init(room: Int = 1 << 22, byteRoom: Int? = nil) {
    self.room = room
    self.byteRoom = byteRoom
  }

  /// - Returns: whether the string is new, or was forgotten.
  @inline(__always)
  mutating func add(_ string: UnsafeRawBufferPointer) -> Bool {
    let index = unsafe table.insert(string)
    guard index == counts.count else {
      counts[index] += 1
      return false
    }
    counts.append(1)
    if let byteRoom {
      if counts.count >= room || table.byteCount >= byteRoom { forget(keeping: byteRoom / 2) }
    } else if counts.count >= room {
      forget()
    }
    return true
  }

  /// Numbers in descending order of count, and of equal counts in ascending order of bytes.
  var order: [Int] {
    counts.indices.sorted {
      counts[$0] == counts[$1]
        ? table[$0].lexicographicallyPrecedes(table[$1]) : counts[$0] > counts[$1]
    }
  }

  /// Makes room by leaving out the rarest strings, until at least half of it is free.
  private mutating func forget() {
    repeat {
      forgotten += 1
      var kept = ByteStringTable()
      var keptCounts: [Int] = []
      for index in counts.indices where counts[index] > forgotten {
        _ = kept.insert(table[index])
        keptCounts.append(counts[index])
      }
      table = kept
      counts = keptCounts
    } while counts.count > room / 2
  }

  /// Makes room by keeping the most frequent strings, of equally frequent ones the earliest.
  private mutating func forget(keeping byteCount: Int) {
    var isKept = [Bool](repeating: false, count: counts.count)
    var bytes = 0
    let byFrequency = counts.indices.sorted { (-counts[$0], $0) < (-counts[$1], $1) }
    for index in byFrequency.prefix(room / 2) {
      bytes += table[index].count
      guard bytes <= byteCount else {
        forgotten = max(forgotten, counts[index])
        break
      }
      isKept[index] = true
    }
    var kept = ByteStringTable()
    var keptCounts: [Int] = []
    for index in counts.indices where isKept[index] {
      _ = kept.insert(table[index])
      keptCounts.append(counts[index])
    }
    table = kept
    counts = keptCounts
  }
}
