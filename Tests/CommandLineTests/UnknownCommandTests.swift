import Foundation
import Records
import Testing

/// Commands say what share of a text their tokenizer does not know, and other things that figures
/// hide.
@Suite(.serialized) struct UnknownCommandTests {
  private static let word = [
    "--set", "data.tokenizer=word", "--set", "batch.window=4", "--threads", "1",
  ]

  private func run(_ arguments: [String], in place: Workplace) throws -> Program {
    let job = try Program(arguments, in: place.folder)
    #expect(job.status == 0, "\(job)")
    return job
  }

  @Test func evaluateSaysTheShareOfUnknownTargets() throws {
    let place = try Workplace()
    let trained = try run(["config.json", "--steps", "2"] + Self.word, in: place)
    // The vocabulary is that of the training part.
    #expect(!trained.output.contains("training targets are unknown"), "\(trained)")
    #expect(trained.output.contains("of the validation targets are unknown"), "\(trained)")
    try place.write("invented.txt", (0..<100).map { "frob\($0) the" }.joined(separator: "\n"))
    let invented = try run(["evaluate", "run", "--text", "invented.txt"], in: place)
    #expect(invented.output.contains("33.1 % of them unknown"), "\(invented)")
    #expect(invented.output.contains("<unk> was never trained"), "\(invented)")
    #expect(!invented.output.contains("bits/byte"), "\(invented)")
    let prepared = try run(
      ["prepare", "invented.txt", "--output", "i.tokens", "--tokenizer-from", "run"], in: place)
    #expect(prepared.output.contains("33.3 % of the tokens are unknown (<unk>): 100"))
  }

  /// What is validated on has nothing that training has.
  @Test(arguments: ["classification", "recommendation", "language"])
  func validationThatIsUnknownIsSaid(task: String) throws {
    let place = try Workplace()
    let isOfItems = task == "recommendation"
    func rows(_ words: [String]) -> String {
      switch task {
      case "language":
        // Every other word of the training text is unknown too.
        (0..<60).map { "\(words[0]) \(words[1]) \(words[$0 % 3]) rare\($0)\n" }.joined()
      case "recommendation":
        (0..<30).map { #"{"session": \#($0), "items": ["\#(words[$0 % 3])", "\#(words[1])"]}"# }
          .joined(separator: "\n")
      default:
        "text,label\n" + (0..<30).map { "\(words[$0 % 3]) \(words[1]),\($0 % 2)\n" }.joined()
      }
    }
    let name = isOfItems ? "jsonl" : task == "language" ? "txt" : "csv"
    try place.write("train.\(name)", rows(["ada", "bob", "cyd"]))
    try place.write("valid.\(name)", rows(["xen", "yul", "zoe"]))
    try place.write(
      "task.json",
      """
      {"task": "\(task)", "data": {"train": "train.\(name)", "valid": "valid.\(name)"
        \(isOfItems ? "" : #", "tokenizer": "word", "minimum_count": 2"#)},
       "model": {"embedding": 4, "hidden": 6}, "batch": {"sequences": 4, "window": 8, "shards": 4},
       "run": {"directory": "run", "steps": 2}}
      """)
    let words = [
      "classification": "all validation tokens are unknown (<unk>) to the training part",
      "recommendation": "training has none of the items to predict in validation",
      "language": "of the validation targets are unknown (<unk>), so that its figures say little",
    ]
    let job = try run(["task.json", "--threads", "1"], in: place)
    #expect(job.output.contains(try #require(words[task])), "\(job)")
    let same = try run(
      ["task.json", "--set", "data.valid=train.\(name)", "--overwrite"], in: place)
    #expect(!same.output.contains(try #require(words[task])), "\(same)")
  }

  @Test func spelledTokensAreSaid() throws {
    let place = try Workplace()
    let words = (0..<400).map { $0 % 9 == 8 ? "<unk>" : "word\($0 % 7)" }.joined(separator: " ")
    try place.write("spelled.txt", words + "\n")
    let options = ["--steps", "2", "--set", "data.train=spelled.txt"] + Self.word
    let trained = try run(["config.json"] + options, in: place)
    #expect(trained.output.contains("the text spells <unk> 44 times"), "\(trained)")
    // It was trained, as the text has it.
    let evaluated = try run(["evaluate", "run", "--text", "spelled.txt"], in: place)
    #expect(evaluated.output.contains("of them unknown"), "\(evaluated)")
    #expect(!evaluated.output.contains("never trained"), "\(evaluated)")
  }

  @Test func runsSayTheShareOfUnknownTargets() throws {
    let place = try Workplace()
    let trained = try run(
      ["config.json", "--steps", "8", "--set", "data.minimum_count=3", "--set", "run.log_every=4"]
        + Self.word, in: place)
    #expect(trained.output.contains("of the training targets are unknown"), "\(trained)")
    #expect(!trained.output.contains("bits/byte"), "\(trained)")
    // A line's loss and the mean since the last line.
    let records = try place.records("run").filter { $0["kind"] == "train" }
    #expect(records.compactMap { $0["step"]?.line } == ["1", "4", "8"])
    #expect(records[0]["mean_loss"] == nil)
    #expect(records[1]["mean_loss"] != nil)
    #expect(trained.output.contains("(mean "), "\(trained)")
    let losses = try run(
      ["config.json", "--steps", "8", "--set", "data.minimum_count=3", "--run-directory", "each"]
        + Self.word, in: place)
    #expect(!losses.output.contains("(mean "))
    let each = try place.records("each").filter { $0["kind"] == "train" }
      .compactMap { $0["loss"]?.doubleValue }
    let mean = try #require(records[2]["mean_loss"]?.doubleValue)
    #expect(abs(mean - each[4...7].reduce(0, +) / 4) < 1e-12)
  }

  @Test func aWarmUpLongerThanTheRunIsSaid() throws {
    let place = try Workplace()
    let words = "is longer than the run: the learning rate only rises, to 2.0 %"
    let long = ["--set", "optimizer.schedule.warmup_steps=100", "--steps", "2"]
    #expect(try run(["config.json"] + long, in: place).output.contains(words))
    #expect(try run(["check", "config.json"] + long, in: place).output.contains(words))
    #expect(try !run(["check", "config.json"], in: place).output.contains("warm-up"))
  }
}
