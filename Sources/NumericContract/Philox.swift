/// The counter-based generator Philox4x32-10 (Salmon, Moraes, Dror and Shaw, 2011): four random
/// words are a pure function of key and counter, so nothing depends on who draws them or when.
package struct Philox: Sendable, Codable {
  /// What a draw is for; keeps streams of one seed apart.
  package enum Purpose: UInt64, Sendable {
    case initialization = 1
    case sampling = 2
    case gradientCheck = 3
    case benchmark = 4
    case recomputation = 5
    case dropout = 6
    case embeddingDropout = 7
    case recurrentDropout = 8
    case sampledSoftmax = 9
    case task = 16
    case taskValidation = 17
    case windowJitter = 18
  }

  /// The key's words, for kernels that count by themselves.
  package var key: (UInt32, UInt32) { (key0, key1) }

  private let key0: UInt32
  private let key1: UInt32

  package init(seed: UInt64, purpose: Purpose) { self.init(seed: seed, purpose: purpose.rawValue) }

  /// The key is a mix of both numbers, so that near seeds share nothing.
  package init(seed: UInt64, purpose: UInt64) {
    let key = Self.mix(seed, purpose)
    self.init(key: (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32)))
  }

  /// A number in which each bit depends on every bit of `seed`: SplitMix64 (Steele, Lea and Flood,
  /// 2014) at its `step`-th number.
  package static func mix(_ seed: UInt64, _ step: UInt64 = 1) -> UInt64 {
    var value = seed &+ step &* 0x9e37_79b9_7f4a_7c15
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }

  /// A generator with the two key words as they are.
  package init(key: (UInt32, UInt32)) {
    key0 = key.0
    key1 = key.1
  }

  /// Four random words at a counter.
  package func block(
    step: UInt32, stream: UInt32, layer: UInt32, element: UInt32
  ) -> SIMD4<UInt32> {
    var c = SIMD4<UInt32>(step, stream, layer, element)
    var k0 = key0
    var k1 = key1
    for round in 0..<10 {
      if round > 0 {
        k0 = k0 &+ 0x9e37_79b9
        k1 = k1 &+ 0xbb67_ae85
      }
      let first = c[0].multipliedFullWidth(by: 0xd251_1f53)
      let second = c[2].multipliedFullWidth(by: 0xcd9e_8d57)
      c = SIMD4(
        second.high ^ c[1] ^ k0, second.low, first.high ^ c[3] ^ k1, first.low)
    }
    return c
  }

  /// A number in [0, 1) with 24 bits, from one word.
  package static func unit(_ word: UInt32) -> Float { Float(word >> 8) * 0x1p-24 }
}
