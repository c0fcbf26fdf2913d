/// The fixed block of sums over long arrays, in elements (numeric contract, point 3).
@inlinable @inline(__always) public var canonicalBlock: Int { 4096 }

/// The summation order of the numeric contract: a binary tree over `total` leaves in which node
/// [lo, hi) is the sum of [lo, mid) and [mid, hi), mid = lo + the largest power of two below hi −
/// lo.
package enum CanonicalTree {
  /// The point at which node [lo, hi) is cut; needs hi − lo of at least 2.
  package static func middle(_ lo: Int, _ hi: Int) -> Int {
    precondition(hi - lo >= 2, "node [\(lo), \(hi)) has no children")
    let below = UInt(hi - lo - 1)
    return lo + (1 << (UInt.bitWidth - 1 - below.leadingZeroBitCount))
  }

  /// Whether `range` is a node of the tree over `total` leaves.
  package static func isNode(_ range: Range<Int>, of total: Int) -> Bool {
    var lo = 0
    var hi = total
    while hi - lo >= range.count, hi > lo {
      if lo == range.lowerBound, hi == range.upperBound { return true }
      if hi - lo < 2 { return false }
      let mid = middle(lo, hi)
      if range.upperBound <= mid {
        hi = mid
      } else if range.lowerBound >= mid {
        lo = mid
      } else {
        return false
      }
    }
    return false
  }

  /// The fewest nodes of the tree over `total` leaves that together cover `run`, in leaf order.
  package static func maximalNodes(of run: Range<Int>, in total: Int) -> [Range<Int>] {
    precondition(run.lowerBound >= 0, "run \(run) starts below 0")
    precondition(run.upperBound <= total, "run \(run) ends beyond \(total) leaves")
    var nodes: [Range<Int>] = []
    func visit(_ lo: Int, _ hi: Int) {
      if run.lowerBound >= hi || run.upperBound <= lo || run.isEmpty { return }
      if run.lowerBound <= lo && hi <= run.upperBound {
        nodes.append(lo..<hi)
        return
      }
      let mid = middle(lo, hi)
      visit(lo, mid)
      visit(mid, hi)
    }
    if total > 0 { visit(0, total) }
    return nodes
  }

  /// For a stack machine that pushes the leaves of `run` in order: how many times to add the two
  /// topmost entries after each push. What is left on the stack at the end are `maximalNodes`.
  package static func foldsAfterEachLeaf(of run: Range<Int>, in total: Int) -> [Int] {
    var stack: [Range<Int>] = []
    var folds: [Int] = []
    for leaf in run {
      stack.append(leaf..<leaf + 1)
      var count = 0
      while stack.count >= 2 {
        let joined = stack[stack.count - 2].lowerBound..<stack[stack.count - 1].upperBound
        guard isNode(joined, of: total) else { break }
        stack.removeLast(2)
        stack.append(joined)
        count += 1
      }
      folds.append(count)
    }
    return folds
  }

  /// The tree sum of `values`; 0 for none.
  package static func sum(_ values: [Double]) -> Double {
    func node(_ lo: Int, _ hi: Int) -> Double {
      if hi - lo == 1 { return values[lo] }
      let mid = middle(lo, hi)
      return node(lo, mid) + node(mid, hi)
    }
    return values.isEmpty ? 0 : node(0, values.count)
  }
}
