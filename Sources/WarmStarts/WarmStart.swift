import Checkpoints
package import Collectives
package import Configuration
import Corpora
import Datasets
package import Engine
import GRUCore
import Kernels
import Records
import Scoring
import Tasks

/// A run's start from what is there already: a model, of which is taken over what it has learnt of
/// its data, and then its parameters, or vectors of words. Every rank has one; rank 0 alone reads.
package final class WarmStart {
  /// What the run takes over in place of what its data would give; nil learns all of it.
  package let learnt: LearntData?
  /// Whether a model is the source.
  package let isModel: Bool
  private let communicator: any Communicator
  /// On rank 0, until it is written to a model.
  private var source: Source?
  private var planned: Planned?
  /// What is said of the start, on rank 0, once `plan` was made.
  package private(set) var report: StartReport?

  /// What the path names.
  private enum Source {
    case checkpoint(LoadedModel, StartRequest)
    case file(StartFile, StartRequest)
    case vectors(path: String)
  }

  /// What is to be written to the new model.
  private enum Planned {
    case model(SourceModel, StartPlan)
    case vectors(VectorStart)
  }

  /// Opens the source, and decides what is taken over. Every rank calls it; all throw alike.
  package init(
    _ request: StartRequest, for config: Config, on communicator: any Communicator
  ) throws {
    isModel = true
    self.communicator = communicator
    var found: (Source, LearntData?)?
    try communicator.coordinate {
      let source = try Self.open(request, for: config)
      found = (source, try Self.learnt(of: source, for: config))
    }
    source = found?.0
    let shared = try communicator.share(Array((found?.1?.json ?? [:]).line.utf8))
    learnt = try LearntData(json: JSONFields(OrderedJSON(parsing: shared)))
  }

  /// Takes vectors of words for the embedding. Every rank calls it.
  package init(vectors path: String, on communicator: any Communicator) {
    learnt = nil
    isModel = false
    self.communicator = communicator
    source = communicator.rank == 0 ? .vectors(path: path) : nil
  }

  private static func open(_ request: StartRequest, for config: Config) throws -> Source {
    guard FileStatus(request.path) != nil else {
      throw UsageError(
        "--from: there is no '\(request.path)'; expected a run directory, a checkpoint, or a model "
          + "file in safetensors")
    }
    if FileStatus(request.path)?.kind == .regular {
      if let wish = request.wish {
        throw UsageError(
          "--\(wish.rawValue) is for runs, and --from '\(request.path)' is a file; leave it out")
      }
      return .file(try StartFile(request, for: config), request)
    }
    if request.vocabulary != nil {
      throw UsageError(
        "--vocabulary is for model files, and --from '\(request.path)' is a directory, whose "
          + "checkpoint has its tokens; leave it out")
    }
    return .checkpoint(
      try LoadedModel(path: request.path, wanting: request.wish), request)
  }

  /// Whether the output layer is the source's.
  private static func keepsHead(of source: Source, for config: Config) -> Bool {
    switch source {
    case .checkpoint(let model, let request):
      let (own, other) = (model.task, config.taskDescription)
      return !request.replacesHead && own.name == other.name && own.outputs == other.outputs
    case .file(let file, let request):
      // Layers under Keras' names are those of a language model.
      let usual = file.isOfKeras ? TaskName.language : config.task
      let task = file.knowledge.task ?? usual.rawValue
      return !request.replacesHead && task == config.task.rawValue
    case .vectors: return false
    }
  }

  // MARK: - What is known of the data

  private static func learnt(of source: Source, for config: Config) throws -> LearntData? {
    let task = config.taskDescription
    let keepsHead = keepsHead(of: source, for: config)
    let knowsData = keepsHead && !task.predictsVocabulary && !task.isGenerated
    switch source {
    case .vectors: return nil
    case .checkpoint(let model, let request):
      try requireSameInputs(model, config)
      let tokenizer =
        task.hasTokenizer && !request.learnsVocabulary
        ? try checked(model.tokenizer, config, path: request.path) : nil
      if knowsData { try requireSameData(model, config) }
      let frame = knowsData ? try checked(model.frame, config, path: request.path) : nil
      return LearntData(tokenizer: tokenizer, frame: frame)
    case .file(let file, let request):
      let knowledge = file.knowledge
      let tokenizer =
        task.hasTokenizer && !request.learnsVocabulary
        ? try knowledge.tokenizer.map { try checked($0, config, path: request.path) } : nil
      let isKnown = task.readsValues ? knowledge.columns != nil : knowledge.classes != nil
      let frame = knowsData && isKnown ? try knowledge.learnt(for: config).frame : nil
      if let columns = config.data.task.columns, let own = frame?.columns, own != columns {
        throw UsageError(
          "--from \(request.path): it reads the columns \(DataFileError.list(own)), and "
            + "data.columns names \(DataFileError.list(columns)); leave data.columns out")
      }
      return LearntData(tokenizer: tokenizer, frame: frame)
    }
  }

  /// Throws where one model reads text, and the other numbers.
  private static func requireSameInputs(_ model: LoadedModel, _ config: Config) throws {
    let (own, other) = (model.task, config.taskDescription)
    guard own.hasTokenizer != other.hasTokenizer || own.isGenerated != other.isGenerated else {
      return
    }
    func words(_ task: TaskDescription) -> String {
      task.isGenerated ? "made-up sequences" : task.hasTokenizer ? "text" : "numbers"
    }
    // A classifier reads texts where its config says how.
    let readsTexts = own.hasTokenizer && config.task == .classification
    let remedy =
      readsTexts
      ? "to classify texts, add --set data.tokenizer=\(model.tokenizer.kind.rawValue)"
      : own.name == other.name && other.hasTokenizer
        ? "start from a model that reads text, or take data.tokenizer out of the config"
        : "start from a model that reads \(words(other))"
    throw UsageError(
      "--from \(model.checkpoint.path): its task is \"\(own.name)\", and it reads \(words(own)); "
        + "the config's task \"\(other.name)\" reads \(words(other)); \(remedy)")
  }

  /// Throws where the config asks for other data than those that the source has learnt to read:
  /// columns it may leave out, as they are known, and how numbers go in must be the same.
  private static func requireSameData(_ model: LoadedModel, _ config: Config) throws {
    let (own, other) = (model.config.json.leaves, config.json.leaves)
    let defaults = Config(defaultsOf: config.task).json(of: config.task).leaves
    let learnt = ["columns", "targets", "known", "static", "calendar"].map { "data.\($0)" }
    let fixed = [
      "missing", "series", "scale", "relative", "normalize", "horizon", "categories",
    ].map { "data.\($0)" }
    let changes = (learnt + fixed).filter { key in
      own[key] != other[key] && !(learnt.contains(key) && other[key] == defaults[key])
    }
    if changes.isEmpty { return }
    func value(_ leaves: [String: OrderedJSON], _ key: String) -> String {
      leaves[key]?.line ?? "null"
    }
    throw UsageError(
      "--from \(model.checkpoint.path): "
        + changes.map { "\($0) is \(value(other, $0)) and was \(value(own, $0))" }
        .joined(separator: ", ")
        + "; add " + changes.map { "--set '\($0)=\(value(own, $0))'" }.joined(separator: " ")
        + ", or --new-head for an output layer of its own")
  }

  private static func checked(
    _ tokenizer: Tokenizer, _ config: Config, path: String
  ) throws -> Tokenizer {
    let asked = config.data.learning.kind
    guard tokenizer.kind != asked else { return tokenizer }
    throw UsageError(
      "--from \(path): its tokenizer is \"\(tokenizer.kind.rawValue)\", and the config's "
        + "\"\(asked.rawValue)\"; add --set data.tokenizer=\(tokenizer.kind.rawValue), or "
        + "--new-vocabulary to keep the rows of those tokens that both have")
  }

  private static func checked(
    _ frame: TaskFrame?, _ config: Config, path: String
  ) throws -> TaskFrame? {
    do {
      try frame?.check(
        task: config.taskDescription, horizon: config.data.task.horizon,
        normalizes: config.data.task.normalize)
      return frame
    } catch {
      throw UsageError(
        "--from \(path): what it has learnt of its data does not go with the config: \(error); use "
          + "the keys of data and output that it was trained with, or add --new-head for an output "
          + "layer of its own")
    }
  }

  // MARK: - Parameters

  /// Decides where each tensor of the config's model comes from; every rank calls it, and all throw
  /// alike.
  ///
  /// - Parameter counts: how often each token goes in during training.
  package func plan(for target: ModelTarget, counts: () -> [Int]) throws {
    try communicator.coordinate {
      guard let source else { return }
      switch source {
      case .vectors(let path):
        let start = try VectorStart(path: path, for: target)
        report = StartReport(start, path: path, counts: counts())
        planned = .vectors(start)
      case .checkpoint(let loaded, let request):
        loaded.refusals.forEach(Console.complain)
        var report = StartReport(path: request.path)
        report.describe(loaded, for: target.config)
        try plan(try SourceModel(loaded), source, for: target, report)
      case .file(let file, let request):
        var report = StartReport(path: request.path)
        let (model, assumptions) = try file.model(
          for: target, takesHead: Self.keepsHead(of: source, for: target.config))
        report.assumptions = assumptions
        try plan(model, source, for: target, report)
      }
      self.source = nil
    }
  }

  private func plan(
    _ model: SourceModel, _ source: Source, for target: ModelTarget, _ report: StartReport
  ) throws {
    let plan = try StartPlan(
      of: model, for: target, keepsHead: Self.keepsHead(of: source, for: target.config))
    var report = report
    report.describe(plan, of: model, for: target, learnt)
    self.report = report
    planned = .model(model, plan)
  }

  /// Puts what is taken over in the place of the first values of a new run, and gives all ranks the
  /// same; every rank calls it. The source is closed then.
  ///
  /// - Parameter replica: with its first values.
  package func write(to replica: Replica) throws {
    let arena = unsafe replica.parameters.pointer
    switch planned {
    case .model(let model, let plan):
      for match in plan.matches {
        unsafe match.copy(from: model.arena.pointer, model.table, to: arena)
      }
    case .vectors(let start): unsafe start.write(to: arena, table: replica.table)
    case nil: break
    }
    planned = nil
    let values = unsafe UnsafeMutableBufferPointer(
      start: arena, count: replica.table.elementCount)
    try unsafe communicator.broadcast(UnsafeMutableRawBufferPointer(values), from: 0)
    replica.repack()
  }
}
