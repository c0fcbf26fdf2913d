import Foundation
import Testing

/// What is said of commands and keys that do not exist, and of other things in place of a config.
@Suite struct SuggestionTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  private func complaint(_ arguments: [String]) throws -> String {
    let job = try Program(arguments, in: place.folder)
    #expect(job.status == 2 && job.output.isEmpty, "\(job)")
    #expect(job.complaints.count == 1, "\(job)")
    return job.complaints.first ?? ""
  }

  @Test(arguments: [
    ("smaple run", "sample"), ("trian", "train"), ("evalute run", "evaluate"),
    ("predcit run x.csv", "predict"), ("lr-rnage config.json", "lr-range"),
    // By other names, and beginnings.
    ("fit config.json", "train"), ("eval run", "evaluate"), ("generate run", "sample"),
    ("ls", "runs"), ("diff a b", "compare"), ("serve", "dashboard"), ("new language", "init"),
    ("tokenize a.txt", "prepare"), ("resume config.json", "train CONFIG --resume"),
    ("dash", "dashboard"), ("version", "--version"), ("Train config.json", "train"),
    // Within others.
    ("bench stpe", "step"), ("bench eval", "evaluate"), ("help smaple", "sample"),
    ("help bench paek", "peak"),
  ])
  func unknownCommandsNameWhatIsMeant(line: String, command: String) throws {
    let said = try complaint(line.split(separator: " ").map(String.init))
    #expect(said.hasSuffix("did you mean \(command)?"), "\(said)")
  }

  @Test func wordsThatAreNearNoCommandAreAnswered() throws {
    #expect(
      try complaint(["xyzzy", "a"]).contains(
        "'xyzzy' is no command, and there is no config file of that name; gru-dist --help"))
    #expect(
      try complaint(["bench", "xyzzy"]).contains(
        "'xyzzy' is no part of bench; there are peak, step, exchange, evaluate, sample"))
    // A config may be called like anything.
    try FileManager.default.copyItem(atPath: place.path("config.json"), toPath: place.path("fit"))
    #expect(try place.run("fit", "--steps", "1", "--threads", "1").status == 0)
  }

  @Test func keysOfOtherFrameworksAreAnswered() throws {
    for (key, meant) in [
      ("optimizer.lr", "optimizer.learning_rate"), ("batch.size", "batch.sequences"),
      ("hidden_size", "model.hidden"),
    ] {
      let said = try complaint(["check", "config.json", "--set", "\(key)=1"])
      #expect(said.contains("--set \(key)=1: "), "\(said)")
      #expect(said.hasSuffix("unknown key; did you mean \(meant)?"), "\(said)")
      let asked = try complaint(["check", "config.json", "--key", key])
      #expect(asked.hasSuffix("did you mean \(meant)?"), "\(asked)")
    }
  }

  @Test func textsRunsAndDirectoriesInPlaceOfAConfigAreAnswered() throws {
    let text = try complaint(["text.txt"])
    #expect(text.contains("text.txt:1:3: not JSON"), "\(text)")
    #expect(text.contains("`gru-dist init language --train text.txt` writes a config"), "\(text)")
    #expect(try complaint(["."]).contains("it has config.json"))
    #expect(try complaint(["confg.json"]).hasSuffix("did you mean config.json?"))
    #expect(try place.run("config.json", "--steps", "2", "--threads", "1").status == 0)
    let run = try complaint(["run"])
    #expect(run.contains("`gru-dist run/config.json --resume` goes on with it"), "\(run)")
    #expect(try place.run("run/config.json", "--resume", "--threads", "1").status == 0)
  }
}
