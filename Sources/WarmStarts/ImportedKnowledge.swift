package import Configuration
package import Corpora
import Datasets
package import Engine
package import Interchange
import Records
import Tasks

/// What a file's metadata say that its model has learnt of its data, as `export` writes them.
package struct ImportedKnowledge {
  /// Nil where the file does not say.
  package var tokenizer: Tokenizer?
  package var columns: [String]?
  package var classes: [String]?
  package var targets: [String]?
  /// The name of the task; nil where the file does not say.
  package var task: String?
  /// Values of the config's keys that the model was made with, by key.
  private let settings: [(key: String, value: String)]
  /// Whether a program of ours wrote the file, so that its layers are known.
  package var isOurs: Bool
  private let path: String
  private let means: [Double]?
  private let deviations: [Double]?
  private let targetMeans: [Double]?
  private let targetDeviations: [Double]?

  package init(metadata: [String: String], tensors: [NamedTensor], path: String) {
    self.path = path
    isOurs = metadata["program"]?.hasPrefix("gru-dist") ?? false
    func value(_ name: String) -> OrderedJSON? {
      metadata[name].flatMap { try? OrderedJSON(parsing: Array($0.utf8)) }
    }
    func words(_ name: String) -> [String]? {
      guard case .array(let elements)? = value(name) else { return nil }
      let words = elements.compactMap { if case .string(let word) = $0 { word } else { nil } }
      return words.count == elements.count ? words : nil
    }
    tokenizer = value("tokenizer").flatMap { try? Tokenizer(json: try JSONFields($0)) }
    let keys = [
      ("task", "task"), ("output.readout", "readout"), ("output.loss", "loss"),
      ("output.quantiles", "quantiles"), ("data.horizon", "horizon"),
    ]
    settings = keys.compactMap { key, name in metadata[name].map { (key, $0) } }
    (columns, classes, targets) = (words("columns"), words("classes"), words("targets"))
    // Those of texts are not named.
    task = metadata["task"] ?? (isOurs ? TaskName.language.rawValue : nil)
    func numbers(_ name: String) -> [Double]? {
      tensors.first { $0.name == name || $0.name.hasSuffix(".\(name)") }.flatMap(\.doubles)
    }
    (means, deviations) = (numbers("input_mean"), numbers("input_deviation"))
    (targetMeans, targetDeviations) = (numbers("target_mean"), numbers("target_deviation"))
  }

  /// What a run takes over in place of what its data would give.
  ///
  /// - Throws: where the file says too little for the config's task.
  package func learnt(for config: Config) throws -> LearntData {
    func missing(_ what: String) -> UsageError {
      UsageError("\(path): its metadata have no \(what) that could be taken over")
    }
    let task = config.taskDescription
    var learnt: Tokenizer?
    if task.hasTokenizer {
      guard let tokenizer else { throw missing("tokenizer") }
      guard tokenizer.kind == config.data.learning.kind else {
        throw UsageError(
          "\(path) has the tokenizer \"\(tokenizer.kind.rawValue)\"; add --set "
            + "data.tokenizer=\(tokenizer.kind.rawValue)")
      }
      if task.predictsVocabulary { return .tokenizer(tokenizer) }
      learnt = tokenizer
    }
    guard let columns = columns ?? (task.readsValues ? nil : []) else { throw missing("columns") }
    let predicts = task.outputs == .values && task.sequences == .packed
    let json = TaskFrame.json(
      columns: columns, classes: classes, targets: predicts ? nil : targets, means: means,
      deviations: deviations)
    do throws(JSONFieldError) {
      var frame = try TaskFrame(json: try JSONFields(json))
      if predicts, let targets { frame.predicted = predicted(targets) }
      try frame.check(
        task: task, horizon: config.data.task.horizon, normalizes: config.data.task.normalize)
      return learnt.map { .texts($0, frame) } ?? .frame(frame)
    } catch {
      throw UsageError("\(path): what it says of its data cannot be taken over: \(error)")
    }
  }

  /// What a model that predicts these numbers knows of them.
  private func predicted(_ names: [String]) -> PredictedNumbers {
    func first(_ values: [Double]?, or value: Double) -> [Double] {
      Array((values ?? names.map { _ in value }).prefix(names.count))
    }
    return PredictedNumbers(
      names: names, means: first(targetMeans, or: 0), deviations: first(targetDeviations, or: 1),
      isScaled: targetMeans != nil)
  }

  /// Throws where the file was made for another task, or to give something else, than a config asks
  /// for, with what to set.
  package func requireSettings(of config: Config) throws {
    let values = config.json.leaves
    for (key, own) in settings {
      guard let value = values[key] else { continue }
      let other = value.stringValue ?? value.line
      guard own != other else { continue }
      throw UsageError(
        "\(path) was made with \(key) \(own), and the config has \(other)"
          + (key == "task" ? "" : "; add --set \(key)=\(own)"))
    }
  }

  /// Throws where the file was made of other data than the config's, with the difference.
  package func requireSame(as target: ModelTarget) throws {
    let hint = "take the data that the model was made for, or what the file says of them: "
      + "--take-over"
    let train = target.config.data.train
    if let known = target.tokenizer,
      let difference = tokenizer?.difference(own: "the file", from: known, of: train)
    {
      throw UsageError("\(path) was made with another tokenizer: \(difference); \(hint)")
    }
    guard let frame = target.frame else { return }
    let pairs = [
      ("columns", columns, frame.columns), ("classes", classes, frame.classes),
      ("columns to forecast", targets, frame.targets ?? frame.predicted?.names),
    ]
    for (subject, own, other) in pairs {
      guard let own, let other, own != other else { continue }
      throw UsageError(
        "\(path) has the \(subject) \(DataFileError.list(own)), and \(train) gives "
          + "\(DataFileError.list(other)); \(hint)")
    }
  }

  /// What is taken for granted of the data, since the file does not say.
  ///
  /// - Parameter takesHead: whether the output layer is the file's.
  package func assumptions(for target: ModelTarget, takesHead: Bool = true) -> [String] {
    let task = target.config.taskDescription
    var assumptions: [String] = []
    if let known = target.tokenizer, tokenizer == nil {
      assumptions.append(
        "its tokens are numbered as the config's tokenizer numbers them "
          + "(\(known.kind.rawValue))")
    }
    guard let frame = target.frame else { return assumptions }
    if columns == nil, task.readsValues {
      assumptions.append("its inputs are the columns \(DataFileError.list(frame.columns))")
    }
    if takesHead, classes == nil, let classes = frame.classes {
      assumptions.append("its outputs are the classes \(DataFileError.list(classes))")
    }
    if takesHead, targets == nil, let targets = frame.targets {
      assumptions.append("its forecasts are of the columns \(DataFileError.list(targets))")
      if target.config.data.task.horizon > 1, targets.count > 1 {
        assumptions.append("its outputs are step by step, of each step all columns")
      }
    }
    if takesHead, !isOurs, task.outputsPerTarget > 1 {
      assumptions.append(
        "its outputs are all first numbers of the distributions (the lowest quantiles, or the "
          + "means), then all second ones, and so on")
    }
    if means == nil, frame.means != nil {
      assumptions.append(
        "its inputs are normalised by means and deviations of \(target.config.data.train)")
    }
    return assumptions
  }
}

extension VocabularyFile {
  /// The file that `--vocabulary` names for a config's model; nil where it names none.
  package init?(_ path: String?, for config: Config) throws {
    guard let path else { return nil }
    guard config.taskDescription.hasTokenizer else {
      throw UsageError(
        "--vocabulary is for texts, and the task \"\(config.task.rawValue)\" reads numbers; leave "
          + "it out")
    }
    try self.init(
      path: path, kind: config.data.learning.kind, rules: TextRules(config.contract))
  }
}
