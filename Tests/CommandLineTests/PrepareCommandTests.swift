import Foundation
import Records
import Testing

@Suite(.serialized) struct PrepareCommandTests {
  @Test(arguments: ["byte", "character", "word", "bpe"])
  func tokenFileTrainsBitIdenticallyToItsText(tokenizer: String) throws {
    let place = try Workplace()
    let prepared = try place.run(
      "prepare", "text.txt", "--output", "text.tokens", "--tokenizer", tokenizer, "--json")
    #expect(prepared.status == 0, "\(prepared)")
    let record = try OrderedJSON(parsing: prepared.lines[0])
    #expect(record["kind"] == "prepare")
    // With a part held out, the vocabulary of a text is learnt from the rest alone.
    let options = [
      "--set", "data.tokenizer=\(tokenizer)", "--set", "data.valid=text.txt", "--steps", "4",
    ]
    let direct = try Program(["config.json"] + options, in: place.folder)
    #expect(direct.status == 0, "\(direct)")
    let mapped = try Program(
      [
        "config.json", "--run-directory", "mapped", "--set", "data.train=text.tokens",
      ] + options, ranks: 2, in: place.folder)
    #expect(mapped.status == 0, "\(mapped)")
    #expect(try place.trajectory("mapped") == place.trajectory())

    // Text of its own and a token file of it, by the run's tokenizer.
    try place.write("other.txt", "the rank trains too\nand writes 17 runs\n")
    let other = try place.run(
      "prepare", "other.txt", "--output", "other.tokens", "--tokenizer-from", "run")
    #expect(other.status == 0, "\(other)")
    let losses = try ["other.txt", "other.tokens"].map { text in
      let run = try place.run("evaluate", "mapped", "--text", text, "--json")
      #expect(run.status == 0, "\(run)")
      return try OrderedJSON(parsing: run.lines[0])["loss"]
    }
    #expect(losses[0] == losses[1])
    let drawn = try place.run("sample", "mapped", "--prompt", "The", "--length", "20")
    #expect(drawn.status == 0, "\(drawn)")
    #expect(drawn.output.hasPrefix("The"), "\(drawn)")
  }

  @Test func acceptsDirectoriesAndStandardInput() throws {
    let place = try Workplace()
    try FileManager.default.createDirectory(
      atPath: place.path("texts/b"), withIntermediateDirectories: true)
    try place.write("texts/b/2.txt", "three four\n")
    try place.write("texts/a.txt", "one two\n")
    try place.write("texts/.hidden", "zero\n")
    try place.write("texts/empty", "")
    try place.write("all.txt", "one two\nthree four\n")
    for (input, output) in [("texts", "1.tokens"), ("all.txt", "2.tokens")] {
      let run = try place.run("prepare", input, "--output", output, "--tokenizer", "word")
      #expect(run.status == 0, "\(run)")
    }
    func bytes(_ name: String) throws -> Data {
      try Data(contentsOf: URL(fileURLWithPath: place.path(name)))
    }
    #expect(try bytes("1.tokens") == bytes("2.tokens"))
    let program = Program.path
    let piped = Process()
    piped.executableURL = URL(fileURLWithPath: "/bin/sh")
    piped.arguments = [
      "-c", "cat all.txt | '\(program)' prepare - --output 3.tokens --tokenizer word",
    ]
    piped.currentDirectoryURL = place.folder
    piped.standardOutput = FileHandle.nullDevice
    try piped.run()
    piped.waitUntilExit()
    #expect(piped.terminationStatus == 0)
    #expect(try bytes("3.tokens") == bytes("1.tokens"))
    #expect(try place.names(in: ".").filter { $0.contains("stdin") || $0.contains("tmp") } == [])
  }

  @Test(
    arguments: [
      (["nowhere", "--tokenizer", "word"], 2, "'nowhere' does not exist"),
      (["text.txt"], 2, "--tokenizer"), (["--tokenizer", "word"], 2, "name a text file"),
      (["text.txt", "--tokenizer", "words"], 2, "words"),
      (["text.txt", "--tokenizer", "bpe", "--vocabulary-limit", "9"], 2, "at least 257"),
      (["text.txt", "--tokenizer", "word", "--minimum-count", "0"], 2, "at least 1"),
      (["text.txt", "--tokenizer-from", "text.txt"], 2, "no token file, run or checkpoint"),
      (["bad.txt", "--tokenizer", "word"], 2, "offset 2"),
      (["empty", "--tokenizer", "word"], 2, "no text file"),
    ] as [([String], Int32, String)])
  func badUseIsExplained(arguments: [String], status: Int32, message: String) throws {
    let place = try Workplace()
    try Data([0x61, 0x20, 0xFF]).write(to: URL(fileURLWithPath: place.path("bad.txt")))
    try FileManager.default.createDirectory(
      atPath: place.path("empty"), withIntermediateDirectories: true)
    let run = try Program(
      ["prepare", "--output", "out.tokens"] + arguments, in: place.folder)
    #expect(run.status == status, "\(run)")
    #expect(run.errors.contains(message), "\(run)")
    #expect(!place.exists("out.tokens"))
  }

  @Test func existingFileIsNotOverwritten() throws {
    let place = try Workplace()
    try place.write("out.tokens", "precious")
    let arguments = ["prepare", "text.txt", "--output", "out.tokens", "--tokenizer", "byte"]
    let run = try Program(arguments, in: place.folder)
    #expect(run.status == 2, "\(run)")
    #expect(run.errors.contains("--overwrite"), "\(run)")
    #expect(try String(contentsOfFile: place.path("out.tokens"), encoding: .utf8) == "precious")
    #expect(try Program(arguments + ["--overwrite"], in: place.folder).status == 0)
  }
}
