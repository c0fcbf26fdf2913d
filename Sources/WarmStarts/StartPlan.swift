import Configuration
import Corpora
import Datasets
import GRUCore
import Records
import Tasks

/// What of a source each tensor of a new model takes.
struct StartPlan {
  let matches: [TensorMatch]
  /// What people have to know of the tables of tokens: rows taken, rows that are new, and rows of
  /// the source that have no place; nil where the vocabularies are the same.
  let tokens: TokenMatch?

  /// The source's column of each input, by name, where these are others; -1 where there is none.
  private(set) var columns: [Int32]? = nil

  /// How the vocabularies of source and model go together.
  struct TokenMatch {
    /// The source's token of each token; -1 where there is none.
    let places: [Int32]
    let sourceCount: Int

    var taken: Int { places.count { $0 >= 0 } }
    var new: Int { places.count - taken }
    /// Tokens of the source that the new model does not have.
    var left: Int { sourceCount - Set(places.filter { $0 >= 0 }).count }
  }

  /// - Parameter keepsHead: whether the output layer is the source's.
  /// - Throws: where the models do not go together, saying what to set.
  init(
    of source: SourceModel, for target: ModelTarget, keepsHead: Bool
  ) throws(UsageError) {
    try source.requireSameLayers(as: target)
    let tokens = try Self.tokens(of: source, for: target)
    self.tokens = tokens
    let table = ParameterTable(shape: target.shape)
    let inputs = Self.inputs(of: source, for: target)
    if case .columns(let places) = inputs { columns = places }
    let head = keepsHead ? try Head(of: source, for: target, tokens) : nil
    var matches: [TensorMatch] = []
    for parameter in table.parameters {
      var origin: TensorMatch.Origin =
        source.table.has(parameter.name) ? .whole(parameter.name) : .new
      switch parameter.group {
      case "embedding": origin = Self.embedding(of: source, for: target, tokens)
      case "output": origin = head?.origin(of: parameter) ?? .new
      default:
        if parameter.name.hasSuffix(".input.weight"), parameter.group == "layers.0" {
          origin = inputs.origin(of: parameter)
        }
      }
      let match = TensorMatch(parameter: parameter, origin: origin)
      try source.requireFit(match)
      matches.append(match)
    }
    self.matches = matches
  }

  /// How the tokens go together; nil where they are the same, or there are none.
  private static func tokens(
    of source: SourceModel, for target: ModelTarget
  ) throws(UsageError) -> TokenMatch? {
    guard let own = source.tokenizer, let other = target.tokenizer, own != other else { return nil }
    let match = TokenMatch(
      places: other.counterparts(in: own), sourceCount: own.vocabularySize)
    if match.taken > (own.unknown != nil && other.unknown != nil ? 1 : 0) { return match }
    throw UsageError(
      "--from \(source.path): none of its \(own.vocabularySize) tokens (\(own.kind.rawValue)) is "
        + "one of the \(other.vocabularySize) of \(target.config.data.train) "
        + "(\(other.kind.rawValue)); take its tokenizer, without --new-vocabulary")
  }

  private static func embedding(
    of source: SourceModel, for target: ModelTarget, _ tokens: TokenMatch?
  ) -> TensorMatch.Origin {
    let name = "embedding.weight"
    if target.tokenizer != nil { return tokens.map { .rows(name, $0.places) } ?? .whole(name) }
    // Of categories, or of made-up symbols.
    let isSame =
      source.frame?.categories == target.frame?.categories
      && source.shape.inputVocabularySize == target.shape.inputVocabularySize
      && source.shape.embeddingSize == target.shape.embeddingSize
    return isSame ? .whole(name) : .new
  }

  /// What the first layer reads of the source and of the new model.
  private enum Inputs {
    case same, new
    case columns([Int32])

    func origin(of parameter: Parameter) -> TensorMatch.Origin {
      switch self {
      case .same: .whole(parameter.name)
      case .new: .new
      case .columns(let places): .columns(parameter.name, places)
      }
    }
  }

  private static func inputs(of source: SourceModel, for target: ModelTarget) -> Inputs {
    let size = target.shape.inputSize(ofLayer: 0)
    let isAsWide = source.shape.inputSize(ofLayer: 0) == size
    guard target.shape.task.readsValues || source.shape.task.readsValues else {
      return isAsWide ? .same : .new
    }
    guard let own = source.frame, let other = target.frame else { return isAsWide ? .same : .new }
    if own.hasSameInputs(as: other) { return .same }
    // Inputs that are made of columns have no names of their own.
    guard own.hasPlainInputs, other.hasPlainInputs else { return .new }
    var places: [String: Int32] = [:]
    for (place, name) in own.columns.enumerated() { places[name] = Int32(place) }
    return .columns(other.columns.map { places[$0] ?? -1 })
  }
}

extension StartPlan {
  /// Where an output layer comes from that stands for the same.
  private struct Head {
    let tokens: TokenMatch?
    /// Whether the source scores tokens by its embedding.
    let isTied: Bool
    let isTable: Bool

    init(
      of source: SourceModel, for target: ModelTarget, _ tokens: TokenMatch?
    ) throws(UsageError) {
      let (own, other) = (source.shape, target.shape)
      isTable = other.task.predictsInputTokens
      self.tokens = isTable ? tokens : nil
      isTied = own.tiesWeights
      func failure(_ problem: String, _ change: String) -> UsageError {
        UsageError(
          "--from \(source.path): \(problem); \(change), or add --new-head for an output layer of "
            + "its own")
      }
      if other.tiesWeights, !own.tiesWeights {
        throw failure(
          "its output layer is not its embedding, and the config ties them",
          "add --set model.tie_weights=false")
      }
      if own.adaptiveSoftmax != other.adaptiveSoftmax {
        let cutoffs = own.adaptiveSoftmax.map { "\($0.cutoffs)" } ?? "null"
        throw failure(
          "its output layer is cut into other clusters than the config's",
          "add --set model.adaptive_softmax=\(cutoffs) and its model.adaptive_factor")
      }
      if own.adaptiveSoftmax != nil, tokens != nil {
        throw UsageError(
          "--from \(source.path): clusters of an adaptive softmax are those of one vocabulary, and "
            + "--new-vocabulary gives another; add --new-head too")
      }
      if !isTable, own.vocabularySize != other.vocabularySize {
        throw failure(
          "it has \(Format.count(own.vocabularySize, "output")), and the config's task and data "
            + "ask for \(other.vocabularySize)",
          "use the data, and the keys of output and data, that it was trained with")
      }
    }

    func origin(of parameter: Parameter) -> TensorMatch.Origin {
      let name =
        parameter.name == "output.weight" && isTied ? "embedding.weight" : parameter.name
      return tokens.map { .rows(name, $0.places) } ?? .whole(name)
    }
  }
}

extension SourceModel {
  /// Throws where a tensor is to be taken that is of another shape: no plan should ask for it.
  fileprivate func requireFit(_ match: TensorMatch) throws(UsageError) {
    let (name, wanted): (String, (Int, Int))
    let size = match.parameter.shape
    switch match.origin {
    case .new: return
    case .whole(let source): (name, wanted) = (source, (size[0], size.dropFirst().reduce(1, *)))
    case .rows(let source, _): (name, wanted) = (source, (-1, size.dropFirst().reduce(1, *)))
    case .columns(let source, _): (name, wanted) = (source, (size[0], -1))
    }
    let found = table.has(name) ? table[name].shape : []
    if let rows = found.first, wanted.0 < 0 || rows == wanted.0,
      wanted.1 < 0 || found.dropFirst().reduce(1, *) == wanted.1
    {
      return
    }
    throw UsageError(
      "--from \(path): its '\(name)' is \(found), and '\(match.parameter.name)' of the config's "
        + "model \(size); set the sizes of the config's model to those of the source")
  }
}

extension ParameterTable {
  /// Whether there is a tensor of that name.
  fileprivate func has(_ name: String) -> Bool { parameters.contains { $0.name == name } }
}

extension TaskFrame {
  /// Whether what goes in is made of the same columns in the same order.
  fileprivate func hasSameInputs(as other: TaskFrame) -> Bool {
    columns == other.columns && masked == other.masked && known == other.known
      && statics == other.statics && calendar == other.calendar && form == other.form
      && (categories == nil) == (other.categories == nil)
  }

  /// Whether each input is a column, and nothing else goes in.
  fileprivate var hasPlainInputs: Bool {
    masked == nil && known == nil && calendar == nil && categories == nil && form == .rows
  }
}
