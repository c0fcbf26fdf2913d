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
      high = mixHash(high ^ blockHashes[2 * block]) &+ low
      low = mixHash(low &+ blockHashes[2 * block + 1]) ^ high
    }
    return (high, low)
  }

  /// 32 hexadecimal digits of a hash.
  package static func digits(of hash: (high: UInt64, low: UInt64)) -> String {
    hexadecimal(hash.high) + hexadecimal(hash.low)
  }

  private static func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
