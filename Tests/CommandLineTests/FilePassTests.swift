import Foundation
import Records
import Testing

/// A run that goes on with other files than it began with.
@Suite(.serialized) struct FilePassTests {
  private static let words = ["north", "south", "wind", "rain", "snow", "calm"]

  private func text(_ seed: Int, lines: Int) -> String {
    (0..<lines).map { line in
      let number = (line * 31 + seed * 17) % 1000
      return "\(number) \(Self.words[(line + seed) % 6]) and \(Self.words[line * seed % 6])"
    }.joined(separator: "\n")
  }

  private func place() throws -> Workplace {
    let place = try Workplace()
    try place.write("monday.txt", text(1, lines: 120))
    try place.write("tuesday.txt", text(5, lines: 90))
    return place
  }

  private func records(_ place: Workplace, _ kind: String) throws -> [OrderedJSON] {
    try String(contentsOfFile: place.path("run/metrics.jsonl"), encoding: .utf8)
      .split(separator: "\n").map { try OrderedJSON(parsing: String($0)) }
      .filter { $0["kind"] == .string(kind) }
  }

  /// Steps with their fingerprints.
  private func trajectory(_ place: Workplace) throws -> [String] {
    try records(place, "train").map {
      "\($0["step"]?.integerValue ?? 0) \($0["fingerprint"]?.stringValue ?? "")"
    }
  }

  @Test(arguments: [[], ["batch.accumulate=2", "model.dropout=0.2"], ["optimizer.ema_decay=0.9"]])
  func passesAreBitIdenticalAtAnyRankCountAndThroughStops(options: [String]) throws {
    let settings = options.flatMap { ["--set", $0] }
    var trajectories: [[String]] = []
    for (ranks, stops) in [(1, false), (2, true)] {
      let place = try place()
      func run(_ arguments: String...) throws -> Program {
        try Program(
          ["config.json", "--threads", "2"] + settings + arguments, ranks: ranks, in: place.folder)
      }
      var job = try run()
      #expect(job.status == 0, "\(job)")
      for file in ["monday.txt", "tuesday.txt"] {
        if stops {
          job = try run("--resume", "--file", file, "--rehearsal", "0.25", "--stop-after", "15")
          #expect(job.status == 75, "\(job)")
          #expect(job.output.contains("--resume --file \(file)"), "\(job)")
        }
        job = try run("--resume", "--file", file, "--rehearsal", "0.25")
        #expect(job.status == 0, "\(job)")
        // Once: what a stopped pass has measured is not measured again.
        let isJudged = job.output.contains("file '\(file)', before it is trained on: loss")
        #expect(isJudged != stops, "\(job)")
      }
      trajectories.append(try trajectory(place))
      let judged = try records(place, "prequential")
      #expect(judged.map { $0["file"] } == ["monday.txt", "tuesday.txt"])
    }
    #expect(trajectories[0].count > 20)
    #expect(trajectories[0] == trajectories[1])
  }

  @Test func fileIsTakenOnceAndAsItWas() throws {
    let place = try place()
    let early = try place.run("config.json", "--resume", "--file", "monday.txt")
    #expect(early.status == 2, "\(early)")
    #expect(early.errors.contains("has no checkpoint to go on from"), "\(early)")
    #expect(try place.run("config.json").status == 0)
    let lone = try place.run("config.json", "--file", "monday.txt")
    let unfinished = try place.run(
      "config.json", "--resume", "--steps", "30", "--file", "monday.txt")
    #expect(unfinished.status == 2)
    #expect(unfinished.errors.contains("at step 12 of 30"), "\(unfinished)")
    #expect(lone.errors.contains("give --resume too"), "\(lone)")
    let stopped = try place.run(
      "config.json", "--resume", "--file", "monday.txt", "--stop-after", "14")
    #expect(stopped.status == 75, "\(stopped)")
    let bare = try place.run("config.json", "--resume")
    #expect(bare.status == 2)
    #expect(bare.errors.contains("of its pass over 'monday.txt'"), "\(bare)")
    let other = try place.run("config.json", "--resume", "--file", "tuesday.txt")
    #expect(other.status == 2)
    #expect(other.errors.contains("of its pass over 'monday.txt'"), "\(other)")
    try place.write("monday.txt", text(2, lines: 120))
    let changed = try place.run("config.json", "--resume", "--file", "monday.txt")
    #expect(changed.errors.contains("is not that file as it was"), "\(changed)")
    try place.write("monday.txt", text(1, lines: 120))
    #expect(try place.run("config.json", "--resume", "--file", "monday.txt").status == 0)
    let again = try place.run("config.json", "--resume", "--file", "monday.txt")
    #expect(again.status == 2)
    #expect(again.errors.contains("has passed over 'monday.txt' already"), "\(again)")
    let longer = try place.run("config.json", "--resume", "--steps", "100")
    #expect(longer.status == 2)
    #expect(longer.errors.contains("run.steps cannot be raised"), "\(longer)")
    let plain = try place.run("config.json", "--resume")
    #expect(plain.status == 0)
    #expect(plain.output.contains("nothing to do"), "\(plain)")
    try place.write("short.txt", "too short")
    let short = try place.run("config.json", "--resume", "--file", "short.txt")
    #expect(short.status == 2, "\(short)")
    #expect(short.errors.contains("short.txt"), "\(short)")
  }

  @Test func bestModelIsTheOneThatDoesBestOnTheNewestFile() throws {
    let place = try place()
    #expect(try place.run("config.json", "--steps", "60").status == 0)
    let steps = ["--steps", "60"]
    let first = try Program(
      ["config.json", "--resume", "--file", "monday.txt"] + steps, in: place.folder)
    #expect(first.status == 0, "\(first)")
    let job = try place.run("config.json", "--resume", "--steps", "60", "--file", "tuesday.txt")
    #expect(job.status == 0, "\(job)")
    let judged = try #require(try records(place, "prequential").last)
    let best = try #require(judged["best_step"]?.integerValue)
    let evaluated = try place.run("evaluate", "run", "--text", "tuesday.txt", "--json")
    let record = try OrderedJSON(parsing: evaluated.output)
    #expect(record["step"] == .integer(best), "\(evaluated)")
    // The model of the pass's beginning is the best until the next file says otherwise.
    #expect(judged["loss"]?.doubleValue != nil)
    #expect(job.output.contains("done: "), "\(job)")
  }

  /// A file's judgement is what `evaluate` says of the same models on that file.
  @Test(arguments: [[], ["--set", "optimizer.ema_decay=0.9"]])
  func modelsAreJudgedAsEveryCommandUsesThem(options: [String]) throws {
    let place = try place()
    func run(_ arguments: String...) throws -> Program {
      let job = try Program(arguments, in: place.folder)
      #expect(job.status == 0, "\(job)")
      return job
    }
    func train(_ arguments: String...) throws {
      let job = try Program(["config.json"] + options + arguments, in: place.folder)
      #expect(job.status == 0, "\(job)")
    }
    func measured(_ arguments: String...) throws -> OrderedJSON {
      let job = try Program(
        ["evaluate", "run", "--text", "tuesday.txt", "--json"] + arguments, in: place.folder)
      #expect(job.status == 0, "\(job)")
      return try OrderedJSON(parsing: job.output)
    }
    try train()
    try train("--resume", "--file", "monday.txt")
    let first = try #require(try records(place, "prequential").last?["best_step"]?.integerValue)
    let best = try measured()
    let newest = try measured("--newest")
    #expect(best["step"] == .integer(first) && best["best_file"] == "monday.txt")
    #expect(newest["step"] != best["step"])
    try train("--resume", "--file", "tuesday.txt")
    let judged = try #require(try records(place, "prequential").last)
    #expect(judged["loss"] == newest["loss"])
    #expect(judged["best_before_step"] == best["step"])
    #expect(judged["best_before_value"] == best["loss"])
    let end = try #require(try records(place, "event").last { $0["event"] == "done" })
    #expect(end["best_file"] == "tuesday.txt")
    let said = try run("evaluate", "run", "--text", "tuesday.txt")
    #expect(said.output.contains(" on tuesday.txt)"), "\(said)")
  }

  @Test func whatIsKnownAlreadyIsRemarkedOn() throws {
    let place = try place()
    try place.write("held.txt", text(9, lines: 60))
    let valid = ["--set", "data.valid=held.txt"]
    func run(_ arguments: String...) throws -> Program {
      try Program(["config.json"] + valid + arguments, in: place.folder)
    }
    #expect(try run().status == 0)
    let known = try run("--resume", "--file", "held.txt")
    #expect(known.status == 0 && known.output.contains("'held.txt' holds what data.valid does"))
    let stopped = try run(
      "--resume", "--file", "monday.txt", "--rehearsal", "0.25", "--stop-after", "25")
    #expect(stopped.status == 75, "\(stopped)")
    let other = try run("--resume", "--file", "monday.txt", "--rehearsal", "0.5")
    #expect(other.status == 0, "\(other)")
    #expect(
      other.output.contains("goes on as it began, with 8 of every 32 batches of data.train"),
      "\(other)")
    try place.write("again.txt", text(1, lines: 120))
    let again = try run("--resume", "--file", "again.txt")
    #expect(again.output.contains("'again.txt' holds what 'monday.txt' does"), "\(again)")
    let plain = try run("--resume", "--file", "tuesday.txt")
    #expect(plain.status == 0 && !plain.output.contains("holds what"), "\(plain)")
  }

  @Test func optionsOfADirectoryNeedOne() throws {
    let place = try place()
    for option in ["--settle", "--rehearsal"] {
      let job = try place.run("daemon", "--np", "1", "config.json", option, "0.5")
      #expect(job.status == 2, "\(job)")
      #expect(job.errors.contains("\(option) is for files of a directory"), "\(job)")
    }
  }

  /// The last step is that of the pass, and a model that a file makes the best has its command.
  @Test func hooksKnowOfPasses() throws {
    let place = try place()
    #expect(try place.run("config.json").status == 0)
    let script = "echo $GRU_DIST_EVENT $GRU_DIST_STEP $GRU_DIST_STEPS $GRU_DIST_BEST_FILE >> events"
    let hooks = ["best", "done"].flatMap { kind in
      ["--set", "run.hooks.\(kind)=[\"sh\", \"-c\", \"\(script)\"]"]
    }
    var expected: [String] = []
    for file in ["monday.txt", "tuesday.txt"] {
      let job = try Program(["config.json", "--resume", "--file", file] + hooks, in: place.folder)
      #expect(job.status == 0, "\(job)")
      let judged = try #require(try records(place, "prequential").last)
      let last = try #require(
        try records(place, "event").last { $0["event"] == "done" }?["step"]?.integerValue)
      let best = try #require(judged["best_step"]?.integerValue)
      if judged["best_before_step"] != .integer(best) {
        expected.append("best \(best) \(last) \(file)")
      }
      expected.append("done \(last) \(last)")
    }
    let found = try String(contentsOfFile: place.path("events"), encoding: .utf8)
      .split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    #expect(found == expected)
    #expect(expected.contains { $0.hasPrefix("best") })
  }

  /// Rows of a class that the model lacks are left out and counted, in a pass and by evaluate.
  @Test func classesThatTheModelLacksAreCounted() throws {
    let place = try Workplace()
    func lines(_ count: Int, _ classes: [String]) -> String {
      (0..<count).map { line in
        let values = (0..<6).map { "\((line * 3 + $0 * 7) % 11)" }.joined(separator: ", ")
        return "{\"values\": [\(values)], \"label\": \"\(classes[line % classes.count])\"}"
      }.joined(separator: "\n")
    }
    try place.write("a.jsonl", lines(80, ["x", "y"]))
    try place.write("b.jsonl", lines(60, ["x", "y", "z"]))
    try place.write("c.jsonl", lines(10, ["z"]))
    try place.write(
      "config.json",
      """
      {"task": "classification", "data": {"train": "a.jsonl"}, "model": {"hidden": 8},
       "batch": {"sequences": 4, "window": 8, "shards": 4},
       "run": {"directory": "run", "steps": 6, "validate_every": 3, "checkpoint_every": 3}}
      """)
    #expect(try place.run("config.json").status == 0)
    let words = "20 sequences of 1 class that the model lacks (\"z\")"
    let evaluated = try place.run("evaluate", "run", "--text", "b.jsonl")
    #expect(evaluated.status == 0 && evaluated.output.contains(words), "\(evaluated)")
    let json = try place.run("evaluate", "run", "--text", "b.jsonl", "--json")
    let record = try OrderedJSON(parsing: json.output)
    #expect(record["unknown_class_examples"] == 20 && record["tokens"] == 40, "\(json)")
    let job = try place.run("config.json", "--resume", "--file", "b.jsonl")
    #expect(job.status == 0 && job.output.contains(words), "\(job)")
    let judged = try #require(try records(place, "prequential").last)
    #expect(judged["unknown_class_examples"] == 20)
    for arguments in [
      ["config.json", "--resume", "--file", "c.jsonl"], ["evaluate", "run", "--text", "c.jsonl"],
    ] {
      let none = try Program(arguments, in: place.folder)
      #expect(none.status == 2, "\(none)")
      #expect(none.errors.contains("the model lacks all classes that it has, \"z\""), "\(none)")
    }
  }
}
