import Corpora
import Datasets
import Foundation
import Records
import Scoring
import Tasks
import Testing

@Suite struct OutputDecoderTests {
  private func decode(
    _ task: TaskDescription, _ scores: [Float], frame: TaskFrame? = nil
  ) throws -> DecodedOutput {
    let decoder = try OutputDecoder(
      task: task, tokenizer: .byte, frame: frame, outputs: scores.count, path: "test")
    return scores.withUnsafeBufferPointer { decoder.decode($0) }
  }

  private func frame(_ json: String) throws -> TaskFrame {
    try TaskFrame(json: JSONFields(try OrderedJSON(parsing: json)))
  }

  @Test func tokensAreBytesOfText() throws {
    var scores = [Float](repeating: 0, count: 256)
    scores[65] = 3
    #expect(try decode(TaskName.language.description, scores) == .token(65, bytes: [65]))
    #expect(try decode(TaskName.copy.description, [1, 4, 4]) == .symbol(1))
  }

  @Test func classesHaveTheirNamesAndProbabilities() throws {
    let frame = try frame(#"{"columns": ["x"], "classes": ["down", "up"]}"#)
    let output = try decode(TaskName.classification.description, [0, Float(log(3.0))], frame: frame)
    guard case .category(let name, let probability) = output else {
      Issue.record("\(output)")
      return
    }
    #expect(name == "up")
    #expect(abs(probability - 0.75) < 1e-7)
  }

  /// Scores that are hundreds apart, and such that are no numbers, are no trap.
  @Test func extremeScoresHaveProbabilities() throws {
    let frame = try frame(#"{"columns": ["x"], "classes": ["down", "up"]}"#)
    let decoder = try OutputDecoder(
      task: TaskName.classification.description, tokenizer: .byte, frame: frame, outputs: 2,
      path: "test")
    func likeliest(_ scores: [Float]) -> [NamedNumber] {
      scores.withUnsafeBufferPointer { decoder.likeliest($0, count: 2) }
    }
    #expect(likeliest([-2000, 2000]).map(\.name) == ["up", "down"])
    #expect(likeliest([-2000, 2000]).map { Float($0.number) } == [1, 0])
    #expect(likeliest([.nan, 1]).map { $0.number.isNaN } == [true, true])
    let category = try decode(TaskName.classification.description, [900, -900], frame: frame)
    #expect(category == .category("down", probability: 1))
    let labels = try self.frame(#"{"columns": ["a", "b"]}"#)
    let said = try decode(TaskName.multilabel.description, [-3000, 3000], frame: labels)
    guard case .labels(let numbers) = said else {
      Issue.record("\(said)")
      return
    }
    #expect(numbers.map { Float($0.number) } == [0, 1])
  }

  @Test func labelsAreNamedAfterColumns() throws {
    let frame = try frame(#"{"columns": ["c4", "d4"]}"#)
    let output = try decode(TaskName.multilabel.description, [0, -100], frame: frame)
    guard case .labels(let labels) = output else {
      Issue.record("\(output)")
      return
    }
    #expect(labels.map(\.name) == ["c4", "d4"])
    #expect(labels[0].number == 0.5)
    #expect(labels[1].number < 1e-40)
  }

  @Test func forecastsAreInTheUnitsOfTheData() throws {
    let frame = try frame(
      #"""
      {"columns": ["a", "b", "c"], "targets": ["c", "a"], "means": [1, 2, 30],
       "deviations": [2, 1, 10]}
      """#)
    let output = try decode(TaskName.forecasting.description, [0, 1, -1, 0.5], frame: frame)
    #expect(
      output
        == .values([
          [NamedNumber("c", 30), NamedNumber("a", 3)],
          [NamedNumber("c", 20), NamedNumber("a", 2)],
        ]))
    #expect(
      try decode(TaskName.adding.description, [0.5]) == .values([[NamedNumber("output 1", 0.5)]]))
  }

  @Test func frameOfAnotherModelIsAnError() throws {
    let frame = try frame(#"{"columns": ["a", "b"], "classes": ["x", "y"], "targets": ["a", "b"]}"#)
    for (name, scores) in [
      (TaskName.classification, 3), (.multilabel, 3), (.forecasting, 3),
    ] {
      #expect {
        _ = try decode(name.description, [Float](repeating: 0, count: scores), frame: frame)
      } throws: { "\($0)".contains("3 outputs") }
    }
  }
}
