public import NumericContract

/// c = a + b; c may be a or b.
@_transparent
public func addArrays(
  _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>,
  _ count: Int
) {
  var i = 0
  while i + 16 <= count {
    storeLanes(loadLanes(a + i) + loadLanes(b + i), c + i)
    i += 16
  }
  while i < count {
    c[i] = a[i] + b[i]
    i += 1
  }
}

/// c = a - b; c may be a or b.
@_transparent
public func subtractArrays(
  _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>,
  _ count: Int
) {
  var i = 0
  while i + 16 <= count {
    storeLanes(loadLanes(a + i) - loadLanes(b + i), c + i)
    i += 16
  }
  while i < count {
    c[i] = a[i] - b[i]
    i += 1
  }
}

/// The sum of squares of each block of 4,096 elements: sixteen lanes of fused multiply-adds, then
/// the lane tree. `count` is rounded down to a multiple of 16 by contract: arenas are padded with
/// zeros.
@_transparent
public func blockSquares(
  _ x: UnsafePointer<Float>, _ count: Int, _ blocks: UnsafeMutablePointer<Double>
) {
  var start = 0
  var block = 0
  while start < count {
    let end = min(start + canonicalBlock, count)
    var sum = Lanes()
    var i = start
    while i + 16 <= end {
      let value = loadLanes(x + i)
      sum = multiplyAdd(value, value, sum)
      i += 16
    }
    if i < end {
      var tail = Lanes()
      var lane = 0
      while i < end {
        tail[lane] = x[i]
        lane += 1
        i += 1
      }
      sum = multiplyAdd(tail, tail, sum)
    }
    blocks[block] = Double(treeSum(sum))
    block += 1
    start = end
  }
}

/// Two 64-bit hashes of each block of 4,096 elements' bits: sixteen 32-bit words at a time enter
/// eight 64-bit lanes by multiply-xor-rotate; the lanes are mixed with the finaliser of MurmurHash3
/// (a public-domain hash by Austin Appleby).
@_transparent
public func blockHashes(
  _ x: UnsafePointer<Float>, _ count: Int, _ hashes: UnsafeMutablePointer<UInt64>
) {
  typealias Words = SIMD8<UInt64>
  let odd = Words(repeating: 0x9e37_79b9_7f4a_7c15)
  let left = Words(repeating: 29)
  let right = Words(repeating: 35)
  var start = 0
  var block = 0
  while start < count {
    let end = min(start + canonicalBlock, count)
    var state = Words(1, 2, 3, 4, 5, 6, 7, 8) &* odd
    var i = start
    while i < end {
      var words: Words
      if i + 16 <= end {
        words = UnsafeRawPointer(x + i).loadUnaligned(as: Words.self)
      } else {
        var tail = Lanes()
        var lane = 0
        while i + lane < end {
          tail[lane] = x[i + lane]
          lane += 1
        }
        words = unsafeBitCast(tail, to: Words.self)
      }
      state = (state ^ words) &* odd
      state = (state &<< left) | (state &>> right)
      i += 16
    }
    var first: UInt64 = UInt64(end - start)
    var second: UInt64 = ~first
    var lane = 0
    while lane < 8 {
      first = mixHash(first ^ state[lane]) &+ 0x9e37_79b9_7f4a_7c15
      second = mixHash(second &+ state[7 - lane]) ^ first
      lane += 1
    }
    hashes[2 * block] = first
    hashes[2 * block + 1] = second
    block += 1
    start = end
  }
}
