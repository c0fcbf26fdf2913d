import ArgumentParser
import Collectives
import Configuration
import Engine
import Foundation
import Records
import Tasks

struct InitCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Write a config to begin with, and say what to do next.",
    discussion: """
      The config has the keys that are set most often, each with what it is for and the values it \
      takes in a comment, at the values that it has where nobody says anything. Without a task it \
      lists the tasks.

      EXAMPLES
        gru-dist init
        gru-dist init language --train data/news.txt
        gru-dist init forecasting prices.json --train prices.csv
        gru-dist init classification - | less
      """)

  @Argument(
    help: "What to learn: language, classification, forecasting, ...; none lists all.",
    completion: .list(TaskName.allCases.map(\.rawValue)))
  var task: String?

  @Argument(
    help: "The config to write, TASK.json by default; - is standard output.",
    completion: .file(extensions: ["json"]))
  var config: String?

  @Option(help: "The file, or directory, to train on (data.train).", completion: .file())
  var train: String?

  @Option(help: "The directory that the run writes to (run.directory).", completion: .directory)
  var runDirectory: String?

  @Flag(help: "Replace a file that exists.") var overwrite = false
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard let task, TaskName(rawValue: task) == nil else {
      if config == "-", output.json {
        throw ValidationError("--json and - both take standard output: name a file")
      }
      return
    }
    let words = TaskAliases.hint(for: task)
    throw ValidationError("there is no task '\(task)'; \(words)")
  }

  func run(on communicator: any Communicator) throws -> Int32 {
    try runOnce(json: output.json, on: communicator) { console in
      guard let task = task.flatMap(TaskName.init(rawValue:)) else {
        return Self.list(on: console)
      }
      var template = ConfigTemplate(task)
      if let train, template.trainingFile == nil {
        throw UsageError(
          "--train: the task \"\(task.rawValue)\" makes its data, and reads no file; leave "
            + "'\(train)' out")
      }
      template.train = train
      if let runDirectory { template.directory = runDirectory }
      let path = config ?? "\(task.rawValue).json"
      if path == "-" { return console.put(template.text(named: "FILE")) }
      try FileStatus.requireReplaceable(path, option: "the config", overwrite: overwrite)
      try FileDraft.write(
        Array(template.text(named: path).utf8), to: path, replaces: overwrite)
      Self.tell(template, path, on: console)
    }
  }

  private static func list(on console: Console) {
    let rows = TaskName.allCases.map { ["  \($0.rawValue)", $0.summary] }
    console.say("Tasks:")
    TextTable.lines(rows).forEach(console.say)
    console.say("\n`gru-dist init TASK --train FILE` writes a config; docs/tasks.md says more.")
    for task in TaskName.allCases {
      console.record([
        "kind": "task", "task": .string(task.rawValue), "summary": .string(task.summary),
        "data": task.trainingForm.map { .string($0) } ?? .null,
      ])
    }
  }

  private static func tell(_ template: ConfigTemplate, _ path: String, on console: Console) {
    let train = template.trainingFile
    let isThere = train.map { FileStatus($0) != nil } ?? true
    console.say(
      "\(path): task \(template.task.rawValue)"
        + (train.map { ", trains on \($0)" } ?? ", makes its data")
        + ", run directory \(template.directory)")
    if let train, let form = template.task.trainingForm {
      if !isThere {
        console.say("\(train) is not there yet. Put your data there, or set data.train; it reads")
      }
      if !isThere { console.say("\(form).") }
    }
    let steps = next(template, path)
    console.say("\nNext:")
    TextTable.lines(steps.map { ["  \($0.command)", $0.purpose] }).forEach(console.say)
    console.record([
      "kind": "init", "task": .string(template.task.rawValue), "config": .string(path),
      "train": train.map { .string($0) } ?? .null, "train_exists": .bool(isThere),
      "directory": .string(template.directory),
      "next": .array(steps.map { .string($0.command) }),
    ])
  }

  /// Commands, in the order in which they are of use.
  private static func next(
    _ template: ConfigTemplate, _ path: String
  ) -> [(command: String, purpose: String)] {
    let (config, run) = (quoted(path), quoted(template.directory))
    var steps: [(command: String, purpose: String)] = [
      ("gru-dist check \(config)", "what it makes of config and data, and the memory it takes"),
      ("gru-dist overfit \(config)", "whether it can learn one batch by heart"),
      ("gru-dist \(config)", "train; mpirun -np N in front of it for N ranks"),
      ("gru-dist evaluate \(run)", "measure the best model"),
    ]
    switch template.task {
    case .language: steps.append(("gru-dist sample \(run)", "let it write"))
    case .adding, .copy: break
    default: steps.append(("gru-dist predict \(run) NEW_DATA", "apply it to new data"))
    }
    return steps
  }

  /// A word as a shell takes it.
  private static func quoted(_ word: String) -> String {
    let isPlain = word.allSatisfy { $0.isLetter || $0.isNumber || "_-./+:,@%".contains($0) }
    return isPlain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
  }
}

/// Tasks by other names.
private enum TaskAliases {
  private static let names: KeyValuePairs<TaskName, String> = [
    .language: "lm text nlp generation text-generation char-rnn language-model language-modeling",
    .classification: "classify classifier sentiment text-classification",
    .regression: "regress regressor",
    .tagging: "ner pos tag tags sequence-labeling token-classification",
    .forecasting: "forecast timeseries time-series series prediction",
    .recommendation: "recommend recommender recsys sessions next-item items",
    .multilabel: "music polyphonic multi-label",
  ]

  static func hint(for word: String) -> String {
    let plain = word.lowercased().replacing("_", with: "-")
    let tasks = TaskName.allCases.map(\.rawValue)
    let alias = names.first { $0.value.split(separator: " ").contains { $0 == plain } }
    let near = tasks.map { ($0, editDistance($0, plain)) }.min { $0.1 < $1.1 }
    if let alias { return "did you mean \(alias.key.rawValue)?" }
    if let near, near.1 <= max(2, plain.count / 3) { return "did you mean \(near.0)?" }
    return "there are " + tasks.joined(separator: ", ")
  }
}
