import Foundation
import Records
import Testing

/// A run starts from a model that is there already.
@Suite(.serialized) struct WarmStartTests {
  private static let one = ["--threads", "1"]

  /// Runs the program, which must end with `status`.
  @discardableResult
  private func run(
    _ arguments: [String], in place: Workplace, ranks: Int? = nil, status: Int32 = 0
  ) throws -> Program {
    let job = try Program(arguments, ranks: ranks, in: place.folder)
    #expect(job.status == status, "\(job)")
    return job
  }

  private func fingerprint(_ path: String, in place: Workplace) throws -> OrderedJSON? {
    try OrderedJSON(parsing: run(["inspect", path, "--json"], in: place).output)["fingerprint"]
  }

  private func start(_ place: Workplace, _ directory: String) throws -> OrderedJSON {
    try #require(try place.records(directory).first { $0["kind"] == "start" })
  }

  /// What is said of a part: values taken and new.
  private func group(_ record: OrderedJSON, _ name: String) throws -> [Int] {
    guard case .array(let groups)? = record["groups"] else { return [] }
    let found = try #require(groups.first { $0["name"]?.stringValue == name })
    return [found["taken"]?.integerValue ?? -1, found["new"]?.integerValue ?? -1]
  }

  @Test func startsWithTheSourcesBitsAtAnyRankCount() throws {
    let place = try Workplace()
    try run(["config.json"] + Self.one, in: place)
    let evaluated = try OrderedJSON(parsing: run(["evaluate", "run", "--json"], in: place).lines[0])
    let seed = ["--set", "run.seed=5", "--steps", "6"]
    for ranks in [1, 2, 3] {
      let job = try run(
        ["config.json", "--from", "run", "--run-directory", "r\(ranks)"] + seed, in: place,
        ranks: ranks)
      #expect(job.output.contains("embedding: taken, 4,096 parameters"), "\(job)")
      #expect(try place.trajectory("r\(ranks)") == place.trajectory("r1"))
    }
    // Before the first step it is the source: its evaluation, and its bits.
    let first = try #require(try place.records("r2").first { $0["kind"] == "valid" })
    #expect(first["step"] == 0)
    #expect(first["loss"] == evaluated["loss"])
    let kept = try start(place, "r2")
    #expect(kept["source_step"] == evaluated["step"])
    let zero = "r2/checkpoints/step-00000000"
    #expect(try fingerprint(zero, in: place) == kept["source_fingerprint"])
    // It learns in another order than without a source.
    try run(["config.json", "--run-directory", "fresh"] + seed, in: place)
    #expect(try place.trajectory("fresh") != place.trajectory("r1"))
  }

  @Test func resumeNeedsNothingOfTheSource() throws {
    let place = try Workplace()
    let characters = ["--set", "data.tokenizer=character"]
    let text = try String(contentsOfFile: place.path("text.txt"), encoding: .utf8)
    try place.write("other.txt", text.replacingOccurrences(of: "run", with: "jog"))
    try run(["config.json"] + characters, in: place)
    let from = ["config.json", "--from", "run", "--set", "data.train=other.txt"] + characters
    try run(from + ["--run-directory", "whole"], in: place)
    // Stopped before its first step, and killed later on.
    let again = from + ["--run-directory", "cut", "--resume"]
    try run(again + ["--stop-after", "1"], in: place, ranks: 2, status: 75)
    try FileManager.default.removeItem(atPath: place.path("run"))
    let resume = ["config.json", "--set", "data.train=other.txt", "--run-directory", "cut"]
    let killed = try Program(
      resume + characters + ["--resume"], ranks: 2, in: place.folder
    ) { process in
      guard let count = try? place.trajectory("cut").count, count > 6 else { return false }
      kill(process.processIdentifier, SIGKILL)
      return true
    }
    #expect(killed.status != 75, "\(killed)")
    Thread.sleep(forTimeInterval: 1)
    // The source is not asked for where there is something to go on from.
    let last = try run(again, in: place, ranks: 3)
    #expect(last.output.contains("not read again") || last.output.contains("nothing to do"))
    #expect(try place.trajectory("cut") == place.trajectory("whole"))
    let losses = try ["cut", "whole"].map { name in
      try place.records(name).filter { $0["kind"] == "valid" }.map { $0["loss"]?.line }
    }
    #expect(losses[0] == losses[1])
    #expect(try place.records("cut").count { $0["kind"] == "start" } == 1)
  }

  @Test func aStartThatWasKilledAsksForItsSourceAgain() throws {
    let place = try Workplace()
    try run(["config.json"], in: place)
    let from = ["config.json", "--from", "run", "--run-directory", "copy"]
    let killed = try Program(from, in: place.folder) { process in
      guard place.exists("copy/start.json") else { return false }
      kill(process.processIdentifier, SIGKILL)
      return true
    }
    if place.exists("copy/checkpoints/step-00000000/manifest.json") || killed.status == 0 { return }
    let refused = try run(
      ["config.json", "--run-directory", "copy", "--resume"], in: place, status: 2)
    #expect(refused.errors.contains("was to start from 'run'"), "\(refused)")
    try run(from + ["--resume"], in: place)
    #expect(try place.records("copy").count { $0["kind"] == "start" } == 1)
  }

  @Test func rowsOfKnownTokensAreKept() throws {
    let place = try Workplace()
    let words = ["--set", "data.tokenizer=word"]
    func text(_ names: [String]) -> String {
      (0..<300).map { "the \(names[$0 % names.count]) trains and \(names[$0 * 7 % 5]) runs" }
        .joined(separator: "\n")
    }
    try place.write("a.txt", text(["ada", "bob", "cyd", "dan", "eve"]))
    try place.write("b.txt", text(["ada", "bob", "fay", "gus", "hal", "ian"]))
    try run(["config.json", "--set", "data.train=a.txt"] + words, in: place)
    let from = ["config.json", "--set", "data.train=b.txt", "--from", "run"] + words
    try run(from + ["--run-directory", "same", "--steps", "2"], in: place)
    #expect(try start(place, "same")["tokenizer"] == "source")
    try run(from + ["--run-directory", "new", "--new-vocabulary", "--steps", "2"], in: place)
    let record = try start(place, "new")
    // <unk>, <eos>, the, trains, and, runs, ada, bob; fay, gus, hal, and what else is there.
    #expect(record["tokens_taken"] == 8)
    #expect(record["tokens_left"] == 3)
    let new = try #require(record["tokens_new"]?.integerValue)
    #expect(try group(record, "embedding") == [8 * 16, new * 16])
    #expect(try group(record, "output") == [8 * 25, new * 25])
    #expect(try group(record, "layers.1")[1] == 0)
    let other = try run(
      ["config.json", "--from", "run", "--run-directory", "x"], in: place, status: 2)
    #expect(other.errors.contains("--set data.tokenizer=word"), "\(other)")
  }

  @Test func languageModelsBecomeClassifiersAndTaggers() throws {
    let place = try Workplace()
    let words = (0..<400).map { "\($0 % 3 == 0 ? "yes" : "no") word\($0 % 7)" }
    try place.write("lm.txt", words.joined(separator: "\n"))
    try place.write(
      "a.csv",
      "text,label\n" + words.map { "\($0),\($0.hasPrefix("yes") ? "good" : "bad")" }
        .joined(separator: "\n"))
    try place.write(
      "tags.txt",
      words.map { $0.split(separator: " ").map { "\($0) \($0.count > 3 ? "N" : "V")" }
        .joined(separator: "\n") }.joined(separator: "\n\n"))
    let model = #""model": {"reset": "after", "hidden": 24, "embedding": 16}"#
    for (name, task, data) in [
      ("c", "classification", #""train": "a.csv", "tokenizer": "word""#),
      ("t", "tagging", #""train": "tags.txt""#),
    ] {
      try place.write(
        "\(name).json",
        """
        {"task": "\(task)", "data": {\(data)}, \(model), "batch": {"sequences": 8, "window": 16},
         "run": {"directory": "\(name)", "steps": 4, "validate_every": 2}}
        """)
    }
    let after = ["--set", "model.reset=after", "--set", "data.tokenizer=word"]
    try run(["config.json", "--set", "data.train=lm.txt"] + after, in: place)
    try run(["export", "run", "--format", "torch", "--output", "lm.safetensors"], in: place)
    for name in ["c", "t"] {
      try run(["\(name).json", "--from", "run"], in: place, ranks: 2)
      let record = try start(place, name)
      #expect(try group(record, "embedding")[1] == 0)
      #expect(try group(record, "layers.0")[1] == 0)
      #expect(try group(record, "output")[0] == 0)
      // The same of a file.
      try run(
        ["\(name).json", "--from", "lm.safetensors", "--run-directory", "\(name)f"], in: place)
      #expect(try place.trajectory("\(name)f") == place.trajectory(name))
    }
    // The same task keeps its head and its classes, and may be given another.
    try run(["c.json", "--from", "c", "--run-directory", "d"], in: place)
    #expect(try group(start(place, "d"), "output")[1] == 0)
    #expect(try start(place, "d")["data"] == "source")
    let three = try String(contentsOfFile: place.path("a.csv"), encoding: .utf8)
      .replacing("no word6,bad", with: "no word6,other")
    try place.write("b.csv", three)
    let other = ["c.json", "--from", "c", "--run-directory", "e", "--set", "data.train=b.csv"]
    #expect(try run(other, in: place, status: 2).errors.contains("class \"other\""))
    try run(other + ["--new-head"], in: place)
    #expect(try group(start(place, "e"), "output") == [0, 3 * 25])
  }

  @Test(arguments: ["torch", "keras"])
  func modelFilesAreSources(format: String) throws {
    let place = try Workplace()
    let after = ["--set", "model.reset=after", "--set", "data.tokenizer=character"]
    try run(["config.json"] + after, in: place)
    try run(["export", "run", "--format", format, "--output", "m.safetensors"], in: place)
    for (source, name) in [("run", "a"), ("m.safetensors", "b")] {
      try run(
        ["config.json", "--from", source, "--run-directory", name, "--steps", "4"] + after,
        in: place)
    }
    #expect(try place.trajectory("a") == place.trajectory("b"))
  }

  /// Columns keep their weights by name, and the same task its scales.
  @Test func columnsAndScalesGoAlong() throws {
    let place = try Workplace()
    try place.write(
      "series.csv",
      "x,y,z\n" + (0..<200).map { "\($0 % 9),\(1000 + $0 % 7),\($0 % 5)" }.joined(separator: "\n"))
    try place.write(
      "seq.csv",
      "sequence,w,y,x,label\n"
        + (0..<120).map {
          "\($0 / 4),\($0 % 3),\($0 % 11),\($0 % 9),\($0 / 4 % 2 == 0 ? "a" : "b")"
        }.joined(separator: "\n"))
    let rest = """
      "model": {"hidden": 8, "layers": 1}, "batch": {"sequences": 8, "window": 8, "shards": 8},
       "run": {"steps": 4, "validate_every": 2, "directory": "DIR"}}
      """
    try place.write(
      "f.json",
      #"{"task": "forecasting", "data": {"train": "series.csv", "targets": ["x"], "horizon": 2}, "#
        + rest.replacing("DIR", with: "f"))
    try place.write(
      "c.json",
      #"{"task": "classification", "data": {"train": "seq.csv"}, "#
        + rest.replacing("DIR", with: "c"))
    try run(["f.json"], in: place)
    try run(["f.json", "--from", "f", "--run-directory", "g"], in: place, ranks: 2)
    let losses = try ["f", "g"].map { name in
      try place.records(name).filter { $0["kind"] == "valid" }.map { $0["loss"]?.line }
    }
    #expect(losses[1].first == losses[0].last)
    #expect(try start(place, "g")["data"] == "source")
    try run(["c.json", "--from", "f"], in: place)
    #expect(try start(place, "c")["columns_taken"] == 2)
    #expect(try start(place, "c")["columns_new"] == 1)
    #expect(try group(start(place, "c"), "layers.0")[1] == 3 * 8)
    let other = try run(
      ["f.json", "--from", "f", "--run-directory", "h", "--set", #"data.columns=["x","z"]"#],
      in: place, status: 2)
    #expect(other.errors.contains(#"data.columns is ["x","z"] and was null"#), "\(other)")
    let text = try run(
      ["config.json", "--from", "f", "--run-directory", "i"], in: place, status: 2)
    #expect(text.errors.contains("reads numbers"), "\(text)")
  }

  @Test func modelsThatDoNotFitAreRefusedWithWhatToSet() throws {
    let place = try Workplace()
    try run(["config.json"], in: place)
    func refused(_ more: String..., words: String) throws {
      let job = try run(
        ["config.json", "--from", "run", "--run-directory", "x"] + more, in: place, status: 2)
      #expect(job.errors.contains(words), "\(job)")
      #expect(!place.exists("x"))
    }
    try refused("--set", "model.hidden=32", words: "--set model.hidden=24")
    try refused("--set", "model.cell=lstm", words: "--set model.cell=gru")
    try refused("--set", "model.layers=3", words: "--set model.layers=2")
    try refused(
      "--set", "model.tie_weights=true", "--set", "model.embedding=24", words: "embedding")
    let inside = try run(
      ["config.json", "--from", "run", "--overwrite"], in: place, status: 2)
    #expect(inside.errors.contains("which --overwrite empties"), "\(inside)")
    let needless = try run(["config.json", "--new-head"], in: place, status: 2)
    #expect(needless.errors.contains("--from"), "\(needless)")
  }
}
