import Foundation
import Records
import Testing

/// The best model is kept and used.
@Suite(.serialized) struct BestModelTests {
  private static let restless = [
    "config.json", "--steps", "24", "--set", "run.validate_every=2", "--set",
    "run.checkpoint_every=0", "--set", "optimizer.learning_rate=0.5", "--set",
    "optimizer.clip_norm=0",
  ]

  private func losses(_ place: Workplace, _ run: String = "run") throws -> [Int: Double] {
    var losses: [Int: Double] = [:]
    for record in try place.records(run) where record["kind"] == "valid" {
      losses[record["step"]?.integerValue ?? 0] = record["loss"]?.doubleValue
    }
    return losses
  }

  @Test(arguments: [1, 2, 3], [[], ["--set", "optimizer.ema_decay=0.5"]])
  func evaluateTakesTheBestAtAnyRankCount(ranks: Int, options: [String]) throws {
    let place = try Workplace()
    let run = try Program(Self.restless + options, ranks: ranks, in: place.folder)
    #expect(run.status == 0, "\(run)")
    let losses = try losses(place)
    let best = try #require(losses.min { $0.value < $1.value })
    #expect(losses.count == 12)
    #expect(run.output.contains("best"), "\(run)")
    for (option, step, taken) in [("--best", best.key, "best"), ("--newest", 24, "newest")] {
      let measured = try place.run("evaluate", "run", "--json", option, ranks: ranks)
      #expect(measured.status == 0, "\(measured)")
      let record = try OrderedJSON(parsing: measured.lines[0])
      #expect(record["step"]?.integerValue == step)
      #expect(record["taken"]?.stringValue == taken)
      // The very bits of the validation: the mean of parameters where there is one.
      #expect(record["loss"]?.doubleValue == losses[step])
    }
    let plain = try place.run("evaluate", "run", ranks: ranks)
    #expect(plain.lines.contains { $0.hasPrefix("taken: the best by loss") }, "\(plain)")
    #expect(plain.lines.contains { $0.hasPrefix("step \(best.key) ") }, "\(plain)")
  }

  @Test func killAnywhereEndsWithTheSameBest() throws {
    let place = try Workplace()
    let whole = try Program(Self.restless + ["--run-directory", "whole"], in: place.folder)
    #expect(whole.status == 0, "\(whole)")
    let best = try #require(try losses(place, "whole").min { $0.value < $1.value }?.key)
    // As soon as a validation is told of, its checkpoint is about to be written.
    for (index, ranks) in [3, 1, 2].enumerated() {
      let folder = place.folder
      let known = try index == 0 ? 0 : losses(place).count
      let killed = try Program(Self.restless + ["--resume"], ranks: ranks, in: folder) { process in
        guard let now = try? losses(place), now.count > known + 1 else { return false }
        kill(process.processIdentifier, SIGKILL)
        return true
      }
      #expect(killed.status != 75, "\(killed)")
      // Ranks end with their launcher, but not in the same moment.
      Thread.sleep(forTimeInterval: 1)
    }
    let last = try Program(Self.restless + ["--resume"], ranks: 2, in: place.folder)
    #expect(last.status == 0, "\(last)")
    #expect(try place.trajectory() == place.trajectory("whole"))
    func tensors(_ run: String) throws -> [Data] {
      let name = "step-" + String(repeating: "0", count: 8 - "\(best)".count) + "\(best)"
      return try ["model", "optimizer"].map {
        try Data(
          contentsOf: URL(
            fileURLWithPath: place.path("\(run)/checkpoints/\(name)/\($0).safetensors")))
      }
    }
    #expect(try tensors("run") == tensors("whole"))
    #expect(try place.records().last == place.records("whole").last)
  }

  @Test func choiceIsSaidByEveryCommand() throws {
    let place = try Workplace()
    #expect(try Program(Self.restless, in: place.folder).status == 0)
    let best = try #require(try losses(place).min { $0.value < $1.value }?.key)
    let sample = try place.run("sample", "run", "--length", "3", "--json")
    #expect(sample.errors.contains("the best by loss"), "\(sample)")
    let drawn = try OrderedJSON(parsing: sample.lines[0])
    #expect(drawn["taken"] == "best")
    #expect(drawn["step"]?.integerValue == best)
    let export = try place.run(
      "export", "run", "--newest", "--format", "onnx", "--output", "m.onnx", "--json")
    let written = try OrderedJSON(parsing: export.lines[0])
    #expect(written["taken"] == "newest")
    #expect(written["step"] == 24)
    let named = try place.run("evaluate", "run/checkpoints/step-00000024", "--newest")
    #expect(named.status == 2, "\(named)")
    #expect(named.errors.contains("is one checkpoint"), "\(named)")
    let both = try place.run("evaluate", "run", "--newest", "--best")
    #expect(both.status == 2, "\(both)")
  }

  /// Checkpoints keep the token, where it is no line end.
  @Test(arguments: [("byte", 97), ("character", 0), ("word", nil)])
  func samplesBeginAfterATokenOfTheText(tokenizer: String, token: Int?) throws {
    let place = try Workplace()
    let bases = (0..<3000).map { $0 % 3 < 2 ? "a" : ["c", "g", "t"][$0 / 3 % 3] }
    try place.write("text.txt", bases.joined())
    let isWord = tokenizer == "word"
    if isWord { try place.write("text.txt", bases.joined(separator: " ")) }
    let run = try place.run("config.json", "--set", "data.tokenizer=\(tokenizer)")
    #expect(run.status == 0, "\(run)")
    let state = try OrderedJSON(
      parsing: String(
        contentsOfFile: place.path("run/checkpoints/step-00000012/state.json"), encoding: .utf8))
    let start = try #require(state["start_token"]?.integerValue)
    if let token { #expect(start == token) }
    let drawn = try place.run("sample", "run", "--length", "5", "--temperature", "0")
    #expect(drawn.status == 0, "\(drawn)")
    let prompted = try place.run(
      "sample", "run", "--length", "5", "--temperature", "0", "--prompt", "a")
    let rest = prompted.output.dropFirst(isWord ? 2 : 1)
    #expect(drawn.output == rest, "\(drawn) \(prompted)")
  }

  @Test func runWithoutValidationsHasNoBest() throws {
    let place = try Workplace()
    #expect(try place.run("config.json", "--set", "run.validate_every=0").status == 0)
    let best = try place.run("evaluate", "run", "--best")
    #expect(best.status == 2, "\(best)")
    #expect(best.errors.contains("the run has not validated"), "\(best)")
    let plain = try place.run("evaluate", "run")
    #expect(plain.status == 0, "\(plain)")
    #expect(
      plain.lines.contains("taken: the newest, since the run has not validated"), "\(plain)")
  }

  /// Wall time decides when checkpoints are written, and nothing else.
  @Test func checkpointsByTheClockChangeNoBit() throws {
    let place = try Workplace()
    let endless = ["config.json", "--steps", "1000000", "--set", "run.validate_every=0"]
    let timed = ["--set", "run.checkpoint_every=0", "--set", "run.checkpoint_seconds=1"]
    let folder = place.folder
    let run = try Program(endless + timed, ranks: 2, in: folder) { process in
      let records = (try? place.records()) ?? []
      guard records.filter({ $0["kind"] == "checkpoint" }).count > 1 else { return false }
      kill(process.processIdentifier, SIGUSR2)
      return true
    }
    #expect(run.status == 75, "\(run)")
    let saved = try place.records().filter { $0["kind"] == "checkpoint" }
      .compactMap { $0["step"]?.integerValue }
    #expect(saved.count > 2 && saved[0] > 1, "\(saved)")
    let plain = try Program(
      endless + [
        "--run-directory", "plain", "--set", "run.checkpoint_every=0", "--stop-after", "50",
      ], in: folder)
    #expect(plain.status == 75, "\(plain)")
    #expect(try Array(place.trajectory().prefix(50)) == place.trajectory("plain"))
  }

  @Test func accuracyDecidesWhereTheConfigSaysSo() throws {
    let place = try Workplace()
    let rows = (0..<60).flatMap { sequence in
      (0..<4).map { step in "\(sequence),\((sequence * 7 + step * step) % 5),\(sequence % 2)" }
    }
    try place.write("set.csv", (["sequence,x,label"] + rows).joined(separator: "\n") + "\n")
    try place.write(
      "config.json",
      """
      {"task": "classification", "data": {"train": "set.csv", "valid_fraction": 0.3},
       "model": {"hidden": 8}, "batch": {"sequences": 8, "window": 4, "shards": 4},
       "optimizer": {"learning_rate": 0.05, "schedule": {"warmup_steps": 2}},
       "run": {"directory": "run", "steps": 30, "log_every": 30, "validate_every": 3,
               "checkpoint_every": 0, "best_by": "accuracy"}}
      """)
    let run = try place.run("config.json", ranks: 2)
    #expect(run.status == 0, "\(run)")
    var best = (step: 0, value: -1.0)
    for record in try place.records() where record["kind"] == "valid" {
      let value = record["accuracy"]?.doubleValue ?? 0
      if value > best.value { best = (record["step"]?.integerValue ?? 0, value) }
    }
    let measured = try place.run("evaluate", "run", "--json", ranks: 3)
    let record = try OrderedJSON(parsing: measured.lines[0])
    #expect(record["step"]?.integerValue == best.step)
    #expect(record["best_by"] == "accuracy")
    #expect(record["accuracy"]?.doubleValue == best.value)
    let refused = try place.run("check", "config.json", "--set", "run.best_by=mae")
    #expect(refused.status == 2, "\(refused)")
    #expect(refused.errors.contains("possible are \"loss\", \"accuracy\""), "\(refused)")
  }
}
