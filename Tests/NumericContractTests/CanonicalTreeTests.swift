import NumericContract
import Testing

@Suite struct CanonicalTreeTests {
  @Test func cutsAtTheLargestPowerOfTwo() {
    #expect(CanonicalTree.middle(0, 8) == 4)
    #expect(CanonicalTree.middle(0, 7) == 4)
    #expect(CanonicalTree.middle(4, 7) == 6)
    #expect(CanonicalTree.middle(3, 5) == 4)
  }

  @Test func maximalNodesCoverTheRunOnceAndAreNodes() {
    for total in 1...17 {
      for lo in 0...total {
        for hi in lo...total {
          let nodes = CanonicalTree.maximalNodes(of: lo..<hi, in: total)
          #expect(nodes.flatMap { Array($0) } == Array(lo..<hi))
          #expect(nodes.allSatisfy { CanonicalTree.isNode($0, of: total) })
        }
      }
    }
  }

  @Test func foldingLeavesExactlyTheMaximalNodes() {
    for total in 1...17 {
      for lo in 0..<total {
        for hi in (lo + 1)...total {
          var stack: [Range<Int>] = []
          for (leaf, folds) in zip(
            lo..<hi, CanonicalTree.foldsAfterEachLeaf(of: lo..<hi, in: total))
          {
            stack.append(leaf..<leaf + 1)
            for _ in 0..<folds {
              let right = stack.removeLast()
              let left = stack.removeLast()
              #expect(left.upperBound == right.lowerBound)
              stack.append(left.lowerBound..<right.upperBound)
            }
          }
          #expect(stack == CanonicalTree.maximalNodes(of: lo..<hi, in: total))
        }
      }
    }
  }
}
