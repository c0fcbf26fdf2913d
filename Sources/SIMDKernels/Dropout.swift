/// Rows of an activation of which random elements are dropped: y = 0 or x · scale.
///
/// Element j of the row of time step t and sequence b is dropped where a random number below 1
/// falls short of the probability. The number is word w of the Philox block with the counter (step,
/// stream, layer, element): stream `firstStream` + b, element `firstElement` + t ·
/// `elementsPerStep` + 8 (u / 2) + (j % 16) / 2, w = 2 (u % 2) + j % 2, where u = `firstUnit` + j /
/// 16. So eight blocks serve 32 elements without any shuffling.
@frozen public struct DropoutArguments {
  /// [T, B, columns]; `columns` is a multiple of 16. Source and destination may be the same.
  public var source: UnsafePointer<Float>
  public var sourceStride: Int
  public var destination: UnsafeMutablePointer<Float>
  public var destinationStride: Int
  public var timeSteps: Int
  public var sequences: Int
  public var columns: Int
  public var key0: UInt32
  public var key1: UInt32
  public var step: UInt32
  public var layer: UInt32
  public var firstStream: UInt32
  public var firstElement: UInt32
  /// 0 where all time steps drop the same elements.
  public var elementsPerStep: UInt32
  /// Runs of 16 elements left out before the first.
  public var firstUnit: Int
  /// 1 + the probability of being dropped.
  public var bound: Float
  /// What the others are multiplied with.
  public var scale: Float

  @inlinable @inline(__always) public init(
    source: UnsafePointer<Float>, sourceStride: Int,
    destination: UnsafeMutablePointer<Float>, destinationStride: Int,
    timeSteps: Int, sequences: Int, columns: Int, key: (UInt32, UInt32),
    step: UInt32, layer: UInt32, firstStream: UInt32, firstElement: UInt32,
    elementsPerStep: UInt32, firstUnit: Int, bound: Float, scale: Float
  ) {
    self.source = source
    self.sourceStride = sourceStride
    self.destination = destination
    self.destinationStride = destinationStride
    self.timeSteps = timeSteps
    self.sequences = sequences
    self.columns = columns
    key0 = key.0
    key1 = key.1
    self.step = step
    self.layer = layer
    self.firstStream = firstStream
    self.firstElement = firstElement
    self.elementsPerStep = elementsPerStep
    self.firstUnit = firstUnit
    self.bound = bound
    self.scale = scale
  }
}

/// Eight blocks of Philox4x32-10 at consecutive elements: first the words 0 and 1 of every block,
/// alternating, then the words 2 and 3. A 64-bit lane holds one word, so that products are whole.
@_transparent
public func philoxWords(
  _ p: UnsafePointer<DropoutArguments>, stream: UInt32, element: UInt32
) -> (SIMD16<UInt32>, SIMD16<UInt32>) {
  typealias Words = SIMD8<UInt64>
  let low = Words(repeating: 0xffff_ffff)
  let half = Words(repeating: 32)
  let first = Words(repeating: 0xd251_1f53)
  let second = Words(repeating: 0xcd9e_8d57)
  var c0 = Words(repeating: UInt64(p.pointee.step))
  var c1 = Words(repeating: UInt64(stream))
  var c2 = Words(repeating: UInt64(p.pointee.layer))
  var c3 = (Words(repeating: UInt64(element)) &+ Words(0, 1, 2, 3, 4, 5, 6, 7)) & low
  var k0 = p.pointee.key0
  var k1 = p.pointee.key1
  var round = 0
  while round < 10 {
    let product0 = c0 &* first
    let product1 = c2 &* second
    c0 = (product1 &>> half) ^ c1 ^ Words(repeating: UInt64(k0))
    c1 = product1 & low
    c2 = (product0 &>> half) ^ c3 ^ Words(repeating: UInt64(k1))
    c3 = product0 & low
    k0 = k0 &+ 0x9e37_79b9
    k1 = k1 &+ 0xbb67_ae85
    round += 1
  }
  return (
    unsafeBitCast(c0 | (c1 &<< half), to: SIMD16<UInt32>.self),
    unsafeBitCast(c2 | (c3 &<< half), to: SIMD16<UInt32>.self)
  )
}

/// x · scale, or 0 where the word's number in [1, 2) is below `bound`.
@_transparent
public func dropLanes(
  _ x: Lanes, _ words: SIMD16<UInt32>, bound: Lanes, scale: Lanes
) -> Lanes {
  let mantissa = words &>> SIMD16<UInt32>(repeating: 9)
  let number = unsafeBitCast(mantissa | SIMD16<UInt32>(repeating: 0x3f80_0000), to: Lanes.self)
  return select(number, isBelow: bound, lanes(0), x * scale)
}

/// Drops elements of all rows; see `DropoutArguments`.
@_transparent
public func dropRows(_ p: UnsafePointer<DropoutArguments>) {
  let bound = lanes(p.pointee.bound)
  let scale = lanes(p.pointee.scale)
  let columns = p.pointee.columns
  var row = 0
  var t: UInt32 = 0
  while t < UInt32(truncatingIfNeeded: p.pointee.timeSteps) {
    let element = p.pointee.firstElement &+ t &* p.pointee.elementsPerStep
    var b: UInt32 = 0
    while b < UInt32(truncatingIfNeeded: p.pointee.sequences) {
      let source = p.pointee.source + row * p.pointee.sourceStride
      let destination = p.pointee.destination + row * p.pointee.destinationStride
      var unit = p.pointee.firstUnit
      var j = 0
      while j < columns {
        let words = philoxWords(
          p, stream: p.pointee.firstStream &+ b,
          element: element &+ 8 &* UInt32(truncatingIfNeeded: unit / 2))
        if unit & 1 == 0 {
          storeLanes(
            dropLanes(loadLanes(source + j), words.0, bound: bound, scale: scale),
            destination + j)
          unit += 1
          j += 16
        }
        if j < columns {
          storeLanes(
            dropLanes(loadLanes(source + j), words.1, bound: bound, scale: scale),
            destination + j)
          unit += 1
          j += 16
        }
      }
      row += 1
      b += 1
    }
    t += 1
  }
}
