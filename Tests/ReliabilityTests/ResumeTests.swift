import Foundation
import Records
import Runs
import Testing

@Suite struct ResumeTests {
  private func resumed(_ scenario: TrainingScenario, _ overrides: [String]) -> TrainOptions {
    var options = scenario.options(overrides)
    options.resume = true
    return options
  }

  @Test func changedKeysAreReportedAndFixedKeysNamed() throws {
    let scenario = try TrainingScenario()
    try scenario.train(scenario.options(), ranks: 2)
    for (change, key) in [
      ("model.hidden=24", "model.hidden"), ("batch.window=8", "batch.window"),
      ("batch.sequences=8", "batch.sequences"), ("run.seed=5", "run.seed"),
      ("optimizer.name=sgd", "optimizer.name"), ("model.layers=1", "model.layers"),
    ] {
      let error = #expect(throws: (any Error).self) {
        try scenario.train(resumed(scenario, [change, "run.steps=14"]), ranks: 2)
      }
      let text = "\(try #require(error))"
      #expect(text.contains("cannot resume") && text.contains(key), "\(text)")
      #expect(text.contains("may change"), "\(text)")
    }
    try scenario.train(
      resumed(scenario, ["run.steps=14", "optimizer.learning_rate=0.001", "run.log_every=2"]),
      ranks: 1)
    let resume = try #require(try scenario.records().last { $0["kind"] == "resume" })
    let changes = try #require(resume["changes"]?.line)
    #expect(changes.contains("run.steps 12 -> 14"), "\(changes)")
    #expect(changes.contains("optimizer.learning_rate"), "\(changes)")
    #expect(!changes.contains("log_every"), "\(changes)")
  }

  @Test func otherTextIsRejectedAndOtherValidationTextReported() throws {
    let scenario = try TrainingScenario("run.validate_every=4")
    let valid = ["data.valid=\(scenario.path("valid.txt"))"]
    try scenario.write("valid.txt", String(repeating: "the tree of ranks\n", count: 40))
    try scenario.train(scenario.options(valid), ranks: 1)
    try scenario.write("valid.txt", String(repeating: "shards kept sums\n", count: 40))
    try scenario.train(resumed(scenario, valid + ["run.steps=14"]), ranks: 2)
    #expect(try scenario.events("validation_text_changed").count == 1)
    try scenario.train(resumed(scenario, valid + ["run.steps=16"]), ranks: 1)
    #expect(try scenario.events("validation_text_changed").count == 1)
    let text = try String(contentsOfFile: scenario.path("text.txt"), encoding: .utf8)
    try scenario.write("text.txt", text + "x")
    let error = #expect(throws: (any Error).self) {
      try scenario.train(resumed(scenario, valid + ["run.steps=18"]), ranks: 1)
    }
    #expect("\(try #require(error))".contains("data.train"), "\(String(describing: error))")
  }
}
