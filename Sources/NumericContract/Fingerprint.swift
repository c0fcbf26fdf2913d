/// The 128-bit hash by which runs compare their parameters.
package enum Fingerprint {
  /// The hash, from the two hashes of each block of 4,096 elements, in block order. Does not
  /// allocate.
  package static func combine(
    _ blockHashes: UnsafePointer<UInt64>, blockCount: Int, elementCount: Int
  ) -> (high: UInt64, low: UInt64) {
    var high = mixHash(UInt64(elementCount) &+ 1)
    var low = mixHash(UInt64(blockCount) &+ 2)
    for block in 0..<blockCount {
      high = unsafe mixHash(high ^ blockHashes[2 * block]) &+ low
      low = unsafe mixHash(low &+ blockHashes[2 * block + 1]) ^ high
    }
    return (high, low)
  }

  /// 32 hexadecimal digits of a hash.
  package static func digits(of hash: (high: UInt64, low: UInt64)) -> String {
    hexadecimal(hash.high) + hexadecimal(hash.low)
  }
}

/// A bijection in which every bit of `value` reaches every bit of the result: the finaliser of
/// MurmurHash3.
@_transparent
public func mixHash(_ value: UInt64) -> UInt64 {
  var h = value
  h ^= h >> 33
  h = h &* 0xff51_afd7_ed55_8ccd
  h ^= h >> 33
  h = h &* 0xc4ce_b9fe_1a85_ec53
  h ^= h >> 33
  return h
}
