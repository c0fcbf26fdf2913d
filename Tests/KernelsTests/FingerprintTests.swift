import Kernels
import Testing

/// Block hashes and the fingerprint made of them.
@Suite struct FingerprintTests {
  private func hashes(_ x: [Float], _ kernels: Kernels = Kernels(.portable)) -> [UInt64] {
    let blocks = (x.count + 4095) / 4096
    var hashes = [UInt64](repeating: 7, count: 2 * blocks + 1)
    kernels.hashBlocks(x, count: x.count, into: &hashes)
    #expect(hashes.removeLast() == 7)
    return hashes
  }

  private func fingerprint(_ x: [Float]) -> String {
    let hashes = hashes(x)
    return Fingerprint.digits(
      of: Fingerprint.combine(hashes, blockCount: hashes.count / 2, elementCount: x.count))
  }

  /// The definition, word by word: the 32-bit words of sixteen elements are eight 64-bit words.
  private func scalarHash(_ block: ArraySlice<Float>) -> [UInt64] {
    let odd: UInt64 = 0x9e37_79b9_7f4a_7c15
    func mix(_ value: UInt64) -> UInt64 {
      var h = (value ^ (value >> 33)) &* 0xff51_afd7_ed55_8ccd
      h = (h ^ (h >> 33)) &* 0xc4ce_b9fe_1a85_ec53
      return h ^ (h >> 33)
    }
    var words = block.map { UInt64($0.bitPattern) }
    while words.count % 16 != 0 { words.append(0) }
    var state = (1...8).map { UInt64($0) &* odd }
    for i in 0..<words.count / 2 {
      let word = words[2 * i] | words[2 * i + 1] << 32
      let product = (state[i % 8] ^ word) &* odd
      state[i % 8] = product << 29 | product >> 35
    }
    var first = UInt64(block.count)
    var second = ~first
    for lane in 0..<8 {
      first = mix(first ^ state[lane]) &+ odd
      second = mix(second &+ state[7 - lane]) ^ first
    }
    return [first, second]
  }

  @Test(arguments: FlatLoopTests.counts) func hashesFollowTheDefinition(count: Int) {
    var random = SeededRandom(UInt64(count) + 2)
    let x = random.floats(count)
    let expected = stride(from: 0, to: count, by: 4096).flatMap {
      scalarHash(x[$0..<min($0 + 4096, count)])
    }
    for set in InstructionSet.available {
      #expect(hashes(x, Kernels(set)) == expected, "\(set.rawValue)")
    }
  }

  @Test func flippedBitChangesItsBlockAlone() {
    var random = SeededRandom(3)
    var x = random.floats(4096 + 37)
    let before = hashes(x)
    for position in [0, 1, 7, 15, 16, 100, 4095, 4096, 4100, 4111, 4112, 4132] {
      for bit in 0..<32 {
        let old = x[position]
        x[position] = Float(bitPattern: old.bitPattern ^ (1 << bit))
        let after = hashes(x)
        x[position] = old
        let block = position / 4096
        #expect(after[2 * block] != before[2 * block], "bit \(bit) of element \(position)")
        #expect(after[2 * block + 1] != before[2 * block + 1], "bit \(bit) of \(position)")
        let other = 1 - block
        #expect(after[2 * other] == before[2 * other])
        #expect(after[2 * other + 1] == before[2 * other + 1])
      }
    }
  }

  @Test func orderLengthAndSignOfZeroMatter() {
    var random = SeededRandom(4)
    let x = random.floats(8192)
    let swapped = Array(x[4096...] + x[..<4096])
    let neighbours = [x[1], x[0]] + x[2...]
    var prints: Set<String> = [fingerprint(x), fingerprint(swapped), fingerprint(neighbours)]
    #expect(prints.count == 3)
    for count in [0, 1, 15, 16, 17, 4096, 4097, 8192] {
      prints.insert(fingerprint([Float](repeating: 0, count: count)))
    }
    prints.insert(fingerprint([-0.0]))
    #expect(prints.count == 12)
    for print in prints {
      #expect(print.count == 32)
      #expect(Set(print).isSubset(of: "0123456789abcdef"))
    }
    #expect(fingerprint(x) == fingerprint(x))
  }
}
