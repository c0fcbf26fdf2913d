import Kernels
import Scoring
import Testing

@Suite struct SamplingTests {
  private let scores: [Float] = [0, 2, 1, 2, -5]

  private func choose(_ sampling: Sampling, _ unit: Double) -> Int32 {
    let chooser = TokenChooser(
      vocabularySize: scores.count, kernels: Kernels(.portable, precision: .fp32),
      temperature: sampling.temperature, topK: sampling.topK)
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
  }
}
