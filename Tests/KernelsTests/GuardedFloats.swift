import NumericContract

/// Floats between two runs of guards.
///
/// Inputs are guarded by NaN, so that a read outside spoils a result; outputs by a finite number
/// that no test computes, so that a write outside shows.
final class GuardedFloats {
  static let inputGuard = Float.nan
  static let outputGuard = Float(bitPattern: 0xdead_beef)
  private static let guardCount = 64

  /// The first of `count` floats; 64 readable guards lie on either side.
  let pointer: UnsafeMutablePointer<Float>
  let count: Int
  private let guardValue: Float

  /// An output: all floats hold the output guard.
  init(outputCount count: Int) {
    guardValue = Self.outputGuard
    self.count = count
    pointer = Self.allocate(count: count, filledWith: guardValue)
  }

  /// An input that holds `values`.
  init(_ values: [Float]) {
    guardValue = Self.inputGuard
    count = values.count
    pointer = Self.allocate(count: count, filledWith: guardValue)
    for i in 0..<count { pointer[i] = values[i] }
  }

  deinit { (pointer - Self.guardCount).deallocate() }

  private static func allocate(
    count: Int, filledWith value: Float
  ) -> UnsafeMutablePointer<Float> {
    let base = UnsafeMutablePointer<Float>.allocate(capacity: count + 2 * guardCount)
    base.initialize(repeating: value, count: count + 2 * guardCount)
    return base + guardCount
  }

  var values: [Float] { (0..<count).map { pointer[$0] } }

  /// Whether nothing was written on either side.
  var guardsAreIntact: Bool {
    let bits = guardValue.bitPattern
    return (1...Self.guardCount).allSatisfy {
      pointer[-$0].bitPattern == bits && pointer[count + $0 - 1].bitPattern == bits
    }
  }
}

/// Where two runs of floats first differ in a bit, in words; nil if nowhere. Any NaN equals any
/// other.
func firstDifference(_ found: [Float], _ expected: [Float]) -> String? {
  if found.count != expected.count { return "\(found.count) floats, not \(expected.count)" }
  for i in 0..<found.count where found[i].bitPattern != expected[i].bitPattern {
    if found[i].isNaN, expected[i].isNaN { continue }
    return "element \(i): found \(found[i]), expected \(expected[i])"
  }
  return nil
}

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
