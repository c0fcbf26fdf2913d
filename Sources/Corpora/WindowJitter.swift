import NumericContract

/// Varies the length of windows, so that the places where gradients end are not the same in every
/// epoch.
///
/// Windows 2k and 2k + 1 of an epoch cover 2 T time steps as without jitter, but the first has T +
/// d and the second T − d of them, with d drawn from −`largest` ... `largest` by epoch and k. So
/// the place of every window is known without those before it. A last window without a partner has
/// T, and the shorter one at the end of an epoch stays as it is.
package struct WindowJitter: Sendable {
  /// The most that a window differs from T; below T.
  package let largest: Int
  private let random: Philox

  package init(largest: Int, seed: Int) {
    self.largest = largest
    random = Philox(seed: UInt64(truncatingIfNeeded: seed), purpose: .windowJitter)
  }

  /// The time steps of each stream that a window covers.
  ///
  /// - Parameters:
  ///   - epoch: counted from 0.
  ///   - index: of the window within the epoch, from 0.
  package func steps(of plan: StreamPlan, epoch: Int, index: Int) -> Range<Int> {
    let steps = plan.steps(ofWindow: index)
    let pair = index / 2
    guard largest > 0, 2 * pair + 1 < plan.fullWindows else { return steps }
    let word = random.block(
      step: UInt32(truncatingIfNeeded: epoch), stream: UInt32(truncatingIfNeeded: pair),
      layer: UInt32(truncatingIfNeeded: pair >> 32), element: 0)[0]
    // The high word of a product is even enough, and costs no division.
    let place = (UInt64(word) * UInt64(2 * largest + 1)) >> 32
    let middle = (2 * pair + 1) * plan.window + Int(place) - largest
    return index.isMultiple(of: 2) ? steps.lowerBound..<middle : middle..<steps.upperBound
  }
}
