import Foundation
import Kernels
import Scoring
import Testing

@Suite struct SamplingTests {
  private let scores: [Float] = [0, 2, 1, 2, -5]

  private func choose(_ sampling: Sampling, _ unit: Double) -> Int32 {
    let chooser = TokenChooser(
      vocabularySize: scores.count, kernels: Kernels(.portable, precision: .fp32),
      temperature: sampling.temperature, topK: sampling.topK, topP: sampling.topP,
      excluded: sampling.leavesUnknownOut ? 1 : nil)
    return scores.withUnsafeBufferPointer { chooser.choose($0, unit: unit) }
  }

  @Test func temperatureZeroPicksTheLikeliestAndLowestOfEquals() {
    var sampling = Sampling(path: "x")
    sampling.temperature = 0
    #expect(choose(sampling, 0) == 1)
    #expect(choose(sampling, 0.999) == 1)
  }

  @Test func tokensAreDrawnInProportion() {
    let sampling = Sampling(path: "x")
    var counts = [Int](repeating: 0, count: 5)
    let draws = 10_000
    for index in 0..<draws {
      counts[Int(choose(sampling, (Double(index) + 0.5) / Double(draws)))] += 1
    }
    // exp of the scores over their sum.
    let shares = [0.05404, 0.39934, 0.14691, 0.39934, 0.00036]
    for (count, share) in zip(counts, shares) {
      #expect(abs(Double(count) / Double(draws) - share) < 5e-4)
    }
  }

  @Test func topKExcludesTheRest() {
    var sampling = Sampling(path: "x")
    sampling.topK = 2
    let drawn = Set((0..<1000).map { choose(sampling, Double($0) / 1000) })
    #expect(drawn == [1, 3])
    sampling.topK = 4
    #expect(Set((0..<1000).map { choose(sampling, Double($0) / 1000) }) == [0, 1, 2, 3])
    sampling.topK = 1
    #expect(choose(sampling, 0.999) == 1)
    sampling.topK = 99
    #expect(choose(sampling, 0.99999) == 4)
  }

  private func drawn(_ sampling: Sampling) -> Set<Int32> {
    Set((0..<1000).map { choose(sampling, (Double($0) + 0.5) / 1000) })
  }

  /// Shares are 0.054, 0.399, 0.147, 0.399 and less than 0.001.
  @Test func topPKeepsTheFewestLikeliestTokens() {
    for (part, kept) in [
      (0.01, [1]), (0.39, [1]), (0.4, [1, 3]), (0.79, [1, 3]), (0.8, [1, 2, 3]),
      (0.95, [0, 1, 2, 3]), (1, [0, 1, 2, 3]),
    ] as [(Double, Set<Int32>)] {
      var sampling = Sampling(path: "x")
      sampling.topP = part
      #expect(drawn(sampling) == kept, "\(part)")
    }
    // Of the two that are left, each has half.
    var both = Sampling(path: "x")
    both.topK = 2
    both.topP = 0.5
    #expect(drawn(both) == [1])
    both.topP = 0.51
    #expect(drawn(both) == [1, 3])
    #expect(choose(both, 0.4999) == 1)
    #expect(choose(both, 0.5001) == 3)
  }

  @Test func topPAgreesWithSortingRandomScores() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      let count = Int.random(in: 1...40, using: &generator)
      let scores = (0..<count).map { _ in Float(Int.random(in: -9...3, using: &generator)) / 2 }
      let part = Double.random(in: 0.01...1, using: &generator)
      let chooser = TokenChooser(
        vocabularySize: count, kernels: Kernels(.portable, precision: .fp32), temperature: 1,
        topP: part)
      let drawn = scores.withUnsafeBufferPointer { scores in
        Set((0..<4000).map { chooser.choose(scores, unit: (Double($0) + 0.5) / 4000) })
      }
      let shares = scores.map { Double($0) }.map { exp($0) }
      let total = shares.reduce(0, +)
      var sum = 0.0
      var kept: Set<Int32> = []
      for index in (0..<count).sorted(by: { (-shares[$0], $0) < (-shares[$1], $1) })
      where sum < part * total - 1e-4 * total {
        kept.insert(Int32(index))
        sum += shares[index]
      }
      // What is very rare may not be drawn, and sums may be rounded at the border.
      #expect(drawn.isSubset(of: kept) || abs(sum - part * total) < 2e-4 * total)
    }
  }

  @Test func excludedTokenIsNeverDrawn() {
    var sampling = Sampling(path: "x")
    sampling.leavesUnknownOut = true
    #expect(drawn(sampling) == [0, 2, 3, 4])
    sampling.topK = 2
    #expect(drawn(sampling) == [2, 3])
    sampling.topP = 0.5
    #expect(drawn(sampling) == [3])
    sampling.temperature = 0
    #expect(drawn(sampling) == [3])
  }

  /// Whatever the pieces are in which a text comes.
  @Test(arguments: [
    (["bb"], "aabab", "bb"), (["bb"], "aabab", "bbab"), (["abc", "bc"], "ab", "c and more"),
    (["x", "yz"], "aay", "ay"), ([], "all", ""), (["ab", "ba"], "", "ba"),
    (["\n\n"], "one\ntwo\n", "\n\nthree"),
  ])
  func textsEndBeforeWhatStopsThem(stops: [String], before: String, after: String) {
    let whole = Array((before + after).utf8)
    var places = stops.compactMap { stop -> (Int, String)? in
      let place = whole.indices.first { whole[$0...].starts(with: Array(stop.utf8)) }
      return place.map { ($0, stop) }
    }
    places.sort { $0.0 < $1.0 }
    for size in 1...whole.count {
      var text = StoppedText(stops: stops)
      var emitted: [UInt8] = []
      for start in stride(from: 0, to: whole.count, by: size) {
        emitted += text.append(Array(whole[start..<min(whole.count, start + size)]))
        // Nothing is handed on that may turn out to be no part of the text.
        #expect(emitted.count <= places.first?.0 ?? whole.count)
      }
      emitted += text.finish()
      #expect(text.stop == places.first?.1)
      #expect(emitted == Array(whole[..<(places.first?.0 ?? whole.count)]))
      #expect(text.bytes == emitted)
    }
  }

  @Test func impossibleRequestsAreErrors() {
    func message(_ change: (inout Sampling) -> Void) -> String {
      var sampling = Sampling(path: "x")
      change(&sampling)
      do {
        try sampling.validate()
        return "fine"
      } catch {
        return "\(error)"
      }
    }
    #expect(message { _ in } == "fine")
    #expect(message { $0.length = 0 }.hasPrefix("--length"))
    #expect(message { $0.temperature = -1 }.hasPrefix("--temperature"))
    #expect(message { $0.temperature = .nan }.hasPrefix("--temperature"))
    #expect(message { $0.topK = 0 }.hasPrefix("--top-k"))
    #expect(message { $0.seed = -1 }.hasPrefix("--seed"))
    for part in [0, -1, 1.1, .nan] { #expect(message { $0.topP = part }.hasPrefix("--top-p")) }
    #expect(message { $0.count = 0 }.hasPrefix("--count"))
    #expect(message { $0.stops = ["a", ""] }.hasPrefix("--stop"))
  }
}
