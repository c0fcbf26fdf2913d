/// Rows of numbers as a file has them, in blocks: to add some moves none of those before them, and
/// memory is given back block by block when they become what a model reads.
struct NumberBlocks: Sendable {
  /// Numbers of a row (F).
  let width: Int
  /// Numbers that are there, of all rows.
  private var count = 0
  private let rowsPerBlock: Int
  private var blocks: [[Double]] = []

  private static let numbersPerBlock = 1 << 16

  init(width: Int) {
    self.width = width
    rowsPerBlock = max(1, Self.numbersPerBlock / max(1, width))
  }

  /// Whole rows.
  var rows: Int { count / max(1, width) }

  /// Adds the next number of the row that is begun, or the first of another.
  mutating func append(_ number: Double) {
    if count % (rowsPerBlock * width) == 0 {
      var block: [Double] = []
      // The first block may be all there is.
      block.reserveCapacity(blocks.isEmpty ? 64 : rowsPerBlock * width)
      blocks.append(block)
    }
    blocks[blocks.count - 1].append(number)
    count += 1
  }

  subscript(row: Int, place: Int) -> Double {
    blocks[row / rowsPerBlock][row % rowsPerBlock * width + place]
  }

  /// Some columns of some rows, one row after another.
  @inline(__always) func forEach(
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

  /// Takes all rows out, block by block; their memory is free as soon as `body` has seen them.
  mutating func removeAll(_ body: (_ block: [Double]) -> Void) {
    for index in blocks.indices {
      body(blocks[index])
      blocks[index] = []
    }
    blocks = []
    count = 0
  }
}
