/// Turns chunks into tokens of byte pairs, and remembers those of short ones, in bounded memory.
struct ChunkEncoder {
  private let vocabulary: BytePairVocabulary
  /// The chunks that are remembered, and their tokens.
  private var chunks = ByteStringTable()
  private var tokens: [Int32] = []
  private var starts = [0]
  private let room = 1 << 18
  /// Longer chunks seldom occur again.
  private let longestRemembered = 48
  /// The chunk that is being merged, and the token that each of its tokens makes with the next.
  private var merged = [Int32](repeating: 0, count: TextRules.two.longestChunk)
  private var results = [Int32](repeating: 0, count: TextRules.two.longestChunk)

  init(_ vocabulary: BytePairVocabulary) { self.vocabulary = vocabulary }

  /// Calls `body` with the tokens of a chunk.
  @inline(__always)
  mutating func encode(_ chunk: UnsafeRawBufferPointer, _ body: (Int32) -> Void) {
    if chunk.count == 1 { return unsafe body(Int32(chunk[0])) }
    if chunk.count > longestRemembered {
      let count = unsafe merge(chunk)
      for place in 0..<count { body(merged[place]) }
      return
    }
    let known = unsafe chunks.index(of: chunk) ?? learn(chunk)
    for place in starts[known]..<starts[known + 1] { body(tokens[place]) }
  }

  private mutating func learn(_ chunk: UnsafeRawBufferPointer) -> Int {
    if chunks.count >= room { self = ChunkEncoder(vocabulary) }
    let count = unsafe merge(chunk)
    tokens += merged[..<count]
    starts.append(tokens.count)
    return unsafe chunks.insert(chunk)
  }

  /// Leaves the tokens of a chunk in `merged`, and returns how many they are.
  private mutating func merge(_ chunk: UnsafeRawBufferPointer) -> Int {
    unsafe merged.withUnsafeMutableBufferPointer { tokens in
      unsafe results.withUnsafeMutableBufferPointer { results in
        unsafe vocabulary.merge(chunk, into: tokens, results)
      }
    }
  }
}

extension BytePairVocabulary {
  /// The tokens of one chunk: the earliest merge that fits anywhere is made, from left to right,
  /// until none fits.
  ///
  /// - Parameters:
  ///   - tokens: takes them; as long as the chunk.
  ///   - results: what is made of a token and the one behind it; as long too.
  /// - Returns: their number.
  /// - Complexity: O(n²) short steps for n bytes, and a look-up or two a byte.
  func merge(
    _ chunk: UnsafeRawBufferPointer, into tokens: UnsafeMutableBufferPointer<Int32>,
    _ results: UnsafeMutableBufferPointer<Int32>
  ) -> Int {
    precondition(tokens.count >= chunk.count, "room for \(tokens.count) of \(chunk.count)")
    precondition(results.count >= chunk.count, "room for \(results.count) of \(chunk.count)")
    var count = chunk.count
    for place in 0..<count { unsafe tokens[place] = unsafe Int32(chunk[place]) }
    for place in 0..<max(0, count - 1) {
      unsafe results[place] = unsafe result(of: tokens[place], tokens[place + 1])
    }
    while count > 1 {
      var best = Int32.max
      for place in 0..<count - 1 { best = unsafe min(best, results[place]) }
      if best == .max { break }
      var first = 0
      while unsafe results[first] != best { first += 1 }
      // The results of this merge make later ones only, so that others of its kind come next.
      unsafe tokens[first] = best
      count -= 1
      for place in first + 1..<max(first + 1, count) {
        unsafe tokens[place] = unsafe tokens[place + 1]
        unsafe results[place] = unsafe results[place + 1]
      }
      if first > 0 {
        unsafe results[first - 1] = unsafe result(of: tokens[first - 1], best)
      }
      if first + 1 < count { unsafe results[first] = unsafe result(of: best, tokens[first + 1]) }
    }
    return count
  }

  /// What two tokens are merged into; the largest number where they are not.
  @inline(__always)
  private func result(of left: Int32, _ right: Int32) -> Int32 {
    ids.value(of: TokenPair(left: left, right: right)) ?? .max
  }

  /// The tokens of one chunk.
  func tokens(of chunk: UnsafeRawBufferPointer) -> [Int32] {
    unsafe [Int32](unsafeUninitializedCapacity: chunk.count) { tokens, count in
      unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: chunk.count) { results in
        count = unsafe merge(chunk, into: tokens, results)
      }
    }
  }
}
