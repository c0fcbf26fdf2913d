import Foundation
import Records
import Testing

/// What a run has learnt of its data comes from its checkpoint, or from the file that is imported.
@Suite(.serialized) struct LearntDataTests {
  private static let character = [
    "--set", "data.tokenizer=character", "--set", "model.reset=after", "--threads", "1",
  ]

  /// Runs the program, which must end with `status`.
  private func run(
    _ arguments: [String], in place: Workplace, status: Int32 = 0
  ) throws -> Program {
    let job = try Program(arguments, in: place.folder)
    #expect(job.status == status, "\(job)")
    return job
  }

  /// As many characters, but others: exports and imports tell.
  @Test func importComparesTheTokenizerOfTheFile() throws {
    let place = try Workplace()
    _ = try run(["config.json", "--steps", "3"] + Self.character, in: place)
    _ = try run(
      ["export", "run", "--format", "torch", "--output", "m.safetensors"], in: place)
    let text = try String(contentsOfFile: place.path("text.txt"), encoding: .utf8)
    try place.write("other.txt", text.replacingOccurrences(of: "a", with: "ß"))
    let to = ["--set", "data.train=other.txt", "--run-directory", "copy"] + Self.character
    let refused = try run(["import", "m.safetensors", "config.json"] + to, in: place, status: 2)
    #expect(refused.errors.contains("another tokenizer"), "\(refused)")
    #expect(refused.errors.contains("only the file has 1: \"a\""), "\(refused)")
    #expect(refused.errors.contains("only other.txt has 1: \"ß\""), "\(refused)")
    #expect(!place.exists("copy/checkpoints"))

    _ = try run(["import", "m.safetensors", "config.json", "--take-over"] + to, in: place)
    // The run goes on with what it took over, and evaluates by it.
    _ = try run(["config.json", "--resume"] + to, in: place)
    let samples = try run(
      ["sample", "copy", "--length", "200", "--temperature", "2"], in: place)
    #expect(!samples.output.contains("ß"), "\(samples)")
    _ = try run(["evaluate", "copy"], in: place)
    _ = try run(
      ["export", "copy", "--format", "torch", "--output", "n.safetensors"], in: place)
    let file = try Data(contentsOf: place.folder.appendingPathComponent("n.safetensors"))
    #expect(!String(decoding: file.prefix(4000), as: UTF8.self).contains("DF"))
  }

  @Test func importComparesClassesAndColumns() throws {
    let place = try Workplace()
    func write(_ name: String, _ classes: [String], column: String = "x") throws {
      let rows = (0..<40).flatMap { sequence in
        (0..<4).map { "\(sequence),\(sequence % 2),\($0),\(classes[sequence % 2])" }
      }
      try place.write(
        name, (["sequence,\(column),y,label"] + rows).joined(separator: "\n"))
    }
    try write("a.csv", ["no", "yes"])
    try write("b.csv", ["never", "yes"])
    try write("c.csv", ["no", "yes"], column: "z")
    try place.write(
      "task.json",
      """
      {"task": "classification", "data": {"train": "a.csv"},
       "model": {"cell": "gru", "reset": "after", "hidden": 8},
       "batch": {"sequences": 8, "window": 4, "shards": 8},
       "run": {"directory": "run", "steps": 4, "validate_every": 0}}
      """)
    _ = try run(["task.json", "--threads", "1"], in: place)
    _ = try run(["export", "run", "--format", "torch", "--output", "m"], in: place)
    func take(_ data: String, status: Int32, _ more: String...) throws -> Program {
      try run(
        ["import", "m", "task.json", "--run-directory", "copy", "--overwrite", "--set",
          "data.train=\(data)"] + more, in: place, status: status)
    }
    #expect(try take("b.csv", status: 2).errors.contains("classes \"no\", \"yes\""))
    #expect(try take("c.csv", status: 2).errors.contains("columns \"x\", \"y\""))
    #expect(try take("c.csv", status: 2, "--take-over").errors.contains("no column \"x\""))
    _ = try take("a.csv", status: 0, "--take-over")
  }

  /// A classifier of texts keeps its vocabulary and its classes: in checkpoints, by which it
  /// resumes and evaluates, and in what is exported, which an import compares.
  @Test func classifiersOfTextsKeepVocabularyAndClasses() throws {
    let place = try Workplace()
    func lines(_ good: String, _ bad: String) -> String {
      (0..<40).map { "\($0 % 2 == 0 ? good : bad) \($0 % 7),\($0 % 2 == 0 ? "good" : "bad")" }
        .joined(separator: "\n")
    }
    try place.write("a.csv", "text,label\n" + lines("yes", "no"))
    try place.write("b.csv", "text,label\n" + lines("yes indeed", "never"))
    try place.write("c.csv", "text,label\n" + lines("yes", "no").replacing("bad", with: "worse"))
    try place.write(
      "texts.json",
      """
      {"task": "classification", "data": {"train": "a.csv", "tokenizer": "word"},
       "model": {"reset": "after", "hidden": 8, "embedding": 6, "bidirectional": true},
       "batch": {"sequences": 8, "window": 16, "shards": 8},
       "run": {"directory": "run", "steps": 8, "validate_every": 4, "checkpoint_every": 4}}
      """)
    let told = try run(["texts.json", "--threads", "2", "--stop-after", "4"], in: place, status: 75)
    #expect(told.output.contains("unknown are 0.0 % of the former"), "\(told)")
    _ = try run(["texts.json", "--threads", "1", "--resume"], in: place)
    #expect(try run(["evaluate", "run"], in: place).output.contains("accuracy"))
    // Of 40 texts 20 have two tokens that are unknown, 20 one of two.
    let other = try run(["evaluate", "run", "--text", "b.csv"], in: place)
    #expect(other.output.contains("unknown are 40.0 % of its 100 tokens"), "\(other)")
    let strange = try run(["evaluate", "run", "--text", "c.csv"], in: place)
    #expect((strange.output + strange.errors).contains(#"model lacks ("worse")"#), "\(strange)")

    _ = try run(["export", "run", "--format", "onnx", "--output", "m.onnx"], in: place)
    _ = try run(["export", "run", "--format", "torch", "--output", "m"], in: place)
    func take(_ data: String, status: Int32, _ more: String...) throws -> Program {
      try run(
        ["import", "m", "texts.json", "--run-directory", "copy", "--overwrite", "--set",
          "data.train=\(data)"] + more, in: place, status: status)
    }
    #expect(try take("b.csv", status: 2).errors.contains("another tokenizer"))
    #expect(try take("c.csv", status: 2).errors.contains("classes \"bad\", \"good\""))
    _ = try take("a.csv", status: 0)
    _ = try take("b.csv", status: 0, "--take-over")
    let same = try run(["evaluate", "copy", "--text", "a.csv"], in: place).output
    let first = try run(["evaluate", "run", "--text", "a.csv"], in: place).output
    func figures(_ text: String) -> Substring? {
      text.split(separator: "\n").last { $0.contains("accuracy ") }?.split(separator: "loss").last
    }
    #expect(figures(same) == figures(first))
    #expect(figures(same) != nil)
  }

  /// The same of what tells words apart.
  @Test func taggersKeepVocabularyAndLabels() throws {
    let place = try Workplace()
    let columns = (0..<60).map {
      "w\($0 % 9) \($0 % 9 < 4 ? "A" : "B")\n" + ($0 % 5 == 4 ? "\n" : "")
    }
    try place.write("a.conll", columns.joined())
    try place.write("b.conll", columns.joined().replacing("w1", with: "z"))
    try place.write("c.conll", columns.joined().replacing("B", with: "C"))
    try place.write(
      "tags.json",
      """
      {"task": "tagging", "data": {"train": "a.conll"},
       "model": {"reset": "after", "hidden": 8, "embedding": 6, "bidirectional": true},
       "batch": {"sequences": 8, "window": 16, "shards": 8},
       "run": {"directory": "run", "steps": 8, "validate_every": 4, "checkpoint_every": 4}}
      """)
    _ = try run(["tags.json", "--threads", "2", "--stop-after", "4"], in: place, status: 75)
    _ = try run(["tags.json", "--threads", "1", "--resume"], in: place)
    let told = try run(["evaluate", "run", "--text", "b.conll"], in: place).output
    #expect(told.contains("unknown are 11.7 % of its 60 tokens"), "\(told)")
    #expect(told.contains("nats per token") || told.contains("(60 tokens)"), "\(told)")
    let strange = try run(["evaluate", "run", "--text", "c.conll"], in: place)
    #expect((strange.output + strange.errors).contains("\"C\""), "\(strange)")
    _ = try run(["export", "run", "--format", "onnx", "--output", "m.onnx"], in: place)
    _ = try run(["export", "run", "--format", "torch", "--output", "m"], in: place)
    let to = ["--run-directory", "copy", "--set", "data.train=b.conll"]
    let refused = try run(["import", "m", "tags.json"] + to, in: place, status: 2)
    #expect(refused.errors.contains("another tokenizer"), "\(refused)")
    _ = try run(["import", "m", "tags.json", "--take-over"] + to, in: place)
    func figures(_ run: String) throws -> Substring? {
      try self.run(["evaluate", run, "--text", "a.conll"], in: place).output
        .split(separator: "\n").last { $0.contains("accuracy ") }?.split(separator: "loss").last
    }
    #expect(try figures("copy") == figures("run"))
    #expect(try figures("run") != nil)
  }

  /// A text that would give another vocabulary is refused by its content, and the vocabulary of a
  /// token file is told apart token by token.
  @Test func tokenFilesOfOtherVocabulariesAreRefusedWithTheDifference() throws {
    let place = try Workplace()
    try place.write("long.txt", "seven words that no one else has\n")
    for (name, text) in [("a", "text.txt"), ("b", "long.txt")] {
      _ = try run(
        ["prepare", text, "--output", "\(name).tokens", "--tokenizer", "word"], in: place)
    }
    let word = [
      "--set", "data.tokenizer=word", "--set", "data.train=a.tokens", "--set", "batch.window=4",
      "--threads", "1",
    ]
    _ = try run(["config.json", "--steps", "2"] + word, in: place)
    let refused = try run(["evaluate", "run", "--text", "b.tokens"], in: place, status: 2)
    #expect(refused.errors.contains("only it has 7: \"else\", \"has\""), "\(refused)")
  }
}
