/// The 128-bit hash by which runs compare their parameters.
package enum Fingerprint {
  /// 32 hexadecimal digits from the two hashes of each block of 4,096 elements, in block order.
  package static func combine(
    _ blockHashes: UnsafePointer<UInt64>, blockCount: Int, elementCount: Int
  ) -> String {
    var high = mixHash(UInt64(elementCount) &+ 1)
    var low = mixHash(UInt64(blockCount) &+ 2)
    for block in 0..<blockCount {
      high = mixHash(high ^ blockHashes[2 * block]) &+ low
      low = mixHash(low &+ blockHashes[2 * block + 1]) ^ high
    }
    return hexadecimal(high) + hexadecimal(low)
  }

  private static func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
