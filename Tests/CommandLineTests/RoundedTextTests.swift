import Foundation
import Prediction
import Testing

/// Numbers as results have them.
@Suite struct RoundedTextTests {
  /// The text of a number that is rounded to the decimals that leave 12 or 13 digits.
  private func expected(_ number: Double) -> String {
    guard number != 0, number.isFinite else { return "\(number)" }
    let digits = 11 - Int((Double(number.exponent) * 0.301_029_995).rounded(.down))
    guard (0..<23).contains(digits) else { return "\(number)" }
    let power = (0..<digits).reduce(1.0) { product, _ in product * 10 }
    let scaled = number * power
    return scaled.magnitude < 0x1p53 ? "\(scaled.rounded() / power)" : "\(number)"
  }

  @Test func textIsThatOfTheRoundedNumber() {
    var numbers: [Double] = [
      0, -0.0, 1, -1, 7, 0.5, 0.1, 10, 99.99, 100, 1e-4, 1e-5, 123_456_789, 1e11, 1e12, 1e15, 1e16,
      1e22, 1e-300, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude,
      0.999_999_999_999_9, 9.999_999_999_999, 1.5e-4, 20, 1024,
    ]
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<100_000 {
      let scale = Double.random(in: -8...14, using: &generator)
      numbers.append(Double.random(in: -1...1, using: &generator) * pow(10, scale))
      numbers.append(Double(Int.random(in: -99_999...99_999, using: &generator)) / 1000)
      numbers.append(Double(Float(Double.random(in: -99...99, using: &generator))))
    }
    for number in numbers {
      let text = RoundedText.text(of: number)
      #expect(text == expected(number), "\(number)")
    }
    #expect(RoundedText.text(of: .nan) == "nan")
  }
}
