import Configuration
import Foundation
import Records
import Tasks
import Testing

/// `init`: configs that a run takes as they are.
@Suite(.serialized) struct InitCommandTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  /// Data of a task, in the first form that its config names.
  private func makeData(_ task: TaskName) throws -> String? {
    func rows(_ head: String, _ row: (Int) -> String) -> String {
      ([head] + (0..<600).map(row)).joined(separator: "\n") + "\n"
    }
    let file: (name: String, text: String)
    switch task {
    case .language: return "text.txt"
    case .classification:
      file = (
        "c.csv", rows("sequence,x,y,label") { "\($0 / 4),\($0 % 7),\($0 % 3),\($0 / 4 % 2)" }
      )
    case .regression:
      file = (
        "r.csv", rows("sequence,x,target") { "\($0 / 4),\($0 % 7),\($0 / 4 % 5)" }
      )
    case .tagging:
      file = (
        "t.conll", (0..<200).map { "w\($0 % 9) A\nv\($0 % 5) B\n" }.joined(separator: "\n")
      )
    case .forecasting: file = ("f.csv", rows("x,y") { "\($0 % 13),\($0 % 5)" })
    case .recommendation:
      file = ("i.csv", rows("session,item") { "\($0 / 4),i\($0 % 11)" })
    case .multilabel:
      file = ("m.csv", rows("sequence,a,b") { "\($0 / 4),\($0 % 2),\($0 / 2 % 2)" })
    case .adding, .copy: return nil
    }
    try place.write(file.name, file.text)
    return file.name
  }

  @Test(arguments: TaskName.allCases) func runTakesTheConfigOfEachTask(task: TaskName) throws {
    let data = try makeData(task)
    let made = try Program(
      ["init", task.rawValue, "--json"] + (data.map { ["--train", $0] } ?? []), in: place.folder)
    #expect(made.status == 0, "\(made)")
    let record = try OrderedJSON(parsing: try #require(made.lines.first))
    #expect(record["config"] == .string("\(task.rawValue).json"))
    #expect(record["train"] == (data.map { OrderedJSON.string($0) } ?? OrderedJSON.null))
    #expect(record["train_exists"] == true)
    #expect(record["directory"] == .string("runs/\(task.rawValue)"))
    #expect(made.errors.contains("Next:\n  gru-dist check \(task.rawValue).json"), "\(made)")
    // The commands that it names, of a smaller model.
    let small = [
      "--set", "model.hidden=8", "--set", "batch.sequences=8", "--set", "batch.window=32",
      "--threads", "1",
    ]
    let check = try Program(["check", "\(task.rawValue).json"] + small, in: place.folder)
    #expect(check.status == 0, "\(check)")
    let run = try Program(["\(task.rawValue).json", "--steps", "2"] + small, in: place.folder)
    #expect(run.status == 0, "\(run)")
    let evaluated = try place.run("evaluate", "runs/\(task.rawValue)", "--threads", "1")
    #expect(evaluated.status == 0, "\(evaluated)")
  }

  @Test func dataThatIsNotThereYetIsSaid() throws {
    let made = try place.run("init", "tagging", "my tags.json", "--run-directory", "runs/a b")
    #expect(made.status == 0, "\(made)")
    #expect(made.output.contains("data/train.conll is not there yet"), "\(made)")
    #expect(made.output.contains("gru-dist check 'my tags.json'"), "\(made)")
    #expect(made.output.contains("gru-dist predict 'runs/a b' NEW_DATA"), "\(made)")
    let check = try place.run("check", "my tags.json")
    #expect(check.status == 2 && check.errors.contains("data/train.conll"), "\(check)")
  }

  @Test func filesAreNotReplacedUnasked() throws {
    let before = try String(contentsOfFile: place.path("config.json"), encoding: .utf8)
    let refused = try place.run("init", "language", "config.json")
    #expect(refused.status == 2 && refused.errors.contains("--overwrite"), "\(refused)")
    #expect(try String(contentsOfFile: place.path("config.json"), encoding: .utf8) == before)
    let lost = try place.run("init", "language", "none/config.json")
    #expect(lost.status == 2, "\(lost)")
    #expect(try place.run("init", "language", "config.json", "--overwrite").status == 0)
    #expect(try String(contentsOfFile: place.path("config.json"), encoding: .utf8) != before)
  }

  @Test func standardOutputTakesTheConfigAlone() throws {
    let made = try place.run("init", "copy", "-")
    #expect(made.status == 0 && made.errors.isEmpty, "\(made)")
    let config = try Config(json: Array(made.output.utf8), file: "made")
    #expect(config.task == .copy && config.run.directory == "runs/copy")
    #expect(!place.exists("copy.json"))
    #expect(try place.run("init", "copy", "-", "--json").status == 2)
  }

  @Test func tasksAreListedAndSuggested() throws {
    let list = try place.run("init")
    #expect(list.status == 0, "\(list)")
    for task in TaskName.allCases {
      #expect(list.output.contains("  \(task.rawValue) "), "\(list)")
    }
    for (word, task) in [
      ("lm", "language"), ("clasification", "classification"), ("ner", "tagging"),
      ("time_series", "forecasting"),
    ] {
      let refused = try place.run("init", word)
      #expect(refused.status == 2, "\(refused)")
      #expect(
        refused.errors.contains("there is no task '\(word)'; did you mean \(task)?"), "\(refused)")
    }
    let made = try place.run("init", "adding", "--train", "text.txt")
    #expect(made.status == 2 && made.errors.contains("makes its data"), "\(made)")
  }
}
