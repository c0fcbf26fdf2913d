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
}
