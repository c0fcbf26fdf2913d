import Foundation
import Records
import Testing

/// The contract of exit statuses: 2 is what whoever asked has to mend, 1 a failure on the way.
@Suite(.serialized) struct ExitStatusTests {
  /// Command lines that name something that is not there, or is something else.
  static let mistakes = [
    "nope.json", "train nope.json", "check nope.json", "plan nope.json", "overfit nope.json",
    "lr-range nope.json", "memory nope.json", "daemon --np 1 nope.json",
    "evaluate nope", "predict nope", "sample nope", "inspect nope", "metrics nope", "prune nope",
    "export nope --format torch --output out.safetensors", "runs nope", "dashboard nope",
    "compare nope run", "compare run nope", "compare folder run",
    "import nope.safetensors config.json --run-directory other",
    "import text.txt config.json --run-directory other",
    "prepare nope.txt --output out.tokens --tokenizer byte",
    "prepare text.txt --output out.tokens --tokenizer-from nope",
    "prepare text.txt --output none/out.tokens --tokenizer byte",
    "prepare text.txt --output text.txt --tokenizer byte",
    // A file in place of a run, and a directory that is none.
    "evaluate text.txt", "predict text.txt", "sample config.json", "inspect text.txt",
    "metrics text.txt", "prune text.txt", "runs text.txt", "dashboard text.txt",
    "export text.txt --format torch --output out.safetensors",
    "evaluate folder", "predict folder", "sample folder", "inspect folder", "metrics folder",
    "prune folder", "sample run/checkpoints/step-00000099", "sample run/checkpoints",
    // What options name.
    "evaluate run --text nope.txt", "evaluate run --text folder", "predict run nope.txt",
    "predict run folder", "predict run text.txt --output none/out.csv",
    "predict run text.txt --output folder", "export run --format torch --output none/out",
    "export run --format torch --output text.txt", "lr-range config.json --output none/out.csv",
    "lr-range config.json --output text.txt", "metrics run --kind nope",
    "config.json --from nope --run-directory other",
    "config.json --from text.txt --run-directory other",
    "config.json --from folder --run-directory other",
    "config.json --resume --run-directory folder", "config.json --resume --file nope.txt",
    "config.json --resume --file text.txt --run-directory other",
    "config.json --trace none/trace.json --run-directory other",
    "config.json --trace folder --run-directory other",
    "config.json --set data.train=nope.txt --run-directory other",
    "config.json --set data.valid=nope.txt --run-directory other",
    "config.json --set data.train=folder --run-directory other",
    "config.json --run-directory text.txt", "config.json --run-directory text.txt/run",
    "config.json", "daemon --np 1 --hostfile nope config.json",
    "daemon --np 1 --watch nope config.json", "daemon --np 1 config.json --run-directory text.txt",
    "daemon --np 1 config.json --run-directory other -- nope-launcher",
    "daemon --np 1 --from nope --run-directory other config.json",
    "dashboard . --token-file nope", "dashboard . --address nope", "dashboard . --port 70000",
    "bench step --trace none/trace.json", "bench exchange", "check config.json --key nope",
    "init nope", "init language none/c.json", "init language config.json", "manual text.txt",
    "completions tcsh", "config.json --threads 0", "nope", "evaluate", "predict run --top 0",
    "sample run --temperature -1", "prepare", "config.json --isa nope", "help nope",
  ]

  @Test func whatIsToBeMendedEndsWith2() throws {
    let place = try Workplace()
    try FileManager.default.createDirectory(
      atPath: place.path("folder"), withIntermediateDirectories: true)
    try place.write("folder/other", "")
    try #require(try place.run("config.json", "--threads", "1").status == 0)
    let before = Set(try place.names(in: "."))
    for line in Self.mistakes {
      let job = try Program(
        line.split(separator: " ").map(String.init), in: place.folder, secondsAllowed: 60)
      #expect(job.status == 2, "\(job)")
      #expect(!job.complaints.isEmpty || line.hasPrefix("daemon"), "\(job)")
    }
    // And nothing was made, but what a daemon keeps of itself.
    #expect(Set(try place.names(in: ".")).subtracting(before) == ["other"])
    #expect(try !place.names(in: "other").contains("config.json"))
  }

  /// The run was pruned, and the checkpoint is of a program to come.
  @Test func checkpointsOfTheWrongKindEndWith2AndDamagedOnesWith1() throws {
    let place = try Workplace()
    try #require(try place.run("config.json", "--threads", "1").status == 0)
    let manifest = "run/checkpoints/step-00000012/manifest.json"
    let text = try String(contentsOfFile: place.path(manifest), encoding: .utf8)
    let newer = text.replacing(/"format_version" *: *1/, with: "\"format_version\": 99")
    try #require(newer != text, "\(text)")
    try place.write(manifest, newer)
    let other = try place.run("inspect", "run/checkpoints/step-00000012")
    #expect(other.status == 2 && other.errors.contains("99"), "\(other)")
    try place.write(manifest, "{")
    let damaged = try place.run("inspect", "run/checkpoints/step-00000012")
    #expect(damaged.status == 1 && damaged.errors.contains("is damaged"), "\(damaged)")
    try place.write(manifest, text)
    #expect(try place.run("prune", "run").status == 0)
    let pruned = try place.run("config.json", "--resume", "--steps", "20", "--threads", "1")
    #expect(pruned.status == 2 && pruned.errors.contains("pruned"), "\(pruned)")
  }

  @Test func statusesAreThoseOfHelpManualAndDocuments() throws {
    let place = try Workplace()
    let help = try place.run("--help")
    let words = help.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(try place.run("manual", "pages").status == 0)
    let page = try String(contentsOfFile: place.path("pages/gru-dist.1"), encoding: .utf8)
    for (status, meaning) in ExitStatus.meanings {
      #expect(words.contains("\(status) \(meaning)"), "\(help)")
      #expect(page.contains(".TP\n\\fB\(status)\\fR\n"), "\(page)")
    }
    let document = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../docs/command-line.md")
    let text = try String(contentsOf: document, encoding: .utf8)
    for (status, _) in ExitStatus.meanings {
      #expect(text.contains("\n| \(status) | "), "docs/command-line.md lacks \(status)")
    }
    #expect(ExitStatus.meanings.map(\.status) == [0, 1, 2, 3, 75, 141])
  }
}
