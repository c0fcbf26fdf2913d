import Kernels

/// What a model leaves out at random while it trains, and never otherwise.
///
/// Every choice is a counted random number: a pure function of seed, step and place, so that nothing
/// depends on who computes it, nor on when a run was stopped.
package struct Regularization: Sendable, Equatable {
  /// The probability that an element of a layer's input, or of the output layer's, is dropped
  /// (Zaremba, Sutskever and Vinyals, 2014).
  package var dropout = 0.0
  /// Whether all time steps of a window drop the same elements (Gal and Ghahramani, 2016).
  package var isLocked = false
  package var seed: UInt64 = 0

  package init() {}

  /// Whether anything is left out at all.
  package var isActive: Bool { dropout > 0 }

  /// The multiplier of one element of a layer's input: 0, or 1 / (1 − p).
  ///
  /// The plain form of what `Kernels.dropRows` computes for whole rows.
  ///
  /// - Parameters:
  ///   - layer: the layer, or the number of layers for the output layer.
  ///   - sequence: the sequence within the global batch.
  package func factor(
    step: UInt32, layer: Int, sequence: Int, time: Int, column: Int, columns: Int
  ) -> Double {
    let unit = column / 16
    let element = (isLocked ? 0 : time * Self.elements(columns)) + 8 * (unit / 2) + column % 16 / 2
    let words = Philox(seed: seed, purpose: .dropout).block(
      step: step, stream: UInt32(sequence), layer: UInt32(layer),
      element: UInt32(truncatingIfNeeded: element))
    return DropRate(dropout).factor(words[2 * (unit % 2) + column % 2])
  }

  /// Philox blocks of one row.
  static func elements(_ columns: Int) -> Int { (columns + 31) / 32 * 8 }
}

/// A probability of being dropped in the form that is compared with random words.
struct DropRate {
  /// 1 + p.
  let bound: Float
  /// 1 / (1 − p).
  let scale: Float

  init(_ probability: Double) {
    bound = Float(1 + probability)
    scale = Float(1 / (1 - probability))
  }

  /// 0 or `scale`.
  func factor(_ word: UInt32) -> Double {
    Float(bitPattern: word >> 9 | 0x3f80_0000) < bound ? 0 : Double(scale)
  }
}
