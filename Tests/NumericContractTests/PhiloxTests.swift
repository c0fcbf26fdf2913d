import NumericContract
import Testing

@Suite struct PhiloxTests {
  /// The known answers that the authors publish with their library (Random123, kat_vectors).
  @Test func knownAnswers() {
    let zero = Philox(key: (0, 0)).block(step: 0, stream: 0, layer: 0, element: 0)
    #expect(zero == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    let ones = UInt32.max
    let full = Philox(key: (ones, ones)).block(
      step: ones, stream: ones, layer: ones, element: ones)
    #expect(full == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    let pi = Philox(key: (0xa409_3822, 0x299f_31d0)).block(
      step: 0x243f_6a88, stream: 0x85a3_08d3, layer: 0x1319_8a2e, element: 0x0370_7344)
    #expect(pi == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test func seedsAndPurposesGiveDistinctNumbers() {
    var seen: Set<SIMD4<UInt32>> = []
    for seed in 0..<64 as Range<UInt64> {
      for purpose in [Philox.Purpose.initialization, .sampling, .gradientCheck, .benchmark] {
        let philox = Philox(seed: seed, purpose: purpose)
        seen.insert(philox.block(step: 0, stream: 0, layer: 0, element: 0))
        #expect(
          philox.block(step: 1, stream: 2, layer: 3, element: 4)
            == Philox(seed: seed, purpose: purpose).block(step: 1, stream: 2, layer: 3, element: 4))
      }
    }
    #expect(seen.count == 64 * 4)
  }

  @Test func unitNumbersFillTheUnitInterval() {
    #expect(Philox.unit(0) == 0)
    #expect(Philox.unit(.max) == 1 - 0x1p-24)
    let philox = Philox(seed: 1, purpose: .sampling)
    let draws = (0..<10_000).flatMap { element in
      let block = philox.block(step: 5, stream: 0, layer: 0, element: UInt32(element))
      return (0..<4).map { Double(Philox.unit(block[$0])) }
    }
    let mean = draws.reduce(0, +) / 40_000
    // The mean of 40,000 draws has a standard deviation of 0.0014.
    #expect((mean - 0.5).magnitude < 0.007)
    #expect(draws.allSatisfy { $0 >= 0 && $0 < 1 })
  }
}
