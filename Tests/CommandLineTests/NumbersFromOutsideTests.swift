import Foundation
import Testing

/// Whatever numbers a command line has, the program ends with words and a status, and by no signal.
@Suite(.serialized) struct NumbersFromOutsideTests {
  private static let numbers = [
    "0", "-0", "-1", "1e-320", "-1e-320", "1e-46", "1e308", "1e400", "nan", "inf", "-inf", "0.5",
    "9223372036854775807", "-9223372036854775808", "18446744073709551616", "4611686018427387904",
    "65536", "2147483648", "0x10", "1_000", "",
  ]
  private static let options = [
    "check config.json --steps", "check config.json --ranks", "check config.json --threads",
    "check config.json --set model.hidden=", "check config.json --set batch.window=",
    "check config.json --set batch.shards=", "check config.json --set run.log_every=",
    "check config.json --set exchange.bucket_bytes=", "check config.json --set run.seed=",
    "check config.json --set data.valid_fraction=", "check config.json --set model.layers=",
    "check config.json --set optimizer.schedule.warmup_steps=",
    "check config.json --set optimizer.clip_norm=", "sample run --temperature",
    "sample run --length 3 --top-k", "sample run --length 3 --seed", "evaluate run --streams",
    "bench peak --isa portable --seconds", "bench step --steps 1 --warmup 0 --layers 1 --hidden",
    "bench step --steps 1 --warmup 0 --layers 1 --hidden 8 --batch",
    "bench step --steps 1 --warmup 0 --layers 1 --hidden 8 --vocabulary",
    "bench step --steps 1 --warmup 0 --layers 1 --hidden 8 --compression-groups",
    "bench exchange --smallest",
    "bench exchange --largest", "bench exchange --seconds", "plan config.json --seconds 0 --hosts",
    "plan config.json --seconds 0 --ranks-per-host", "plan config.json --seconds 0 --cores",
    "plan config.json --seconds 0 --laboratory --switch-nanoseconds",
    "config.json --overwrite --stop-after", "prepare text.txt --output x --tokenizer word "
      + "--overwrite --minimum-count",
    "prepare text.txt --output x --tokenizer bpe --overwrite --vocabulary-limit",
  ]

  @Test func numbersOfCommandLinesTrapNothing() throws {
    let place = try Workplace()
    #expect(try place.run("config.json", "--threads", "1", "--steps", "2").status == 0)
    // Every option meets some of the numbers, each number some of the options.
    for (index, line) in Self.options.enumerated() {
      for turn in 0..<3 {
        let number = Self.numbers[(index * 7 + turn * 5) % Self.numbers.count]
        var words = line.split(separator: " ").map(String.init)
        if line.hasSuffix("=") {
          words[words.count - 1] += number
        } else {
          words.append(number)
        }
        // What would measure for long is known to work.
        if line.hasPrefix("bench"), ["0.5", "65536"].contains(number) { continue }
        let ended = try Program(words, in: place.folder)
        #expect([0, 1, 2, 75].contains(ended.status), "\(ended)")
        #expect(!ended.errors.contains("Fatal error"), "\(ended)")
        if ended.status != 0, ended.status != 75 { #expect(!ended.complaints.isEmpty, "\(ended)") }
      }
    }
  }

  @Test(arguments: [
    (["sample", "run", "--temperature", "-1"], "expected a number of at least 0, found -1"),
    (["bench"], "name what to measure"),
    (["bench", "peak", "--seconds", "-1"], "at most 60, found -1"),
    (["bench", "step", "--cell", "rnn", "--reset", "after"], "--reset is for cell gru"),
    (["plan", "config.json", "--cores", "1e-320"], "--cores: expected 0.001 to 1024"),
    (["prepare", "text.txt", "--output", "x", "--tokenizer", "byte", "--minimum-count", "2"],
      "--minimum-count is for words and byte pairs"),
  ])
  func refusalsSayWhatIsWrong(arguments: [String], words: String) throws {
    let place = try Workplace()
    let ended = try Program(arguments, in: place.folder)
    #expect(ended.status == 2, "\(ended)")
    #expect(ended.errors.contains(words), "\(ended)")
  }

  @Test func tokenFilesKeepTheirVocabulary() throws {
    let place = try Workplace()
    let prepared = try place.run(
      "prepare", "text.txt", "--output", "a.tokens", "--tokenizer", "bpe", "--vocabulary-limit",
      "300")
    #expect(prepared.status == 0, "\(prepared)")
    func check(_ limit: Int) throws -> Program {
      try place.run(
        "check", "config.json", "--set", "data.train=a.tokens", "--set", "data.tokenizer=bpe",
        "--set", "data.vocabulary_limit=\(limit)")
    }
    #expect(try check(300).status == 0)
    let other = try check(400)
    #expect(other.status == 2)
    #expect(other.errors.contains("was made with 300 tokens"), "\(other)")
  }

  @Test func aPromptOfBlanksDrawsAsWithoutOne() throws {
    let place = try Workplace()
    let word = ["--set", "data.tokenizer=word", "--set", "batch.window=4", "--threads", "1"]
    let trained = try Program(
      ["config.json", "--steps", "2"] + word, in: place.folder)
    #expect(trained.status == 0, "\(trained)")
    let blank = try place.run("sample", "run", "--length", "9", "--prompt", "   ")
    let plain = try place.run("sample", "run", "--length", "9")
    #expect(blank.status == 0, "\(blank)")
    #expect(blank.output == "   " + plain.output, "\(blank)")
    #expect(plain.output.count > 9)
  }
}
