import Foundation
import Records
import Testing

/// What is set aside for a test is measured by `evaluate --test`, and by nothing else.
@Suite(.serialized) struct SplitCommandTests {
  private func forecasts(_ place: Workplace, tail: (Int) -> Double) throws {
    let rows = (0..<240).map { row in
      let number = row < 180 ? sin(Double(row) / 3) + 0.01 * Double(row) : tail(row)
      let (day, hour) = (1 + row / 24, row % 24)
      return "2020-03-\(day < 10 ? "0" : "")\(day) \(hour < 10 ? "0" : "")\(hour):00,\(number)"
    }
    try place.write("series.csv", (["date,x"] + rows).joined(separator: "\n"))
    try place.write(
      "forecast.json",
      """
      {
        "task": "forecasting",
        "data": {
          "train": "series.csv", "horizon": 3,
          "split": {
            "by": "time", "column": "date", "valid": "2020-03-06 12:00",
            "test": "2020-03-08 12:00"
          }
        },
        "model": { "hidden": 8 }, "batch": { "sequences": 8, "window": 12 },
        "run": { "directory": "run", "steps": 6, "log_every": 1, "validate_every": 6 }
      }
      """)
  }

  @Test func trainingDoesNotSeeTheTestPart() throws {
    var trajectories: [[String]] = []
    var losses: [OrderedJSON?] = []
    for factor in [1.0, -50] {
      let place = try Workplace()
      try forecasts(place) { factor * Double($0 * $0 % 17) }
      let job = try place.run("forecast.json", ranks: 2)
      #expect(job.status == 0, "\(job)")
      #expect(job.output.contains("test        58 windows, kept for evaluate --test"), "\(job)")
      trajectories.append(try place.trajectory())
      let plain = try place.run("evaluate", "run", "--json")
      losses.append(try OrderedJSON(parsing: plain.output)["loss"])
      let tested = try place.run("evaluate", "run", "--test", "--json", ranks: 2)
      #expect(tested.status == 0, "\(tested)")
      let record = try OrderedJSON(parsing: tested.output)
      #expect(record["part"] == "test")
      #expect(record["tokens"] == 58)
      #expect(record["text"] == "the test part of series.csv")
      #expect(record["loss"] != losses.last)
      // The same on every instruction set and at any number of ranks.
      let again = try place.run("evaluate", "run", "--test", "--json", "--isa", "portable")
      #expect(try OrderedJSON(parsing: again.output)["loss"] == record["loss"], "\(again)")
    }
    #expect(trajectories[0] == trajectories[1])
    #expect(losses[0] == losses[1])
  }

  @Test func textsHaveATestPartAtTheirEnd() throws {
    let place = try Workplace()
    let job = try place.run(
      "config.json", "--set", "data.tokenizer=word", "--set", "data.test_fraction=0.2", ranks: 2)
    #expect(job.status == 0, "\(job)")
    #expect(job.output.contains("kept for evaluate --test"), "\(job)")
    var records: [OrderedJSON] = []
    for ranks in [nil, 3] {
      let tested = try place.run("evaluate", "run", "--test", "--json", ranks: ranks)
      #expect(tested.status == 0, "\(tested)")
      records.append(try OrderedJSON(parsing: tested.output))
    }
    #expect(records[0] == records[1])
    #expect(records[0]["loss_of_unigram"] != nil)
    let last = try #require(try place.records().last { $0["kind"] == "valid" })
    let plain = try place.run("evaluate", "run", "--json")
    #expect(try OrderedJSON(parsing: plain.output)["loss"] == last["loss"])
    #expect(last["loss"] != records[0]["loss"])
  }

  @Test func aTestFileIsReadByEvaluateAlone() throws {
    let place = try Workplace()
    let job = try place.run("config.json", "--set", "data.test=later.txt")
    #expect(job.status == 0, "\(job)")
    #expect(job.output.contains("'later.txt' (there is no such file yet)"), "\(job)")
    let missing = try place.run("evaluate", "run", "--test")
    #expect(missing.status != 0)
    #expect(missing.errors.contains("later.txt"), "\(missing)")
    try place.write("later.txt", "The coordinator trains too")
    let tested = try place.run("evaluate", "run", "--test", "--json")
    #expect(try OrderedJSON(parsing: tested.output)["tokens"] == 25, "\(tested)")
    let none = try place.run("config.json", "--run-directory", "other")
    #expect(none.status == 0, "\(none)")
    let refused = try place.run("evaluate", "other", "--test")
    #expect(refused.status == 2, "\(refused)")
    #expect(refused.errors.contains("the run set nothing aside to test on"), "\(refused)")
  }
}
