import Records
import Testing

@Suite struct SaturationTests {
  @Test func conversionsTakeAnyNumber() {
    #expect(Int(saturating: 2.9) == 2)
    #expect(Int(saturating: -2.9) == -2)
    #expect(Int(saturating: 1e300) == .max)
    #expect(Int(saturating: -.infinity) == .min)
    #expect(Int(saturating: .nan) == 0)
    #expect(Int(saturating: Double.leastNonzeroMagnitude) == 0)
  }

  @Test func sumsAndProductsEndAtTheGreatestInteger() {
    #expect(Int.saturatedProduct(3, 5, 7) == 105)
    #expect(Int.saturatedProduct(1 << 40, 1 << 40) == .max)
    #expect(Int.saturatedProduct(1 << 40, 1 << 40, 0) == 0)
    #expect(Int.saturatedSum(1, 2) == 3)
    #expect(Int.saturatedSum(.max, 1) == .max)
  }
}
