import Configuration
import Foundation
import Records
import Tasks
import Testing

/// Comments in configs, configs that init writes, and what is no config.
@Suite struct ConfigFileTests {
  private func config(_ json: String) throws -> Config {
    try Config(json: Array(json.utf8), file: "c.json")
  }

  @Test func commentsAreSpace() throws {
    let commented = """
      // What it is for.
      { /* the data */ "data": {
          "train": "a//b.txt" // not "c.txt"
        },
        "model": /* of
          two lines */ { "hidden": 3, "layers": 1 // ,
        }
      } // end
      """
    let plain = #"{"data": {"train": "a//b.txt"}, "model": {"hidden": 3, "layers": 1}}"#
    #expect(try config(commented) == config(plain))
    #expect(try config(commented).data.train == "a//b.txt")
  }

  @Test(arguments: [
    ("{} /* no end", "1:4: not JSON: a comment does not end"),
    ("{} / 1", "1:4: not JSON: expected the end of the text, found \"/\""),
    ("/", "1:1: not JSON: expected a value"), ("{\"data\"/**/: /", "1:14: not JSON"),
    ("# {}", "1:1: not JSON"), ("{} /*/", "1:4: not JSON: a comment does not end"),
  ])
  func badCommentsAreErrors(text: String, words: String) {
    let error = #expect(throws: ConfigError.self) { try config(text) }
    #expect("\(error as Any)".contains("c.json:\(words)"), "\(error as Any)")
  }

  /// Positions after comments are those of the file.
  @Test func errorsAfterCommentsNameTheirPlace() {
    let error = #expect(throws: ConfigError.self) {
      try config("// é\n{\"data\": {\"train\": \"t\"}, /* x */ \"modle\": {}}")
    }
    #expect(error?.place == "c.json:2:34", "\(error as Any)")
  }

  /// Files that the program writes stay plain JSON.
  @Test func otherJSONHasNoComments() {
    #expect(throws: JSONSyntaxError.self) { try OrderedJSON(parsing: "{} // a") }
    #expect(throws: JSONSyntaxError.self) { try JSONDocument(parsing: Array("/**/ {}".utf8)) }
  }

  // MARK: - Templates

  @Test(arguments: TaskName.allCases)
  func templatesAreConfigsWithTheDefaultsOfTheirTask(task: TaskName) throws {
    var template = ConfigTemplate(task)
    template.directory = "runs/of mine"
    if task.trainingForm != nil { template.train = "data/\"x\".csv" }
    let text = template.text(named: "c.json")
    let found = try config(text)
    let data = template.train == nil ? "" : #""data": {"train": "data/\"x\".csv"}, "#
    let expected = try config(
      #"{"task": "\#(task.rawValue)", \#(data)"run": {"directory": "runs/of mine"}}"#)
    #expect(found.json == expected.json, "\(text)")
    // Each key has words above it.
    let lines = text.split(separator: "\n").map { $0.drop { $0 == " " } }
    for (above, line) in zip(lines, lines.dropFirst()) where line.hasPrefix("\"") {
      #expect(line.hasSuffix("{") || above.hasPrefix("// "), "\(line)")
    }
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
    #expect(lines.count { $0.hasPrefix("\"") } > 20)
  }

  @Test func templatesNameTheValuesOfTheTask() {
    let text = ConfigTemplate(.adding).text(named: "c.json")
    #expect(text.contains(#"Values: "last", "mean"."#), "\(text)")
    #expect(text.contains(#"Values: "squared", "absolute"."#), "\(text)")
    #expect(!text.contains("embedding"))
    #expect(!text.contains("data.train"))
  }

  // MARK: - What is no config

  /// A folder for the length of a test.
  private func inFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("config-files-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  private func hint(_ path: String) -> String {
    do {
      _ = try Config(file: path)
      return "no error"
    } catch {
      return error.hint ?? "no hint"
    }
  }

  @Test func textsAreAnsweredWithInit() throws {
    try inFolder { folder in
      for (name, text, task) in [
        ("a.txt", "Some words.", "language"), ("plain", "{not JSON", "no hint"),
        ("b", "words", "language"), ("c.csv", "x,y\n1,2\n", "TASK"),
        ("d.jsonl", "{\"values\": [1]}\n{\"values\": [2]}\n", "TASK"),
        ("e.json", "{\"data\": ", "no hint"),
      ] {
        let path = "\(folder)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        let found = hint(path)
        let expected = task == "no hint" ? task : "gru-dist init \(task) --train \(path)"
        #expect(found.contains(expected), "\(name): \(found)")
      }
    }
  }

  @Test func directoriesAndMissingFilesAreAnsweredWithWhatIsThere() throws {
    try inFolder { folder in
      #expect(hint(folder).contains("init TASK --train \(folder)"), "\(hint(folder))")
      try Data("{}".utf8).write(to: URL(fileURLWithPath: "\(folder)/small.json"))
      #expect(hint(folder) == "it has small.json")
      #expect(hint("\(folder)/smal.json") == "did you mean \(folder)/small.json?")
      #expect(hint("\(folder)/small") == "did you mean \(folder)/small.json?")
      #expect(hint("\(folder)/other.json") == "no hint")
      #expect(hint("\(folder)/none/small.json") == "no hint")
      for name in ["config.json", "metrics.jsonl"] {
        try Data("{}".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      }
      #expect(hint(folder).contains("`gru-dist \(folder)/config.json --resume` goes on with it"))
    }
  }
}
