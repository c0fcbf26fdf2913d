import Kernels

/// A recipe that sums arrays by the canonical tree: given arrays that hold some nodes of the tree,
/// it makes the nodes above them, in place.
struct TreeFold {
  /// One addition: array `destination` becomes array `left` plus array `right`.
  struct Addition: Equatable {
    let left: Int
    let right: Int
    var destination: Int
  }

  private(set) var additions: [Addition] = []
  /// For every node that was asked for, the array that holds it in the end.
  private(set) var results: [Int] = []
  /// The number of arrays.
  let sourceCount: Int

  /// - Parameters:
  ///   - sources: the node that each array holds, in leaf order and without gaps.
  ///   - targets: the nodes to make; together they cover the same leaves.
  ///   - total: leaves of the whole tree.
  init(sources: [Range<Int>], targets: [Range<Int>], total: Int) {
    sourceCount = sources.count
    var sourceOfNode: [Range<Int>: Int] = [:]
    for (index, node) in sources.enumerated() {
      precondition(
        CanonicalTree.isNode(node, of: total), "\(node) is no node of the tree over \(total)")
      sourceOfNode[node] = index
    }
    var made: [Addition] = []
    func make(_ node: Range<Int>) -> Int {
      if let index = sourceOfNode[node] { return index }
      precondition(node.count >= 2, "no array holds leaf \(node.lowerBound)")
      let middle = CanonicalTree.middle(node.lowerBound, node.upperBound)
      let left = make(node.lowerBound..<middle)
      let right = make(middle..<node.upperBound)
      made.append(Addition(left: left, right: right, destination: left))
      return left
    }
    results = targets.map { make($0) }
    additions = made
  }

  /// Has the last addition write array `index`, whose own content has been used by then.
  ///
  /// Preconditions: there is one target, and `index` is one of its sources.
  mutating func deliverResult(to index: Int) {
    precondition(results.count == 1, "\(results.count) targets")
    precondition(index < sourceCount, "array \(index) of \(sourceCount)")
    guard !additions.isEmpty else {
      precondition(results[0] == index, "array \(index) does not hold the only source")
      return
    }
    additions[additions.count - 1].destination = index
    results[0] = index
  }

  /// Does the additions on elements [offset, offset + count) of the arrays. Does not allocate.
  func run(
    _ arrays: UnsafePointer<UnsafeMutablePointer<Float>>, offset: Int, count: Int, kernels: Kernels
  ) {
    for addition in additions {
      unsafe kernels.add(
        arrays[addition.left] + offset, arrays[addition.right] + offset,
        into: arrays[addition.destination] + offset, count: count)
    }
  }
}
