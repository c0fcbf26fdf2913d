import Kernels

/// What a model leaves out at random while it trains, and never otherwise.
///
/// Every choice is a counted random number: a pure function of seed, step and place, so that
/// nothing depends on who computes it, nor on when a run was stopped.
package struct Regularization: Sendable, Equatable {
  /// The probability that an element of a layer's input, or of the output layer's, is dropped
  /// (Zaremba, Sutskever and Vinyals, 2014).
  package var dropout = 0.0
  /// Whether all time steps of a window drop the same elements (Gal and Ghahramani, 2016).
  package var isLocked = false
  /// The probability that a token is dropped as an input, wherever a step's batch has it: its whole
  /// embedding is then 0 (Gal and Ghahramani, 2016; Merity, Keskar and Socher, 2018).
  package var embeddingDropout = 0.0
  /// The probability that a recurrent weight is dropped for a whole step: DropConnect (Wan, Zeiler,
  /// Zhang, LeCun and Fergus, 2013) as Merity, Keskar and Socher (2018) use it.
  package var recurrentDropout = 0.0
  package var seed: UInt64 = 0
  /// The part of each target of a softmax that all classes share in training (Szegedy et al.,
  /// 2016).
  package var labelSmoothing = 0.0
  var smoothing: Float { Float(labelSmoothing) }
  /// What each class's losses count in training; empty where all count 1.
  package var classWeights: [Float] = []

  package init() {}

  /// The multiplier of a token's embedding: 0, or 1 / (1 − p).
  package func embeddingFactor(step: UInt32, token: Int) -> Float {
    let words = Philox(seed: seed, purpose: .embeddingDropout).block(
      step: step, stream: 0, layer: 0, element: UInt32(token / 4))
    return Float(DropRate(embeddingDropout).factor(words[token % 4]))
  }

  /// The multiplier of one recurrent weight, counted row by row through z, r and h.
  package func recurrentFactor(step: UInt32, direction: Int, weight: Int) -> Double {
    let unit = weight / 16
    let words = Philox(seed: seed, purpose: .recurrentDropout).block(
      step: step, stream: 0, layer: UInt32(direction),
      element: UInt32(8 * (unit / 2) + weight % 16 / 2))
    return DropRate(recurrentDropout).factor(words[2 * (unit % 2) + weight % 2])
  }

  /// Drops recurrent weights, or elements of their gradient, of a direction.
  ///
  /// - Parameters:
  ///   - units: runs of 16 weights from the direction's first; the last may reach into the gap.
  ///   - source: the direction's first weight, as `destination`; they may be the same.
  func dropRecurrent(
    step: UInt32, direction: Int, units: Range<Int>, _ source: UnsafePointer<Float>,
    into destination: UnsafeMutablePointer<Float>, kernels: Kernels
  ) {
    let rate = DropRate(recurrentDropout)
    let count = 16 * units.count
    kernels.dropRows(
      DropoutArguments(
        source: source + 16 * units.lowerBound, sourceStride: count,
        destination: destination + 16 * units.lowerBound, destinationStride: count,
        timeSteps: 1, sequences: 1, columns: count,
        key: Philox(seed: seed, purpose: .recurrentDropout).key, step: step,
        layer: UInt32(direction), firstStream: 0, firstElement: 0, elementsPerStep: 0,
        firstUnit: units.lowerBound, bound: rate.bound, scale: rate.scale))
  }

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
