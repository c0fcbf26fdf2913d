import Foundation
import Records
import Testing

/// What `predict`, `evaluate` and `check` say of data that people may not expect.
@Suite(.serialized) struct PredictSaidTests {
  private static func series(rows: Int, _ more: String = "") -> String {
    let body = (0..<rows).map { "\($0),\($0 * 7 % 11),\($0 * 5 % 13)\n" }
    return "t,x,y\n" + body.joined() + more
  }

  private static func config(
    _ task: String, _ data: String, _ more: String = "", run: String = "run"
  ) -> String {
    """
    {"task": "\(task)", "data": {\(data)}, "model": {"hidden": 4, "layers": 1}\(more),
     "batch": {"sequences": 4, "window": 6, "shards": 4},
     "run": {"directory": "\(run)", "steps": 4, "validate_every": 4}}
    """
  }

  private static func train(_ config: String, in place: Workplace) throws {
    try place.write("c.json", config)
    let job = try place.run("c.json", "--threads", "1")
    try #require(job.status == 0, "\(job)")
  }

  @Test func crossingQuantilesAreCounted() throws {
    let place = try Workplace()
    try place.write("s.csv", Self.series(rows: 90))
    let data = #""train": "s.csv", "targets": ["x", "y"], "horizon": 2"#
    try Self.train(
      Self.config("forecasting", data, #", "output": {"loss": "quantile"}"#), in: place)
    let job = try place.run("predict", "run", "s.csv")
    try #require(job.status == 0, "\(job)")
    var crossing = 0
    for line in job.lines.dropFirst() {
      let numbers = try line.split(separator: ",").dropFirst(2).map { try #require(Double($0)) }
      #expect(numbers.count == 6)
      for first in [0, 3] {
        let levels = numbers[first..<first + 3]
        if zip(levels, levels.dropFirst()).contains(where: { $0 > $1 }) { crossing += 1 }
      }
    }
    // So few steps leave them anywhere.
    #expect(crossing > 0)
    #expect(
      job.errors.contains("whose quantiles cross (the higher below the lower), as the model gives "
        + "them: \(Format.grouped(crossing)), first after step "), "\(job.errors)")
  }

  /// A name that tells no format leaves that of the training data.
  @Test func filesWithoutAnEndingAreRead() throws {
    let place = try Workplace()
    for name in ["s.csv", "s", "s.dat"] { try place.write(name, Self.series(rows: 90)) }
    try Self.train(Self.config("forecasting", #""train": "s.csv""#), in: place)
    let named = try place.run("predict", "run", "s.csv")
    for name in ["s", "s.dat"] {
      for more in [[], ["--follow"]] {
        let job = try Program(["predict", "run", name] + more, in: place.folder)
        #expect(job.status == 0, "\(job)")
        #expect(more != [] || job.output == named.output)
        #expect(job.errors.contains("\(name): its name tells no format: it is read as csv"))
      }
      let job = try place.run("evaluate", "run", "--text", name, "--json")
      #expect(job.status == 0, "\(job)")
    }
  }

  /// Keys of the config cannot be set where a model is applied.
  @Test func hintsAreOfWhatCanBeDone() throws {
    let place = try Workplace()
    try place.write("s.csv", Self.series(rows: 90))
    try place.write("gap.csv", Self.series(rows: 20, "20,NA,1\n"))
    try Self.train(Self.config("forecasting", #""train": "s.csv""#), in: place)
    for more in [[], ["--follow"]] {
      let job = try Program(["predict", "run", "gap.csv"] + more, in: place.folder)
      #expect(job.status == 2, "\(job)")
      #expect(job.errors.contains("line 22, column \"x\""), "\(job)")
      #expect(job.errors.contains("it is read as the run's config says"), "\(job)")
      #expect(!job.errors.contains("data.missing"), "\(job)")
    }
  }

  @Test func nothingToPredictIsAnError() throws {
    let place = try Workplace()
    try place.write("s.csv", Self.series(rows: 90))
    try Self.train(Self.config("forecasting", #""train": "s.csv""#), in: place)
    try #require(try place.run("config.json", "--run-directory", "text").status == 0)
    let files = ["empty.csv": "", "head.csv": "t,x,y\n", "blank.txt": "\n \n\n", "empty.txt": ""]
    for (name, content) in files {
      try place.write(name, content)
      for more in [[], ["--follow"], ["--output", "o.csv"]] {
        let run = name.hasSuffix("csv") ? "run" : "text"
        let job = try Program(["predict", run, name] + more, in: place.folder)
        #expect(job.status == 2, "\(job)")
        #expect(
          ["is empty", "there is no row", "there is no text"].contains { job.errors.contains($0) },
          "\(job)")
        #expect(job.output == "")
        #expect(!place.exists("o.csv"))
      }
    }
  }

  @Test func evaluateSaysUnknownCategories() throws {
    let place = try Workplace()
    func rows(_ kinds: [String]) -> String {
      let rows = (0..<60).map { row in
        "\(row / 2),\(row / 2 % 2 == 0 ? "a" : "b"),\(kinds[row % kinds.count]),\(row)\n"
      }
      return "sequence,label,kind,x\n" + rows.joined()
    }
    try place.write("a.csv", rows(["up", "down"]))
    try place.write("b.csv", rows(["up", "new", "down"]))
    let data = #""train": "a.csv", "categories": ["kind"]"#
    try Self.train(Self.config("classification", data), in: place)
    let known = try place.run("evaluate", "run", "--text", "a.csv")
    #expect(!known.output.contains("does not know"), "\(known)")
    let job = try place.run("evaluate", "run", "--text", "b.csv")
    #expect(
      job.output.contains(
        "column \"kind\": no category, or one that the model does not know, in 20 steps"), "\(job)")
    let json = try place.run("evaluate", "run", "--text", "b.csv", "--json")
    let record = try OrderedJSON(parsing: try #require(json.lines.last))
    #expect(record["unknown_categories"]?["kind"] == 20)
  }

  @Test func dataThatTellTheAnswerAreRemarkedOn() throws {
    let place = try Workplace()
    try place.write("s.csv", Self.series(rows: 90))
    func check(_ config: String) throws -> String {
      try place.write("k.json", config)
      let job = try place.run("check", "k.json")
      #expect(job.status == 0, "\(job)")
      return job.output
    }
    let known = #""train": "s.csv", "targets": ["x"], "known": ["x", "t"]"#
    #expect(
      try check(Self.config("forecasting", known)).contains(
        "\"x\": known in the future (data.known) and forecast too"))
    func line(_ label: String) -> String { #"{"values": [[1], [2]], "label": "\#(label)"}"# + "\n" }
    let lines = line("a") + line("b") + line("a")
    try place.write("l.jsonl", lines)
    try place.write("copy.jsonl", lines)
    for name in ["link.jsonl", "also.jsonl"] {
      try FileManager.default.createSymbolicLink(
        atPath: place.path(name), withDestinationPath: place.path("l.jsonl"))
    }
    let words = "data.valid holds what data.train does"
    for valid in ["l.jsonl", "copy.jsonl", "link.jsonl"] {
      let data = #""train": "l.jsonl", "valid": "\#(valid)", "test": "also.jsonl""#
      let text = try check(Self.config("classification", data))
      #expect(text.contains(words), "\(text)")
      #expect(text.contains("data.test is data.train"), "\(text)")
    }
    try place.write("other.jsonl", line("a") + line("b") + line("b"))
    let other = #""train": "l.jsonl", "valid": "other.jsonl""#
    #expect(try !check(Self.config("classification", other)).contains(words))
    try place.write("s2.csv", Self.series(rows: 90))
    let copied = #""train": "s.csv", "valid": "s2.csv""#
    #expect(try check(Self.config("forecasting", copied)).contains(words))
    try place.write("t2.txt", String(contentsOfFile: place.path("text.txt"), encoding: .utf8))
    let text = try place.run("check", "config.json", "--set", "data.valid=t2.txt")
    #expect(text.output.contains(words), "\(text)")
  }
}
