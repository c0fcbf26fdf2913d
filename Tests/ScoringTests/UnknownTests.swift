import Corpora
import Foundation
import Records
import Scoring
import Tasks
import Testing

/// Unknown targets are said, and no bits per byte are claimed for them.
@Suite struct UnknownTests {
  private static func score(unknown: Int, bytes: Int) -> Score {
    var score = Score(
      task: TaskName.language.description, loss: 2, lossMetric: 0, targets: 1000, bytes: bytes,
      outputs: 10)
    score.unknownTargets = unknown
    return score
  }

  @Test func unknownTargetsAreMarked() {
    let score = Self.score(unknown: 31, bytes: 4000)
    #expect(score.words.contains("3.1 % of them unknown"))
    #expect(!score.words.contains("bits/byte"))
    #expect(score.measures["unknown_targets"] == 31)
    #expect(score.measures["bits_per_byte"] != nil)
    #expect(Self.score(unknown: 0, bytes: 4000).words.contains("bits/byte"))
    #expect(Self.score(unknown: 0, bytes: 4000).measures["unknown_targets"] == nil)
  }

  @Test func targetsWithoutBytesHaveNoBitsPerByte() {
    let score = Self.score(unknown: 0, bytes: 0)
    #expect(!score.words.contains("bits"))
    #expect(!score.words.contains("inf"))
    #expect(score.measures["bits_per_byte"] == nil)
  }

  @Test(arguments: [
    (0, 10, "0.0 %"), (1, 10, "10.0 %"), (1, 100_000, "less than 0.1 %"), (3, 3, "100.0 %"),
  ])
  func sharesAreInPercent(part: Int, whole: Int, words: String) {
    #expect(Format.share(part, of: whole) == words)
  }
}
