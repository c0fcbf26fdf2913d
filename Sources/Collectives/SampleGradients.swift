import Kernels

/// Made-up gradients of shards whose sum depends on the order of summation, and their sums by plain
/// recursion over the canonical tree. For checks.
struct SampleGradients {
  let shards: Int
  let elementCount: Int

  /// Of either sign, with magnitudes from 2^-8 to 2^8, so that a wrong order shows.
  func value(shard: Int, element: Int) -> Float {
    let mixed = Philox.mix(UInt64(shard) << 40 ^ UInt64(element))
    let exponent = 127 - 8 + (mixed >> 32) % 16
    return Float(
      bitPattern: UInt32(mixed >> 63) << 31 | UInt32(exponent) << 23
        | UInt32(truncatingIfNeeded: mixed) & 0x7F_FFFF)
  }

  /// The canonical sum over the shards of a node of the tree.
  func node(_ range: Range<Int>) -> [Float] {
    func sum(_ lo: Int, _ hi: Int, _ element: Int) -> Float {
      if hi - lo == 1 { return value(shard: lo, element: element) }
      let middle = CanonicalTree.middle(lo, hi)
      return sum(lo, middle, element) + sum(middle, hi, element)
    }
    return (0..<elementCount).map { sum(range.lowerBound, range.upperBound, $0) }
  }
}

/// An arena with the content of an array, followed by a canary that nobody may touch.
@safe final class Arena {
  let pointer: UnsafeMutablePointer<Float>
  private let buffer: AlignedBuffer
  private let count: Int
  private static let canary: Float = -12345.678

  init(_ values: [Float]) {
    count = values.count
    buffer = AlignedBuffer(count: count + 1)
    unsafe pointer = unsafe buffer.pointer
    for (index, value) in values.enumerated() { unsafe pointer[index] = value }
    unsafe pointer[count] = Self.canary
  }

  var isIntact: Bool { unsafe pointer[count] == Self.canary }

  /// The bit patterns of `range`; one more, which equals nothing, if the canary is gone.
  func bits(_ range: Range<Int>) -> [UInt32] {
    range.map { unsafe pointer[$0].bitPattern } + (isIntact ? [] : [0])
  }
}

extension [UInt8] {
  /// `withUnsafeMutableBytes` with a typed error.
  mutating func withBytes<Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    try unsafe withUnsafeMutableBufferPointer { (buffer) throws(Failure) in
      try unsafe body(UnsafeMutableRawBufferPointer(buffer))
    }
  }

  /// `withUnsafeBytes` with a typed error.
  func withReadOnlyBytes<Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    try unsafe withUnsafeBufferPointer { (buffer) throws(Failure) in
      try unsafe body(UnsafeRawBufferPointer(buffer))
    }
  }
}
