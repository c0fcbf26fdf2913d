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
