import Kernels
import Testing

/// Loops over flat arenas: addition and the canonical sums of squares.
@Suite struct FlatLoopTests {
  static let counts = [0, 1, 15, 16, 17, 1000, 4095, 4096, 4097, 8192, 10_000]

  @Test(arguments: counts) func additionWorksInPlace(count: Int) {
    var random = SeededRandom(UInt64(count))
    let x = random.floats(count)
    let y = random.floats(count)
    let expected = zip(x, y).map { $0 + $1 }
    for set in InstructionSet.available {
      let kernels = Kernels(set)
      let apart = GuardedFloats(outputCount: count)
      kernels.add(x, y, into: apart.pointer, count: count)
      let left = GuardedFloats(x)
      kernels.add(left.pointer, y, into: left.pointer, count: count)
      let right = GuardedFloats(y)
      kernels.add(x, right.pointer, into: right.pointer, count: count)
      for sum in [apart, left, right] {
        #expect(firstDifference(sum.values, expected) == nil, "\(set.rawValue)")
        #expect(sum.guardsAreIntact, "\(set.rawValue)")
      }
    }
  }

  @Test(arguments: counts) func subtractionWorksInPlace(count: Int) {
    var random = SeededRandom(UInt64(count) + 2)
    let x = random.floats(count)
    let y = random.floats(count)
    let expected = zip(x, y).map { $0 - $1 }
    for set in InstructionSet.available {
      let kernels = Kernels(set)
      let apart = GuardedFloats(outputCount: count)
      kernels.subtract(x, y, into: apart.pointer, count: count)
      let left = GuardedFloats(x)
      kernels.subtract(left.pointer, y, into: left.pointer, count: count)
      let right = GuardedFloats(y)
      kernels.subtract(x, right.pointer, into: right.pointer, count: count)
      for difference in [apart, left, right] {
        #expect(firstDifference(difference.values, expected) == nil, "\(set.rawValue)")
        #expect(difference.guardsAreIntact, "\(set.rawValue)")
      }
    }
  }

  /// Sixteen chains of fused multiply-adds over a block, then the tree over lanes i and i + 8, 4,
  /// 2 and 1.
  private func blockSquare(_ block: ArraySlice<Float>) -> Double {
    var lanes = [Float](repeating: 0, count: 16)
    for (i, x) in block.enumerated() { lanes[i % 16] = lanes[i % 16].addingProduct(x, x) }
    var width = 8
    while width > 0 {
      for i in 0..<width { lanes[i] += lanes[i + width] }
      width /= 2
    }
    return Double(lanes[0])
  }

  @Test(arguments: counts) func sumsOfSquaresFollowTheLaneTree(count: Int) {
    var random = SeededRandom(UInt64(count) + 1)
    let x = random.floats(count)
    let starts = stride(from: 0, to: count, by: 4096)
    let expected = starts.map { blockSquare(x[$0..<min($0 + 4096, count)]) }
    for set in InstructionSet.available {
      // One block more, to see that it stays.
      var blocks = [Double](repeating: -1, count: expected.count + 1)
      Kernels(set).sumOfSquares(x, count: count, blocks: &blocks)
      #expect(blocks == expected + [-1], "\(set.rawValue)")
    }
  }
}
