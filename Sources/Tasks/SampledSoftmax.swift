import NumericContract

/// A softmax over a large vocabulary that is trained on some of its outputs at a time (Jean, Cho,
/// Memisevic and Bengio, 2015; Blanc and Rendle, 2018).
///
/// Every step draws N outputs with replacement, j with probability q_j in proportion to
/// popularity^α, and all rows of its batch share them. A row's scores are that of its target, as it
/// is, and of each output j that was drawn c_j times
/// ```
/// s_j + log(c_j) − log(N q_j)
/// ```
/// where the target itself is left out: the expected sum of their exponentials is then that of the
/// full softmax. Which outputs are drawn is a function of seed, step and popularity alone.
/// Evaluations have the full softmax.
package struct SampledSoftmax: Sendable, Equatable {
  /// Draws of a step (N).
  package let draws: Int
  /// The share of every output and those before it of `ends.last`; empty where nothing is trained.
  private let ends: [UInt64]
  private let generator: Philox

  package static func == (left: Self, right: Self) -> Bool {
    left.draws == right.draws && left.ends == right.ends
      && left.generator.key == right.generator.key
  }

  /// - Parameters:
  ///   - popularity: how often each output is a target of training; nothing where none is to be
  ///     drawn. One that never is counts once, so that it can be drawn.
  package init(draws: Int, power: Double, popularity: [Int], seed: UInt64) {
    precondition(draws > 0, "\(draws) draws")
    self.draws = draws
    generator = Philox(seed: seed, purpose: .sampledSoftmax)
    var sum: UInt64 = 0
    ends = popularity.map { count in
      let weight = Elementary.exp(power * Elementary.log(Double(max(1, count))))
      sum += UInt64((65_536 * weight).rounded())
      return sum
    }
  }

  /// Outputs that can be drawn.
  package var outputCount: Int { ends.count }

  /// The output of one draw of a step. Does not allocate.
  package func output(ofDraw draw: Int, step: UInt32) -> Int {
    let words = generator.block(
      step: step, stream: 0, layer: 0, element: UInt32(truncatingIfNeeded: draw / 2))
    let place = 2 * (draw % 2)
    let bits = UInt64(words[place]) << 32 | UInt64(words[place + 1])
    let value = bits.multipliedFullWidth(by: ends[ends.count - 1]).high
    var (low, high) = (0, ends.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if ends[middle] > value { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// What is added to the score of an output that was drawn `times` times: log(c) − log(N q).
  package func correction(ofOutput output: Int, drawn times: Int) -> Double {
    let weight = ends[output] - (output == 0 ? 0 : ends[output - 1])
    let expected = Double(draws) * (Double(weight) / Double(ends[ends.count - 1]))
    return Elementary.log(Double(times)) - Elementary.log(expected)
  }
}
