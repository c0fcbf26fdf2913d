import Foundation
import Records
import Testing

/// `lr-range` and `overfit`, which try a config and leave nothing behind.
@Suite(.serialized) struct TrialCommandTests {
  /// Small configs of most kinds of tasks, by name.
  static let configs: [(String, String)] = [
    (
      "language",
      #""data": {"train": "text.txt"}, "model": {"embedding": 16, "hidden": 24, "dropout": 0.3}"#
    ),
    ("adding", #""data": {"valid_sequences": 8}, "model": {"hidden": 12}"#),
    (
      "classification",
      #""data": {"train": "set.csv", "valid_fraction": 0.3}, "model": {"hidden": 16}"#
    ),
    (
      "forecasting",
      #""data": {"train": "series.csv", "valid_fraction": 0.2, "horizon": 2}, "#
        + #""model": {"hidden": 16}, "output": {"loss": "gaussian"}"#
    ),
  ]

  private func makePlace() throws -> Workplace {
    let place = try Workplace()
    let rows = (0..<60).flatMap { sequence in
      (0..<4).map { step in
        "\(sequence),\((sequence * 7 + step * step) % 5),\(sequence * 7 % 5 % 3)"
      }
    }
    try place.write("set.csv", (["sequence,x,label"] + rows).joined(separator: "\n") + "\n")
    let values = (0..<200).map { String(format: "%.3f", sin(Double($0) / 3)) }
    try place.write("series.csv", (["y"] + values).joined(separator: "\n") + "\n")
    for (task, members) in Self.configs {
      try place.write(
        "\(task).json",
        """
        {"task": "\(task)", \(members), "batch": {"sequences": 8, "window": 8, "shards": 4},
         "run": {"directory": "run", "steps": 30}}
        """)
    }
    return place
  }

  private func last(_ job: Program) throws -> OrderedJSON {
    try OrderedJSON(parsing: try #require(job.lines.last, "\(job)"))
  }

  @Test(arguments: configs.map(\.0))
  func ratesAreFoundForEveryKindOfTask(task: String) throws {
    let place = try makePlace()
    let before = try place.names(in: ".")
    let job = try place.run("lr-range", "\(task).json", "--json", "--steps", "60")
    #expect(job.status == 0, "\(job)")
    let record = try last(job)
    #expect(record["kind"] == "lr_range")
    let steps = record["steps"]?.integerValue ?? 0
    #expect(job.lines.count == steps + 1 && steps >= 10, "\(job)")
    let (steepest, minimum) = (
      record["steepest"]?.doubleValue ?? 0, record["minimum"]?.doubleValue ?? 0
    )
    #expect(steepest > 1e-7 && steepest <= minimum && minimum <= 10, "\(record.line)")
    #expect(try place.names(in: ".") == before)
    // The same bits at any number of ranks.
    let ranks = try place.run("lr-range", "\(task).json", "--json", "--steps", "60", ranks: 2)
    #expect(ranks.output == job.output, "\(ranks)")
  }

  @Test(arguments: configs.map(\.0))
  func batchIsLearntByHeartInEveryKindOfTask(task: String) throws {
    let place = try makePlace()
    let before = try place.names(in: ".")
    let options = ["--json", "--steps", "3000", "--set", "optimizer.learning_rate=0.02"]
    let job = try Program(["overfit", "\(task).json"] + options, in: place.folder)
    let record = try last(job)
    #expect(job.status == 0, "\(job)")
    #expect(record["reached"] == true)
    #expect(record["loss"]?.doubleValue ?? 9 <= record["target"]?.doubleValue ?? 0, "\(job)")
    #expect(try place.names(in: ".") == before)
    if task == "language" {
      #expect(record["off"] == .array(["model.dropout"]))
      #expect(job.errors.contains("off         model.dropout (0.3)"), "\(job)")
      let ranks = try Program(["overfit", "\(task).json"] + options, ranks: 2, in: place.folder)
      #expect(ranks.output == job.output, "\(ranks)")
    }
  }

  @Test func lossThatIsNotReachedIsStatus3() throws {
    let place = try makePlace()
    for ranks in [nil, 2] {
      let job = try place.run("overfit", "language.json", "--steps", "5", ranks: ranks)
      #expect(job.status == 3, "\(job)")
      #expect(job.output.contains("not reached: loss "), "\(job)")
      #expect(job.output.contains("after 5 steps"), "\(job)")
    }
    let easy = try place.run("overfit", "language.json", "--steps", "5", "--loss", "99")
    #expect(easy.status == 0, "\(easy)")
    #expect(easy.output.contains("reached: loss "), "\(easy)")
    // Of a density, and of nothing else, the loss may fall below 0.
    for (task, status) in [("language", 2), ("forecasting", 3)] as [(String, Int32)] {
      let below = try place.run("overfit", "\(task).json", "--steps", "3", "--loss", "-1")
      #expect(below.status == status, "\(below)")
      let isSaid = below.errors.contains("--loss: expected at least 0, found -1.0")
      #expect(isSaid == (status == 2), "\(below)")
    }
    let wild = try place.run(
      "overfit", "language.json", "--set", "optimizer.learning_rate=1e38", "--set",
      "optimizer.name=sgd", "--set", "optimizer.clip_norm=0")
    #expect(wild.status == 3, "\(wild)")
    #expect(wild.output.contains("was not finite"), "\(wild)")
  }

  @Test func curveIsWrittenWhereThatIsAskedFor() throws {
    let place = try makePlace()
    let job = try place.run("lr-range", "adding.json", "--steps", "40", "--output", "range.csv")
    #expect(job.status == 0, "\(job)")
    #expect(job.output.contains("steepest") || job.output.contains("no rate lowered"), "\(job)")
    let lines = try String(contentsOfFile: place.path("range.csv"), encoding: .utf8)
      .split(separator: "\n")
    #expect(lines[0] == "step,learning_rate,loss,smoothed" && lines.count > 10)
    let again = try place.run("lr-range", "adding.json", "--output", "range.csv")
    #expect(again.status == 2 && again.errors.contains("--overwrite"), "\(again)")
    for arguments in [["--from", "1", "--to", "0.1"], ["--steps", "3"], ["--from", "0"]] {
      let refused = try Program(["lr-range", "adding.json"] + arguments, in: place.folder)
      #expect(refused.status == 2, "\(refused)")
    }
    // Before a step is computed.
    for path in ["nowhere/range.csv", "set.csv/range.csv"] {
      let refused = try place.run("lr-range", "adding.json", "--output", path)
      #expect(refused.status == 2 && refused.output.isEmpty, "\(refused)")
      #expect(refused.errors.contains("--output: '\(path)' cannot be written: "), "\(refused)")
    }
    let local = try place.run(
      "overfit", "language.json", "--set", "exchange.synchronize_every=5", "--set",
      "exchange.local_groups=2")
    #expect(local.status == 2 && local.errors.contains("synchronize_every=0"), "\(local)")
  }
}
