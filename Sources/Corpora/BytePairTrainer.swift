import CPlatform

/// Learns merges from the chunks of a text: again and again the pair of tokens that occurs most
/// often, of equally frequent ones the one with the lower ids.
///
/// By version 2 of the rules a token is a part of one character, or has whole characters only.
struct BytePairTrainer {
  private struct Chunk {
    /// Its tokens are `length` from `start` on.
    var start: Int32
    var length: Int32
    /// How often it occurs.
    var weight: Int
  }

  private let rules: TextRules
  private var tokens: [Int32] = []
  private var chunks: [Chunk] = []
  private var pairs = PairStatistics()
  private var shapes: [TokenShape]
  private var queue = PairQueue()
  /// What stands before and behind the token that is made, and no longer beside the two tokens that
  /// went into it.
  private var before = NeighbourTally()
  private var behind = NeighbourTally()

  /// - Parameter counts: of chunks.
  init(_ counts: ByteStringCounts, rules: TextRules) {
    self.rules = rules
    shapes = []
    let table = counts.table
    tokens.reserveCapacity(table.byteCount)
    for chunk in 0..<table.count {
      let bytes = table[chunk]
      chunks.append(
        Chunk(
          start: Int32(tokens.count), length: Int32(bytes.count), weight: counts.counts[chunk]))
      for byte in bytes { tokens.append(Int32(byte)) }
    }
    for byte in UInt8(0)...255 { addToken(TokenShape(byte: byte)) }
    addPairsOfBytes()
  }

  private mutating func addToken(_ shape: TokenShape) {
    shapes.append(shape)
    before.addToken()
    behind.addToken()
  }

  /// Notes all pairs of two bytes, which are taken for one number of two.
  private mutating func addPairsOfBytes() {
    var tally = NeighbourTally()
    for _ in 0..<1 << 16 { tally.addToken() }
    for (number, chunk) in chunks.enumerated() {
      let start = Int(chunk.start)
      for place in start..<start + max(0, Int(chunk.length) - 1) {
        tally.add(chunk.weight, to: tokens[place] << 8 | tokens[place + 1], in: Int32(number))
      }
    }
    note(&tally) { TokenPair(left: $0 >> 8, right: $0 & 0xFF) }
  }

  private mutating func note(_ tally: inout NeighbourTally, _ pair: (Int32) -> TokenPair) {
    let added = pairs.add(&tally) { [shapes, rules] token in
      let pair = pair(token)
      let canMerge = rules == .one || shapes[Int(pair.left)].joins(shapes[Int(pair.right)])
      return canMerge ? pair : nil
    }
    for (pair, count) in added { queue.push(.init(count: count, pair: pair)) }
  }

  /// The vocabulary of at most `size` tokens whose pairs occur at least `minimumCount` times.
  mutating func vocabulary(size: Int, minimumCount: Int) -> BytePairVocabulary {
    var merges: [TokenPair] = []
    while 256 + merges.count < size, let entry = queue.pop() {
      let count = pairs.count(of: entry.pair)
      // An entry from before other merges; the count only fell since.
      if count != entry.count {
        if count > 0 { queue.push(.init(count: count, pair: entry.pair)) }
        continue
      }
      if count < max(2, minimumCount) { break }
      merge(entry.pair, into: Int32(256 + merges.count))
      merges.append(entry.pair)
    }
    guard let vocabulary = BytePairVocabulary(merges: merges, rules: rules) else {
      preconditionFailure("merges of chunks are no vocabulary")
    }
    return vocabulary
  }

  private mutating func merge(_ pair: TokenPair, into id: Int32) {
    addToken(shapes[Int(pair.left)].joined(to: shapes[Int(pair.right)]))
    let places = pairs.places(of: pair)
    unsafe tokens.withUnsafeMutableBufferPointer { tokens in
      unsafe chunks.withUnsafeMutableBufferPointer { chunks in
        for (index, number) in places.enumerated() {
          // The next chunks lie far apart.
          if index + 16 < places.count {
            unsafe platform_prefetch(chunks.baseAddress! + Int(places[index + 16]))
          }
          if index + 8 < places.count {
            let start = unsafe Int(chunks[Int(places[index + 8])].start)
            unsafe platform_prefetch(tokens.baseAddress! + start)
          }
          let chunk = unsafe chunks[Int(number)]
          let part = unsafe UnsafeMutableBufferPointer(
            rebasing: tokens[Int(chunk.start)..<Int(chunk.start + chunk.length)])
          let length = unsafe Self.merge(
            pair, into: id, of: part, weight: chunk.weight, number: number, &before, &behind)
          unsafe chunks[Int(number)].length = Int32(length)
        }
      }
    }
    var tally = NeighbourTally()
    // A pair of the new token with itself counts as what stands before it.
    swap(&tally, &before)
    note(&tally) { TokenPair(left: $0, right: id) }
    swap(&tally, &before)
    swap(&tally, &behind)
    note(&tally) { TokenPair(left: id, right: $0) }
    swap(&tally, &behind)
    for token in before.tokens {
      pairs.subtract(before[token].count, from: TokenPair(left: token, right: pair.left))
    }
    for token in behind.tokens {
      pairs.subtract(behind[token].count, from: TokenPair(left: pair.right, right: token))
    }
    pairs.remove(pair)
    before.removeAll()
    behind.removeAll()
  }

  /// Replaces every occurrence of a pair in a chunk, from left to right.
  ///
  /// - Parameters:
  ///   - number: of the chunk.
  ///   - before: what stands before the new token, and `behind` what stands behind it.
  /// - Returns: how many tokens are left.
  @inline(__always)
  private static func merge(
    _ pair: TokenPair, into id: Int32, of tokens: UnsafeMutableBufferPointer<Int32>, weight: Int,
    number: Int32, _ before: inout NeighbourTally, _ behind: inout NeighbourTally
  ) -> Int {
    let end = tokens.count
    var read = 0
    // Nothing moves before the first occurrence.
    while unsafe read + 1 < end && (tokens[read] != pair.left || tokens[read + 1] != pair.right) {
      read += 1
    }
    if read + 1 >= end { return end }
    var write = read
    while read < end {
      let token = unsafe tokens[read]
      guard token == pair.left, read + 1 < end, unsafe tokens[read + 1] == pair.right else {
        unsafe tokens[write] = token
        read += 1
        write += 1
        continue
      }
      if write > 0 { unsafe before.add(weight, to: tokens[write - 1], in: number) }
      if read + 2 < end { unsafe behind.add(weight, to: tokens[read + 2], in: number) }
      unsafe tokens[write] = id
      read += 2
      write += 1
    }
    return write
  }
}

/// How much of a character of UTF-8 a token has.
private struct TokenShape {
  /// Bytes of a part of a character; 0 for whole characters.
  private var length: Int
  /// Bytes of the character that the token begins; 0 where it does not begin one.
  private var needed: Int

  init(byte: UInt8) {
    length = byte < 0x80 ? 0 : 1
    switch byte {
    case 0xC2...0xDF: needed = 2
    case 0xE0...0xEF: needed = 3
    case 0xF0...0xF4: needed = 4
    default: needed = 0
    }
  }

  /// Whether this token and the next are whole, or parts of one character.
  func joins(_ next: TokenShape) -> Bool {
    if length == 0 || next.length == 0 { return length == next.length }
    return next.needed == 0 && (needed == 0 || length + next.length <= needed)
  }

  /// Precondition: it joins the next.
  func joined(to next: TokenShape) -> TokenShape {
    var sum = self
    sum.length += next.length
    if sum.length == needed { (sum.length, sum.needed) = (0, 0) }
    return sum
  }
}
