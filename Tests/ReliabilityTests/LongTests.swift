import Foundation
import Records

/// The long form of these tests, with many more cases, for campaigns.
enum LongTests {
  /// Whether GRU_DIST_LONG_TESTS asks for it.
  static let areOn = ProcessInfo.processInfo.environment["GRU_DIST_LONG_TESTS"] == "1"

  /// Says what a long form tried.
  static func report(_ text: String) { if areOn { Console.complain(text) } }
}

extension ContinuousClock.Instant {
  var secondsUntilNow: String { Format.fixed((ContinuousClock.now - self).seconds, 1) }
}

/// SplitMix64, a small generator whose numbers depend on the seed alone.
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
