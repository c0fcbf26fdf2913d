/// Rows of numbers as a file has them, in blocks: to add some moves none of those before them, and
/// memory is given back block by block when they become what a model reads.
package struct NumberBlocks: Sendable {
  /// Numbers of a row (F).
  package let width: Int
  /// Numbers that are there, of all rows.
  private var count = 0
  /// How many more of them the last block is to hold.
  private var room = 0
  private let rowsPerBlock: Int
  /// How many rows there may be: room that they are given at first.
  private let expectedRows: Int
  private var blocks: [[Double]] = []

  /// - Parameters:
  ///   - expectedRows: how many there may be; 0 where nobody knows.
  ///   - numbersPerBlock: so many at most. The default takes 32 MiB, which the allocator gives back
  ///     to the system as soon as a block is gone.
  package init(width: Int, expectedRows: Int = 0, numbersPerBlock: Int = 1 << 22) {
    self.width = width
    rowsPerBlock = max(1, numbersPerBlock / max(1, width))
    self.expectedRows = min(expectedRows, rowsPerBlock)
  }

  /// Whole rows.
  package var rows: Int { count / max(1, width) }

  /// Adds the next number of the row that is begun, or the first of another.
  @inline(__always) package mutating func append(_ number: Double) {
    if room == 0 { beginBlock() }
    blocks[blocks.count - 1].append(number)
    count += 1
    room -= 1
  }

  /// Adds a row: these of some numbers.
  package mutating func append(_ row: [Double], _ places: [Int]) {
    if width == 0 { return }
    if room == 0 { beginBlock() }
    if places.count == row.count {
      blocks[blocks.count - 1] += row
    } else {
      unsafe withUnsafeTemporaryAllocation(of: Double.self, capacity: places.count) { chosen in
        for (index, place) in places.enumerated() {
          unsafe chosen.initializeElement(at: index, to: row[place])
        }
        unsafe blocks[blocks.count - 1].append(contentsOf: chosen)
      }
    }
    count += places.count
    room -= places.count
  }

  private mutating func beginBlock() {
    var block: [Double] = []
    room = rowsPerBlock * width
    // The first block may be all there is.
    block.reserveCapacity(blocks.isEmpty ? max(64, expectedRows * width) : room)
    LargePages.advise(for: &block)
    blocks.append(block)
  }

  package subscript(row: Int, place: Int) -> Double {
    blocks[row / rowsPerBlock][row % rowsPerBlock * width + place]
  }

  /// Some columns of some rows, one row after another.
  @inline(__always) package func forEach(
    in rows: Range<Int>, _ places: [Int], _ body: (_ place: Int, Double) -> Void
  ) {
    var row = rows.lowerBound
    while row < rows.upperBound {
      let block = row / rowsPerBlock
      let end = min(rows.upperBound, (block + 1) * rowsPerBlock)
      unsafe blocks[block].withUnsafeBufferPointer { numbers in
        for other in row..<end {
          let first = (other - block * rowsPerBlock) * width
          for (index, place) in places.enumerated() {
            unsafe body(index, numbers[first + place])
          }
        }
      }
      row = end
    }
  }

  /// Every `step`th of some rows with the row `lag` before it, which must be there too.
  @inline(__always) package func forEachPair(
    in rows: Range<Int>, every step: Int, lag: Int,
    _ body: (_ row: UnsafePointer<Double>, _ before: UnsafePointer<Double>) -> Void
  ) {
    var row = rows.lowerBound
    while row < rows.upperBound {
      let (block, other) = (row / rowsPerBlock, (row - lag) / rowsPerBlock)
      let end = min(rows.upperBound, (block + 1) * rowsPerBlock, (other + 1) * rowsPerBlock + lag)
      unsafe blocks[block].withUnsafeBufferPointer { numbers in
        unsafe blocks[other].withUnsafeBufferPointer { others in
          guard let base = numbers.baseAddress, let before = others.baseAddress else { return }
          while row < end {
            unsafe body(
              base + (row - block * rowsPerBlock) * width,
              before + (row - lag - other * rowsPerBlock) * width)
            row += step
          }
        }
      }
    }
  }

  /// The first number of each column that is not missing, over some rows.
  package func first(in parts: [Range<Int>], _ places: [Int]) -> [Double?] {
    var first = [Double?](repeating: nil, count: places.count)
    for row in parts.lazy.joined() {
      for (index, place) in places.enumerated() where first[index] == nil {
        let number = self[row, place]
        if !number.isNaN { first[index] = number }
      }
      if first.allSatisfy({ $0 != nil }) { break }
    }
    return first
  }

  /// Keeps some columns of all rows, in this order.
  package mutating func keep(_ places: [Int]) {
    if places.count == width, places == Array(0..<width) { return }
    var kept = NumberBlocks(width: places.count)
    let width = width
    removeAll { block in
      for first in stride(from: 0, to: block.count, by: max(1, width)) {
        for place in places { kept.append(block[first + place]) }
      }
    }
    self = kept
  }

  /// Replaces every number.
  package mutating func replace(_ body: (_ place: Int, Double) -> Double) {
    for block in blocks.indices {
      for index in blocks[block].indices {
        blocks[block][index] = body(index % width, blocks[block][index])
      }
    }
  }

  /// Takes all rows out, block by block; their memory is free as soon as `body` has seen them.
  package mutating func removeAll(_ body: (_ block: [Double]) -> Void) {
    for index in blocks.indices {
      body(blocks[index])
      blocks[index] = []
    }
    blocks = []
    (count, room) = (0, 0)
  }
}
