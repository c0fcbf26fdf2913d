import NumericContract

/// The SplitMix64 generator: one seed gives one run of test values everywhere.
struct SeededRandom: RandomNumberGenerator {
  private let seed: UInt64
  private var step: UInt64 = 0

  init(_ seed: UInt64) { self.seed = seed }

  mutating func next() -> UInt64 {
    step += 1
    return Philox.mix(seed, step)
  }

  /// `count` floats, uniform in `range`.
  mutating func floats(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Float] {
    (0..<count).map { _ in Float.random(in: range, using: &self) }
  }
}
