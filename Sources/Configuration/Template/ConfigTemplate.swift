import Records
package import Tasks

/// A config to begin with: the keys that people set first, each with what it is for in a comment
/// above it, at the values that it has where nobody says anything.
package struct ConfigTemplate: Sendable {
  package let task: TaskName
  /// What to train on; nil for a name that says what the task reads.
  package var train: String?
  /// Where the run goes.
  package var directory: String

  package init(_ task: TaskName) {
    self.task = task
    directory = "runs/\(task.rawValue)"
  }

  /// The file, or directory, that the config names; nil of a task that makes its data.
  package var trainingFile: String? {
    guard task.trainingForm != nil else { return nil }
    return train ?? task.usualTrainingFile
  }

  /// The config as a file.
  ///
  /// - Parameter name: what the file is called.
  package func text(named name: String) -> String {
    var lines = Self.comment(
      "A config for the task \"\(task.rawValue)\", with the keys that are set most often. What is "
        + "left out has its default: docs/config.md lists all keys, and `gru-dist check \(name)` "
        + "prints them with their values.", indent: "")
    lines += object(in: "", indent: "")
    return lines.joined(separator: "\n") + "\n"
  }

  /// The keys that are written, of those that the task has.
  private static let keys = [
    "task", "data.train", "data.valid", "data.valid_fraction", "data.valid_sequences",
    "data.tokenizer", "data.text", "data.label", "data.item", "data.sequence", "data.time",
    "data.columns", "data.targets", "data.horizon", "data.missing", "model.cell",
    "model.embedding", "model.hidden", "model.layers", "model.dropout", "batch.sequences",
    "batch.window", "batch.shards", "output.readout", "output.loss", "optimizer.name",
    "optimizer.learning_rate", "optimizer.weight_decay", "optimizer.clip_norm",
    "optimizer.schedule.name", "optimizer.schedule.warmup_steps", "run.directory", "run.steps",
    "run.seed", "run.log_every", "run.validate_every", "run.checkpoint_every", "run.patience",
  ]

  /// What is declared of the keys that are written, in the order of the config.
  private var declarations: [KeyDeclaration] {
    let meaningless =
      (hasEmbedding ? [] : ["model.embedding"]) + (task == .language ? ["data.text"] : [])
    return Config.declarations(below: "", of: [task]).filter {
      Self.keys.contains($0.path) && !meaningless.contains($0.path)
    }
  }

  /// Whether the size of embeddings has a meaning.
  private var hasEmbedding: Bool { task.description.readsTokens || task == .classification }

  /// A section from one brace to the other.
  private func object(in section: String, indent: String) -> [String] {
    let inner = indent + "  "
    let prefix = section.isEmpty ? "" : section + "."
    var members: [[String]] = []
    var sections: Set<String> = []
    for key in declarations where key.path.hasPrefix(prefix) {
      let names = key.path.dropFirst(prefix.count).split(separator: ".").map(String.init)
      guard names.count > 1 else {
        members.append(
          Self.comment(words(on: key), indent: inner)
            + ["\(inner)\"\(names[0])\": \(value(of: key).line)"])
        continue
      }
      guard sections.insert(names[0]).inserted else { continue }
      var lines = object(in: prefix + names[0], indent: inner)
      lines[0] = "\(inner)\"\(names[0])\": {"
      // A section stands apart from what is above it.
      members.append((members.isEmpty ? [] : [""]) + lines)
    }
    for place in members.indices.dropLast() {
      members[place][members[place].count - 1] += ","
    }
    return [indent + "{"] + members.flatMap { $0 } + [indent + "}"]
  }

  private func value(of key: KeyDeclaration) -> OrderedJSON {
    switch key.path {
    case "task": .string(task.rawValue)
    case "data.train": trainingFile.map { .string($0) } ?? .null
    case "run.directory": .string(directory)
    default: key.fallback ?? .null
    }
  }

  /// What a key is for, and which values it takes.
  private func words(on key: KeyDeclaration) -> String {
    if key.path == "data.train", let form = task.trainingForm {
      return "What to train on: \(form)."
    }
    let values =
      switch key.path {
      case "output.readout": task.readouts.quoted
      case "output.loss": task.losses.quoted
      default: key.values
      }
    let isPlain = ["a string", "null or a string"].contains(values) || key.path == "task"
    return key.meaning + (isPlain ? "" : " Values: \(values).")
  }

  /// Lines of a comment, none longer than 98 columns.
  private static func comment(_ text: String, indent: String) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, indent.count + 3 + line.count + 1 + word.count > 98 {
        lines.append(line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " \(word)"
    }
    return (lines + [line]).map { "\(indent)// \($0)" }
  }
}

extension TaskName {
  /// What a file of training data has; nil of a task that makes its own.
  package var trainingForm: String? {
    switch self {
    case .language:
      "a text in UTF-8, a directory of texts, or a token file that `gru-dist prepare` made"
    case .classification:
      "a table (.csv, .tsv) with a row a step, whose columns are sequence, label and numbers; "
        + "lines of JSON such as {\"values\": [[0.1, 2], [0.3, 4]], \"label\": \"a\"}; a .ts file; "
        + "or with `tokenizer` texts: a table with columns text and label, or a directory with a "
        + "folder for each class"
    case .regression:
      "a table (.csv, .tsv) with a row a step, whose columns are sequence, target and numbers; "
        + "or lines of JSON such as {\"values\": [[0.1, 2], [0.3, 4]], \"target\": 1.5}"
    case .tagging:
      "columns of words and labels (.conll) with a blank line after each sequence, or lines of "
        + "JSON such as {\"tokens\": [\"a\", \"b\"], \"labels\": [\"X\", \"Y\"]}"
    case .forecasting:
      "a table (.csv, .tsv) of numbers with a row for each time, oldest first"
    case .recommendation:
      "a table (.csv, .tsv) of events, a row each, with columns session and item; or lines of JSON "
        + "such as {\"session\": 1, \"items\": [\"a\", \"b\"]}"
    case .multilabel:
      "a table (.csv, .tsv) of 0 and 1 with a row a step and a column sequence; or lines of JSON "
        + "such as {\"values\": [[0, 1], [1, 1]]}"
    case .adding, .copy: nil
    }
  }

  fileprivate var usualTrainingFile: String {
    switch self {
    case .language: "data/train.txt"
    case .tagging: "data/train.conll"
    default: "data/train.csv"
    }
  }

  /// What the task is, in a few words.
  package var summary: String {
    switch self {
    case .language: "predict the next token of texts, and write such texts"
    case .classification: "tell the class of sequences, or of texts"
    case .regression: "tell numbers of sequences"
    case .tagging: "tell the class of every word"
    case .forecasting: "tell the next values of time series"
    case .recommendation: "tell the next item of a session"
    case .multilabel: "tell the next vector of 0 and 1"
    case .adding: "add two numbers far apart (made up, to try cells)"
    case .copy: "repeat symbols after a gap (made up, to try cells)"
    }
  }
}
