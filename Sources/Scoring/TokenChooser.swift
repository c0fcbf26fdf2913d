package import Kernels

/// Draws tokens by a model's scores. Does not allocate once it is made.
package final class TokenChooser {
  private let kernels: Kernels
  private let temperature: Double
  private let topK: Int
  /// Draws among the likeliest tokens that have this part of all shares together.
  private let topP: Double
  /// The token that is never drawn.
  private let excluded: Int?
  /// What a token is drawn in proportion to; padding counts nothing.
  private let shares: AlignedBuffer
  /// The likeliest `topK` tokens, the likeliest first.
  private var best: [Int] = []
  /// Tokens with a share, a heap whose root has the greatest.
  private var heap: [Int] = []

  /// - Parameters:
  ///   - temperature: what scores are divided by; 0 takes the likeliest token always.
  ///   - topK: draws among that many of the likeliest tokens; nil draws among all.
  ///   - topP: draws among the fewest of the likeliest tokens that have this part of the
  ///     probability, of what `topK` leaves; nil draws among all.
  ///   - excluded: a token that is never drawn.
  package init(
    vocabularySize: Int, kernels: Kernels, temperature: Double, topK: Int? = nil,
    topP: Double? = nil, excluded: Int32? = nil
  ) {
    self.kernels = kernels
    self.temperature = temperature
    self.topK = min(topK ?? vocabularySize, vocabularySize)
    self.topP = topP ?? 1
    self.excluded = excluded.map { Int($0) }
    shares = AlignedBuffer(count: (vocabularySize + 15) & ~15)
    if self.topK < vocabularySize { best.reserveCapacity(self.topK + 1) }
    if self.topP < 1 { heap.reserveCapacity(vocabularySize) }
  }

  /// The token whose share of [0, 1) holds `unit`; shares lie in the order of tokens. Of equally
  /// likely tokens the lower one comes first.
  package func choose(_ scores: UnsafeBufferPointer<Float>, unit: Double) -> Int32 {
    guard let likeliest = unsafe likeliest(scores) else { return 0 }
    if temperature == 0 { return Int32(likeliest) }
    let greatest = unsafe scores[likeliest]
    let share = unsafe shares.pointer
    for unsafe (index, score) in unsafe scores.enumerated() {
      // Below e^-80 of the greatest nothing is left of a share; what is excluded may lie above it.
      unsafe share[index] = Float(max(-80, min(0, Double(score - greatest) / temperature)))
    }
    unsafe kernels.elementary(.exp, share, share, count: shares.count)
    if let excluded, excluded < scores.count { unsafe share[excluded] = 0 }
    if topK < scores.count { unsafe keepBest(scores) }
    if topP < 1 { keepNucleus(of: scores.count) }
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

  /// The token of the greatest score, the lowest of equals; nil where none may be drawn.
  private func likeliest(_ scores: UnsafeBufferPointer<Float>) -> Int? {
    var likeliest: Int?
    for index in scores.indices where index != excluded {
      if let known = likeliest, unsafe scores[index] <= scores[known] { continue }
      likeliest = index
    }
    return likeliest
  }

  /// Sets all shares but the `topK` greatest to 0.
  private func keepBest(_ scores: UnsafeBufferPointer<Float>) {
    best.removeAll(keepingCapacity: true)
    for index in scores.indices where index != excluded {
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

  /// Sets the shares of all tokens to 0 that are not among the fewest of the likeliest that have
  /// `topP` of the sum; the likeliest stays always.
  private func keepNucleus(of count: Int) {
    heap.removeAll(keepingCapacity: true)
    var total = 0.0
    for index in 0..<count where unsafe shares.pointer[index] > 0 {
      unsafe total += Double(shares.pointer[index])
      heap.append(index)
    }
    for place in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(place) }
    var sum = 0.0
    while let likeliest = heap.first {
      unsafe sum += Double(shares.pointer[likeliest])
      heap.swapAt(0, heap.count - 1)
      heap.removeLast()
      if sum >= topP * total { break }
      sink(0)
    }
    for index in heap { unsafe shares.pointer[index] = 0 }
  }

  /// Lets the token at a place of the heap sink to where it belongs.
  private func sink(_ place: Int) {
    var place = place
    while true {
      var first = place
      for child in 2 * place + 1..<2 * place + 3
      where child < heap.count && isBefore(heap[child], heap[first]) {
        first = child
      }
      if first == place { return }
      heap.swapAt(place, first)
      place = first
    }
  }

  /// Whether a token is likelier than another one, or as likely and lower.
  private func isBefore(_ a: Int, _ b: Int) -> Bool {
    let (first, second) = unsafe (shares.pointer[a], shares.pointer[b])
    return first > second || first == second && a < b
  }
}
