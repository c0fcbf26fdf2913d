package import Kernels

/// Draws tokens by a model's scores. Does not allocate once it is made.
package final class TokenChooser {
  private let kernels: Kernels
  private let temperature: Double
  private let topK: Int
  /// What a token is drawn in proportion to; padding counts nothing.
  private let shares: AlignedBuffer
  /// The likeliest `topK` tokens, the likeliest first.
  private var best: [Int] = []

  /// - Parameters:
  ///   - temperature: what scores are divided by; 0 takes the likeliest token always.
  ///   - topK: draws among that many of the likeliest tokens; nil draws among all.
  package init(vocabularySize: Int, kernels: Kernels, temperature: Double, topK: Int?) {
    self.kernels = kernels
    self.temperature = temperature
    self.topK = min(topK ?? vocabularySize, vocabularySize)
    shares = AlignedBuffer(count: (vocabularySize + 15) & ~15)
    if self.topK < vocabularySize { best.reserveCapacity(self.topK + 1) }
  }

  /// The token whose share of [0, 1) holds `unit`; shares lie in the order of tokens. Of equally
  /// likely tokens the lower one comes first.
  package func choose(_ scores: UnsafeBufferPointer<Float>, unit: Double) -> Int32 {
    guard let greatest = unsafe scores.max() else { return 0 }
    if temperature == 0 { return unsafe Int32(scores.firstIndex(of: greatest) ?? 0) }
    let share = unsafe shares.pointer
    for unsafe (index, score) in unsafe scores.enumerated() {
      // Below e^-80 of the greatest nothing is left of a share.
      unsafe share[index] = Float(max(-80, Double(score - greatest) / temperature))
    }
    unsafe kernels.elementary(.exp, share, share, count: shares.count)
    if topK < scores.count { unsafe keepBest(scores) }
    var rest = 0.0
    for index in scores.indices { unsafe rest += Double(share[index]) }
    rest *= unit
    var last = 0
    for index in scores.indices where unsafe share[index] > 0 {
      unsafe rest -= Double(share[index])
      last = index
      if rest < 0 { break }
    }
    return Int32(last)
  }

  /// Sets all shares but the `topK` greatest to 0.
  private func keepBest(_ scores: UnsafeBufferPointer<Float>) {
    best.removeAll(keepingCapacity: true)
    for index in scores.indices {
      if best.count == topK, unsafe scores[index] <= scores[best[topK - 1]] { continue }
      var place = best.count
      while unsafe place > 0 && scores[index] > scores[best[place - 1]] { place -= 1 }
      best.insert(index, at: place)
      if best.count > topK { best.removeLast() }
    }
    // Kept shares stand aside as negative numbers; a share may be 0 only where it is left out.
    for index in best { unsafe shares.pointer[index] = unsafe -shares.pointer[index] }
    for index in scores.indices {
      unsafe shares.pointer[index] = unsafe max(0, -shares.pointer[index])
    }
  }
}
