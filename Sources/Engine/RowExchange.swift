import Collectives
import Kernels

/// Picks those rows of the embedding out of an arena that ranks have to exchange, where they are
/// few.
///
/// The rows lie side by side in an arena of their own for the exchange, and return to their places
/// after it. All ranks choose alike, because all know the same rows. Does not allocate after
/// `init`.
@safe final class RowExchange {
  /// The part of the embedding that lies in buckets of its own: elements from 0 to here.
  let elementEnd: Int
  private let bucketCount: Int
  private let starts: UnsafeMutablePointer<Int>
  private let arenas: AlignedBuffer
  private let pointers: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  /// What of an exchange only some rows take part in.
  enum Selection { case none, reduction, gathering }

  private(set) var selection = Selection.none
  /// The rows that take part.
  private var rows: RowSet?

  /// - Parameters:
  ///   - buckets: of which the first hold the embedding's elements up to `elementEnd`, and no
  ///     others.
  ///   - sumCount: partial sums that this rank brings to a reduction.
  init(buckets: BucketPlan, elementEnd: Int, sumCount: Int) {
    self.elementEnd = elementEnd
    bucketCount = buckets.buckets.prefix { $0.elements.upperBound <= elementEnd }.count
    let blocks = elementEnd / canonicalBlock
    unsafe starts = .allocate(capacity: blocks + 1)
    unsafe starts.initialize(repeating: 0, count: blocks + 1)
    let room = (elementEnd / 2 + 15) & ~15
    arenas = AlignedBuffer(count: sumCount * room)
    unsafe pointers = .allocate(capacity: sumCount)
    for sum in 0..<sumCount { unsafe (pointers + sum).initialize(to: arenas.pointer + sum * room) }
  }

  deinit {
    unsafe starts.deallocate()
    unsafe pointers.deallocate()
  }

  /// Decides whether only `rows` take part in what is exchanged next: where they are at most half
  /// of all elements, so that packing them costs less than it saves.
  ///
  /// - Returns: what then takes part.
  func select(_ rows: RowSet, for selection: Selection) -> SelectedElements? {
    endSelection()
    unsafe rows.countElements(upTo: elementEnd, every: canonicalBlock, into: starts)
    guard unsafe 2 * starts[elementEnd / canonicalBlock] <= elementEnd else { return nil }
    self.rows = rows
    self.selection = selection
    return unsafe SelectedElements(bucketCount: bucketCount, starts: starts, arenas: pointers)
  }

  /// Has whole parameters or gradients take part again.
  func endSelection() {
    rows = nil
    selection = .none
  }

  /// Copies selected elements of `range` to where they lie for the exchange; bounds are multiples
  /// of 4,096.
  func pack(_ range: Range<Int>, of arena: UnsafePointer<Float>, sum: Int = 0) {
    forEachRun(in: range) { run, place in
      unsafe (pointers[sum] + place).update(from: arena + run.lowerBound, count: run.count)
    }
  }

  /// Copies selected elements of `range` back; bounds are multiples of 4,096.
  func unpack(_ range: Range<Int>, into arena: UnsafeMutablePointer<Float>) {
    forEachRun(in: range) { run, place in
      unsafe (arena + run.lowerBound).update(from: pointers[0] + place, count: run.count)
    }
  }

  @inline(__always) private func forEachRun(
    in range: Range<Int>, _ body: (Range<Int>, Int) -> Void
  ) {
    let range = range.clamped(to: 0..<elementEnd)
    guard let rows, !range.isEmpty else { return }
    var place = unsafe starts[range.lowerBound / canonicalBlock]
    rows.forEachRun(in: range) { run in
      body(run, place)
      place += run.count
    }
  }
}
