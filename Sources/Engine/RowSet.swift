/// A set of rows of the embedding, which begins the arena: a bit for each token. Does not own its
/// memory.
@safe struct RowSet {
  let rowCount: Int
  /// The elements of a row.
  let rowLength: Int
  let words: UnsafeMutablePointer<UInt64>

  var wordCount: Int { Self.wordCount(ofRows: rowCount) }

  static func wordCount(ofRows count: Int) -> Int { (count + 63) / 64 }

  /// Where the embedding ends in the arena.
  var elementEnd: Int { rowCount * rowLength }

  func insert(_ row: Int) { unsafe words[row / 64] |= 1 << UInt64(row % 64) }

  func removeAll() { unsafe words.update(repeating: 0, count: wordCount) }

  func insertAll() {
    for row in 0..<rowCount { insert(row) }
  }

  func formUnion(_ other: UnsafePointer<UInt64>) {
    for word in 0..<wordCount { unsafe words[word] |= other[word] }
  }

  /// The first row from `row` on that is in the set, or that is not; `rowCount` where there is
  /// none.
  func next(from row: Int, isMember: Bool) -> Int {
    guard row < rowCount else { return rowCount }
    var word = row / 64
    var bits = unsafe (isMember ? words[word] : ~words[word]) & (~0 << UInt64(row % 64))
    while bits == 0 {
      word += 1
      if word == wordCount { return rowCount }
      bits = unsafe isMember ? words[word] : ~words[word]
    }
    return min(rowCount, word * 64 + bits.trailingZeroBitCount)
  }

  /// The elements of the first run of the set's rows within `range`, from element `start` on; empty
  /// at the end of `range` where there are no more. Elements beyond the embedding belong to every
  /// set.
  @inline(__always) func nextRun(from start: Int, in range: Range<Int>) -> Range<Int> {
    var first = start
    if first < elementEnd {
      first = max(first, next(from: first / rowLength, isMember: true) * rowLength)
    }
    guard first < range.upperBound else { return range.upperBound..<range.upperBound }
    var end = Int.max
    if first < elementEnd {
      let row = next(from: first / rowLength, isMember: false)
      if row < rowCount { end = row * rowLength }
    }
    return first..<min(end, range.upperBound)
  }

  /// Calls `body` with the elements of each run of the set's rows within `range`, in order.
  @inline(__always) func forEachRun(in range: Range<Int>, _ body: (Range<Int>) -> Void) {
    var run = nextRun(from: range.lowerBound, in: range)
    while !run.isEmpty {
      body(run)
      run = nextRun(from: run.upperBound, in: range)
    }
  }

  /// For every `length` elements up to `end`, the number of the set's elements before them; and
  /// that of all. `end` lies within the embedding.
  func countElements(
    upTo end: Int, every length: Int, into starts: UnsafeMutablePointer<Int>
  ) {
    var row = 0
    var rowsBefore = 0
    for part in 0...end / length {
      let bound = part * length
      while (row + 1) * rowLength <= bound {
        if contains(row) { rowsBefore += 1 }
        row += 1
      }
      unsafe starts[part] = rowsBefore * rowLength
      if row < rowCount, contains(row) { unsafe starts[part] += bound - row * rowLength }
    }
  }

  func contains(_ row: Int) -> Bool { unsafe words[row / 64] & 1 << UInt64(row % 64) != 0 }
}
