import Foundation
import Records
import Testing

/// What a run reads, leaves out and changes is said.
@Suite(.serialized) struct ToldTests {
  /// Lines that tell of data: a word, and what follows in a column of its own.
  private func told(_ program: Program) -> [String] {
    let words = [
      "data", "text", "corpus", "epoch", "columns", "training", "validation", "classes", "steps",
    ]
    return program.lines.filter { line in
      words.contains { line.hasPrefix($0 + " ") && line.dropFirst($0.utf8.count).hasPrefix("  ") }
    }
  }

  @Test func checkSaysWhatARunBeginsWith() throws {
    let place = try Workplace()
    let rows = (0..<30).map { "s\($0 / 3),\($0 % 7),\($0),\($0 / 3 % 2)" }
    try place.write("c.csv", "sequence,x,y,label\n" + rows.joined(separator: "\n") + "\n")
    try place.write(
      "class.json",
      """
      {"task": "classification", "data": {"train": "c.csv", "columns": ["x"]},
       "model": {"hidden": 8}, "batch": {"sequences": 4, "window": 6, "shards": 4},
       "run": {"directory": "class", "steps": 2}}
      """)
    for (config, run, count) in [("config.json", "run", 4), ("class.json", "class", 6)] {
      let check = try place.run("check", config)
      #expect(check.status == 0, "\(check)")
      let lines = told(check)
      #expect(lines.count == count, "\(check)")
      let job = try place.run(config, ranks: 2)
      #expect(job.status == 0, "\(job)")
      #expect(told(job) == lines, "\(job)")
      let record = try OrderedJSON(parsing: place.run("check", config, "--json").output)
      let records = try place.records(run).filter { $0["kind"] == "data" }
      #expect(records.count == 1)
      #expect(records.first?["steps_per_epoch"] == record["steps_per_epoch"])
      if config == "class.json" {
        #expect(lines.contains { $0.hasSuffix("1 column left out: \"y\"") }, "\(check)")
        #expect(records.first?["classes"] == record["classes"])
        #expect(record["columns"] == .array(["x"]))
      }
      // Once for all starts.
      let longer = try place.run(config, "--resume", "--steps", "20")
      #expect(longer.status == 0, "\(longer)")
      #expect(try place.records(run).filter { $0["kind"] == "data" }.count == 1)
    }
  }

  /// At least 99 % of a text is trained on in each epoch, and what share is said.
  @Test func shareOfTheTextIsSaid() throws {
    let place = try Workplace()
    let sizes = ["--set", "batch.sequences=32", "--set", "batch.window=300"]
    let check = try Program(["check", "config.json", "--json"] + sizes, in: place.folder)
    let record = try OrderedJSON(parsing: check.output)
    let all = try #require(record["training_targets"]?.integerValue)
    let read = try #require(record["targets_per_epoch"]?.integerValue)
    #expect(Double(read) / Double(all) >= 0.99)
    let old = ["--set", "run.contract_version=1"]
    let before = try Program(["check", "config.json"] + sizes + old, in: place.folder)
    let line = try #require(before.lines.first { $0.hasPrefix("epoch ") })
    let left = all - 32 * 300
    #expect(line.hasSuffix(": 1 window of 300 steps; \(left.formatted()) are left out"), "\(line)")
    #expect(line.contains("trains on 5"), "\(line)")
  }

  @Test func learningRateIsSaidWhereAResumeChangesIt() throws {
    let place = try Workplace()
    let plain = ["config.json", "--set", "optimizer.schedule.name=constant"]
    #expect(
      try Program(plain + ["--stop-after", "6"], in: place.folder).status == 75)
    let same = try Program(plain + ["--resume", "--stop-after", "8"], in: place.folder)
    #expect(!same.output.contains("learning rate"), "\(same)")
    let set = ["--set", "optimizer.learning_rate=0.5", "--resume"]
    let changed = try Program(plain + set, ranks: 2, in: place.folder)
    #expect(changed.status == 0, "\(changed)")
    let words =
      "learning rate: 0.002 at step 8, 0.5 at step 9; without the change it would be 0.002"
    #expect(changed.lines.contains(words), "\(changed)")
    let record = try place.records().last { $0["kind"] == "resume" }
    #expect(record?["learning_rate_before"]?.doubleValue == 0.002)
    #expect(record?["learning_rate_unchanged"]?.doubleValue == 0.002)
    #expect(record?["learning_rate"]?.doubleValue == 0.5)
    let rates = try place.records().filter { $0["kind"] == "train" }
      .compactMap { $0["learning_rate"]?.doubleValue }
    #expect(rates[7] == 0.002)
    #expect(rates[8] == 0.5)
  }
}
