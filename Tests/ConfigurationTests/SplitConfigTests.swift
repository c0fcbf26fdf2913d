import Configuration
import Records
import Tasks
import Testing

/// Parts of the data come from one place each.
@Suite struct SplitConfigTests {
  private func config(_ task: TaskName, _ data: String) throws -> Config {
    try Config(
      json: Array(#"{"task": "\#(task.rawValue)", "data": {"train": "t.csv", \#(data)}}"#.utf8),
      file: "c.json")
  }

  @Test(arguments: [
    (TaskName.forecasting, #""split": {"by": "time", "valid": "2020-01-01"}"#, "column"),
    (.forecasting, #""split": {"by": "row"}"#, "nothing would be split"),
    (.forecasting, #""split": {"by": "row", "valid": 9, "test": 9}"#, "valid < test < end"),
    (.forecasting, #""split": {"by": "row", "valid": "2020-01-01"}"#, "number of rows before it"),
    (.forecasting, #""split": {"by": "class"}"#, "is not split by \"class\""),
    (.forecasting, #""split": {"valid": 9}"#, "means nothing to a split by \"fraction\""),
    (.forecasting, #""split": {"by": "row", "valid": 9}, "valid_fraction": 0.3"#, "change nothing"),
    (.forecasting, #""split": {"by": "row", "valid": 9}, "valid": "v.csv""#, "names a file"),
    (.forecasting, #""test": "t.csv""#, "another part has too"),
    (.forecasting, #""test": "x.csv", "test_fraction": 0.1"#, "there is one test"),
    (.forecasting, #""split": {"by": "row", "valid": 9}, "test_fraction": 0.1"#, "is not used"),
    (.language, #""test_fraction": 0.5, "valid_fraction": 0.5"#, "hardly anything to train on"),
    (.classification, #""split": {"by": "time"}"#, "is not split by \"time\""),
    (.classification, #""split": {"by": "sequence", "valid": ["a"], "test": ["a"]}"#, "has too"),
    (.tagging, #""split": {"by": "sequence", "valid": ["a"]}"#, "possible are \"fraction\""),
  ])
  func whatDoesNotFitIsRefused(task: TaskName, data: String, problem: String) {
    let error = #expect(throws: ConfigError.self) { try config(task, data) }
    #expect(error?.problem.contains(problem) == true || error?.hint?.contains(problem) == true,
      "\(String(describing: error))")
  }

  @Test func whatIsReadIsWritten() throws {
    for data in [
      #""split": {"by": "time", "column": "date", "valid": "2020-01-01", "end": "2021-01-01"}"#,
      #""split": {"by": "row", "valid": 10, "test": 20}"#,
      #""split": {"by": "sequence", "test": ["a", "b"]}"#, #""test_fraction": 0.25"#,
    ] {
      let config = try config(.forecasting, data)
      #expect(try Config(stored: config.json, place: "checkpoint").data == config.data)
      #expect(try Config(json: Array(config.json.line.utf8), file: "c").data == config.data)
    }
    let byRow = try config(.forecasting, #""split": {"by": "row", "test": 20}"#)
    #expect(!byRow.data.hasValidation(.forecasting))
    #expect(byRow.data.hasTest)
  }
}
