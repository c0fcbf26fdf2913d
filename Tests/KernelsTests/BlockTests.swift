import Kernels
import Testing

extension CacheSizes {
  /// From the smallest that counts to the largest, this machine's among them.
  static let trials = [
    CacheSizes(first: 0, second: 0), CacheSizes(first: 3000, second: 10_000),
    CacheSizes(first: 8 << 10, second: 64 << 10), CacheSizes(first: 32 << 10, second: 512 << 10),
    CacheSizes(first: 48 << 10, second: 1 << 20), CacheSizes(first: 8 << 20, second: 1 << 30),
    .machine,
  ]
}

/// Blocks change no bit: whatever the sizes of a machine's caches, a product is scalar chains.
@Suite struct BlockTests {
  @Test(arguments: CacheSizes.trials, [1, 3]) func productsInBlocksOfAnySize(
    caches: CacheSizes, segments: Int
  ) {
    let depth = caches.blocks(panelWidth: 16).depth
    let lengths = [0, 1, 3, 4, 6, depth - 1, depth, depth + 1, 2 * depth + 5, 3 * depth]
    for length in Set(lengths) where length <= 1100 {
      for start in [ProductProblem.Start.none, .bias, .inPlace] {
        let problem = ProductProblem(
          rows: 40, columns: 80, segments: segments, segmentLength: length, start: start)
        let expected = problem.reference()
        for set in InstructionSet.available {
          let kernels = Kernels(set, caches: caches)
          for columns in [16, 80] {
            let packed = problem.packed(columns: columns, panelWidth: kernels.panelWidth)
            for rows in [1, 2, 7, 8, 29, 40] {
              let difference = problem.difference(
                kernels, packed: packed, rows: rows, columns: columns, expected: expected)
              #expect(
                difference == nil,
                "\(set.rawValue) \(caches) rows \(rows) columns \(columns) length \(length)")
            }
          }
        }
      }
    }
  }

  /// The smallest caches cut every product above, the largest one none.
  @Test func blocksFollowTheCaches() {
    func blocks(_ first: Int, _ second: Int, _ width: Int) -> [Int] {
      let blocks = CacheSizes(first: first, second: second).blocks(panelWidth: width)
      return [blocks.depth, blocks.rows]
    }
    #expect(blocks(32 << 10, 512 << 10, 16) == [256, 252])
    #expect(blocks(48 << 10, 1 << 20, 16) == [384, 336])
    #expect(blocks(64 << 10, 1 << 20, 8) == [512, 252])
    #expect(blocks(0, 0, 16) == [8, 60])
    #expect(blocks(1 << 30, 1 << 40, 16) == [512, 16_380])
    #expect(CacheSizes.machine.first >= 8 << 10)
    #expect(CacheSizes.machine.second > CacheSizes.machine.first)
  }
}
