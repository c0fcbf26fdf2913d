import Checkpoints
import Configuration
import Corpora
import NumericContract
import Records
import Tasks

/// A config, run or checkpoint that is compared with another one: all that can be told of it
/// without its data.
struct ComparedSubject {
  let path: String
  let config: Config
  /// What a run's checkpoint keeps; nil of a config.
  let state: TrainingState?
  /// The step of the checkpoint that speaks for the run.
  let checkpointStep: Int?

  /// - Throws: where the path leads to none of the three.
  init(_ path: String) throws {
    self.path = path
    guard let status = FileStatus(path) else {
      throw UsageError("'\(path)' does not exist; expected a config, a run or a checkpoint")
    }
    guard status.kind == .directory else {
      config = try Config(file: path)
      state = nil
      checkpointStep = nil
      return
    }
    if let checkpoint = try Self.newest(at: path) {
      let state = try checkpoint.trainingState()
      self.state = state
      checkpointStep = checkpoint.step
      config = try Config(stored: state.config, place: "\(checkpoint.path): config")
      return
    }
    state = nil
    checkpointStep = nil
    let file = "\(path)/\(RunFiles.config)"
    let isRun = [RunFiles.checkpoints, RunFiles.metrics].contains {
      FileStatus("\(path)/\($0)") != nil
    }
    guard isRun, FileStatus(file) != nil else {
      throw UsageError("'\(path)' is neither a run nor a checkpoint")
    }
    guard let json = RunFiles.read(file) else { throw UsageError("'\(file)' is damaged") }
    config = try Config(stored: json, place: file)
  }

  /// The newest checkpoint whose files have the lengths of its manifest; nil where there is none.
  private static func newest(at path: String) throws(CheckpointError) -> Checkpoint? {
    do throws(CheckpointError) {
      return try Checkpoint(measuring: path)
    } catch {
      guard case .missing = error else { throw error }
    }
    let store = CheckpointStore(directory: "\(path)/\(RunFiles.checkpoints)")
    for step in try store.steps().reversed() {
      if let checkpoint = try? Checkpoint(measuring: store.path(ofStep: step)) { return checkpoint }
    }
    return nil
  }

  /// Values of the effective config by key, in its order. A version of the contract that it does
  /// not name is the one that a run of it would have.
  var configValues: [(key: String, value: OrderedJSON)] {
    var config = config
    config.run.contractVersion = config.contract
    return config.json.orderedLeaves
  }

  /// Values that a config of the task has where it says nothing.
  var defaults: [String: OrderedJSON] {
    Config(defaultsOf: config.task).json(of: config.task).leaves
  }

  /// What a run has besides its config, in the order in which it is told.
  var facts: [(key: String, value: OrderedJSON)] {
    guard let state else { return [] }
    var facts: [(key: String, value: OrderedJSON)] = [
      ("contract version", .integer(state.contractVersion.rawValue)),
      ("data.train, content", .string(state.corpusFingerprint)),
      ("data.valid, content", state.validationFingerprint.map { .string($0) } ?? .null),
    ]
    if config.taskDescription.hasTokenizer {
      facts += [
        ("vocabulary, kind", .string(state.tokenizer.kind.rawValue)),
        ("vocabulary, tokens", .integer(state.tokenizer.vocabularySize)),
        ("vocabulary, content", .string(Self.hash(of: state.tokenizer.json))),
      ]
    }
    if let dataset = state.dataset {
      facts += dataset.orderedLeaves.map { ("learnt from data: \($0.key)", $0.value) }
    }
    let best = state.bestCheckpointValue ?? state.bestCheckpointLoss
    facts += [
      ("model", .string("\(state.model)")), ("step", .integer(state.step)),
      ("tokens", .integer(state.tokens)),
      ("best \(state.measureName)", best.map { .number($0) } ?? .null),
      ("best \(state.measureName), step", state.bestCheckpointStep.map { .integer($0) } ?? .null),
      ("parameters, fingerprint", .string(state.fingerprint)),
    ]
    return facts
  }

  private static func hash(of json: OrderedJSON) -> String {
    let text = Array(json.line.utf8)
    return unsafe text.withUnsafeBytes { unsafe ContentHash128(of: $0).description }
  }
}

extension OrderedJSON {
  /// All values that are no objects, by dotted path, in their order.
  var orderedLeaves: [(key: String, value: OrderedJSON)] {
    guard case .object(let members) = self else { return [("", self)] }
    return members.flatMap { member in
      member.value.orderedLeaves.map {
        ($0.key.isEmpty ? member.name : "\(member.name).\($0.key)", $0.value)
      }
    }
  }
}
