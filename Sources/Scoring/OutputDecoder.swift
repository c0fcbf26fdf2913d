package import Corpora
package import Datasets
import Kernels
package import Tasks

/// What one row of scores says, in the words of the task.
package enum DecodedOutput: Sendable, Equatable {
  /// The likeliest token of a text, and its bytes.
  case token(Int32, bytes: [UInt8])
  /// The likeliest of symbols without names.
  case symbol(Int32)
  /// The likeliest class, by name, and the probability that the model gives it.
  case category(String, probability: Double)
  /// The probability of each yes.
  case labels([NamedNumber])
  /// A number of each step and column that is predicted, in the units of the data.
  case values([[NamedNumber]])
}

/// A number and what it is of.
package struct NamedNumber: Sendable, Equatable {
  package var name: String
  package var number: Double

  package init(_ name: String, _ number: Double) {
    self.name = name
    self.number = number
  }
}

/// Says what the outputs of a model mean: knows its task, and what its data taught it.
package struct OutputDecoder: Sendable {
  private enum Meaning: Sendable {
    case tokens(Tokenizer)
    case symbols
    case classes([String])
    case labels([String])
    case values([Column])
  }

  /// A column that is predicted.
  private struct Column: Sendable {
    var name: String
    var mean = 0.0
    var deviation = 1.0
  }

  private let meaning: Meaning

  /// - Parameters:
  ///   - tokenizer: of a task that writes text.
  ///   - frame: what the data taught; nil where they are text, or made up.
  ///   - outputs: columns of the output layer.
  /// - Throws: where `frame` is not that of such a model.
  package init(
    task: TaskDescription, tokenizer: Tokenizer, frame: TaskFrame?, outputs: Int, path: String
  ) throws {
    switch task.outputs {
    case .textTokens: meaning = .tokens(tokenizer)
    case .symbols: meaning = .symbols
    case .classes:
      meaning = .classes(
        try Self.names(frame?.classes, of: outputs, called: "classes", path: path))
    case .labels:
      meaning = .labels(try Self.names(frame?.columns, of: outputs, called: "labels", path: path))
    case .values: meaning = .values(try Self.columns(frame, of: outputs, path: path))
    }
  }

  private static func names(
    _ names: [String]?, of outputs: Int, called noun: String, path: String
  ) throws -> [String] {
    guard let names, names.count == outputs else {
      throw DataFileError(
        path: path, place: nil,
        problem: "\(names?.count ?? 0) \(noun), and the model has \(outputs) outputs")
    }
    return names
  }

  private static func columns(
    _ frame: TaskFrame?, of outputs: Int, path: String
  ) throws -> [Column] {
    guard let frame else { return (0..<outputs).map { Column(name: "output \($0 + 1)") } }
    let places = try frame.targetPlaces(path: path)
    guard !places.isEmpty, outputs.isMultiple(of: places.count) else {
      throw DataFileError(
        path: path, place: nil,
        problem: "\(places.count) columns to forecast, and the model has \(outputs) outputs")
    }
    return places.map { place in
      Column(
        name: frame.columns[place], mean: frame.means?[place] ?? 0,
        deviation: frame.deviations?[place] ?? 1)
    }
  }

  /// What a row of scores [V] says.
  package func decode(_ scores: UnsafeBufferPointer<Float>) -> DecodedOutput {
    switch meaning {
    case .tokens(let tokenizer):
      let token = unsafe Int32(Self.best(scores))
      return .token(token, bytes: tokenizer.decode([token]))
    case .symbols: return unsafe .symbol(Int32(Self.best(scores)))
    case .classes(let names):
      let best = unsafe Self.best(scores)
      let highest = unsafe Double(scores[best])
      let sum = unsafe scores.reduce(0.0) { $0 + Elementary.exp(Double($1) - highest) }
      return .category(names[best], probability: 1 / sum)
    case .labels(let names):
      return unsafe .labels(
        zip(names, scores).map { NamedNumber($0, 1 / (1 + Elementary.exp(-Double($1)))) })
    case .values(let columns):
      return .values(
        stride(from: 0, to: scores.count, by: columns.count).map { first in
          columns.enumerated().map { place, column in
            let score = unsafe Double(scores[first + place])
            return NamedNumber(column.name, score * column.deviation + column.mean)
          }
        })
    }
  }

  /// The bytes that a token of a text stands for; none where the model writes no text.
  package func bytes(of token: Int32) -> [UInt8] {
    if case .tokens(let tokenizer) = meaning { tokenizer.decode([token]) } else { [] }
  }

  /// The first of the highest scores.
  private static func best(_ scores: UnsafeBufferPointer<Float>) -> Int {
    var best = 0
    for index in scores.indices where unsafe scores[index] > scores[best] { best = index }
    return best
  }
}
