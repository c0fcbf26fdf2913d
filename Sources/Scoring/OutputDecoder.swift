package import Corpora
package import Datasets
import Kernels
import NumericContract
package import Tasks

/// log(1 + e^x).
private func softPlus(_ x: Double) -> Double {
  max(x, 0) + Elementary.log(1 + Elementary.exp(max(-690, -abs(x))))
}

/// e^x, held within what double precision has; a NaN stays one.
private func exponential(_ x: Double) -> Double {
  x.isNaN ? x : Elementary.exp(min(690, max(-690, x)))
}

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
    /// Of which those from a place on are told.
    case classes([String], first: Int)
    case labels([String])
    case values([TargetUnit], Parts)
  }

  /// What the outputs of one target are.
  private enum Parts: Sendable {
    case point
    case quantiles([Double])
    /// A mean and a deviation, of Student's t with its degrees of freedom.
    case distribution(count: Int)

    init(_ task: TaskDescription) {
      switch task.loss {
      case .softmax, .squaredError, .absoluteError, .sigmoid: self = .point
      case .quantile: self = .quantiles(task.quantiles)
      case .gaussian, .studentT: self = .distribution(count: task.outputsPerTarget)
      }
    }

    var count: Int {
      switch self {
      case .point: 1
      case .quantiles(let levels): levels.count
      case .distribution(let count): count
      }
    }

    /// One of the outputs in the units of the data.
    func number(_ part: Int, _ score: Double, _ unit: TargetUnit) -> Double {
      if case .distribution = self, part > 0 {
        let positive = softPlus(score)
        return part == 1 ? (1e-3 + positive) * unit.deviation : 2 + positive
      }
      return (score + unit.origin) * unit.deviation + unit.mean
    }

    /// What that is called.
    func name(_ part: Int, _ unit: TargetUnit) -> String {
      switch self {
      case .quantiles(let levels): "\(unit.name) quantile \(levels[part])"
      case .distribution where part == 1: "\(unit.name) scale"
      case .distribution where part == 2: "\(unit.name) degrees of freedom"
      case .point, .distribution: unit.name
      }
    }
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
    case .items:
      let names = (0..<outputs).map { token in
        let bytes = tokenizer.decode([Int32(token)])
        return String(decoding: bytes.filter { $0 != 0x20 }, as: UTF8.self)
      }
      meaning = .classes(names, first: task.shape().rankedFrom ?? 0)
    case .symbols: meaning = .symbols
    case .classes:
      meaning = .classes(
        try Self.names(frame?.classes, of: outputs, called: "classes", path: path), first: 0)
    case .labels:
      meaning = .labels(try Self.names(frame?.columns, of: outputs, called: "labels", path: path))
    case .values:
      let parts = Parts(task)
      guard outputs.isMultiple(of: parts.count) else {
        throw DataFileError(
          path: path, place: nil,
          problem: "\(parts.count) outputs for each target, and the model has \(outputs) outputs")
      }
      meaning = .values(try Self.columns(frame, of: outputs / parts.count, path: path), parts)
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
  ) throws -> [TargetUnit] {
    func unit(_ name: String) -> TargetUnit { TargetUnit(name: name, mean: 0, deviation: 1) }
    guard let frame else { return (0..<outputs).map { unit("output \($0 + 1)") } }
    if let predicted = frame.predicted {
      guard predicted.names.count == outputs else {
        throw DataFileError(
          path: path, place: nil,
          problem: "\(predicted.names.count) numbers to predict, and the model has \(outputs)")
      }
      return predicted.names.indices.map { place in
        TargetUnit(
          name: predicted.names[place], mean: predicted.outputMeans[place],
          deviation: predicted.outputDeviations[place])
      }
    }
    // Whose number it is only the window tells.
    if frame.form == .columns { return [unit("value")] }
    let places = try frame.targetPlaces(path: path)
    guard !places.isEmpty, outputs.isMultiple(of: places.count) else {
      throw DataFileError(
        path: path, place: nil,
        problem: "\(places.count) columns to forecast, and the model has \(outputs) outputs")
    }
    return places.map { place in
      TargetUnit(
        name: frame.columns[place], mean: frame.means?[place] ?? 0,
        deviation: frame.deviations?[place] ?? 1)
    }
  }

  /// What a row of scores [V] says.
  ///
  /// - Parameter units: of the row's targets, where not all rows have the same.
  package func decode(
    _ scores: UnsafeBufferPointer<Float>, units: [TargetUnit]? = nil
  ) -> DecodedOutput {
    switch meaning {
    case .tokens(let tokenizer):
      let token = unsafe Int32(Self.best(scores))
      return .token(token, bytes: tokenizer.decode([token]))
    case .symbols: return unsafe .symbol(Int32(Self.best(scores)))
    case .classes(let names, _):
      guard let best = unsafe best(scores, count: 1).first else { preconditionFailure("no class") }
      return .category(names[best.place], probability: best.probability)
    case .labels(let names):
      return unsafe .labels(
        zip(names, scores).map { NamedNumber($0, 1 / (1 + exponential(-Double($1)))) })
    case .values(let columns, let parts):
      let columns = units ?? columns
      let values = scores.count / parts.count
      return .values(
        stride(from: 0, to: values, by: columns.count).map { first in
          columns.enumerated().flatMap { place, unit in
            (0..<parts.count).map { part in
              let score = unsafe Double(scores[part * values + first + place])
              return NamedNumber(parts.name(part, unit), parts.number(part, score, unit))
            }
          }
        })
    }
  }

  /// Appends the numbers of what `decode` says, without their names, step after step; none where
  /// outputs are no numbers.
  package func appendNumbers(
    of scores: UnsafeBufferPointer<Float>, units: [TargetUnit]? = nil, to numbers: inout [Double]
  ) {
    guard case .values(let usual, let parts) = meaning else { return }
    let columns = units ?? usual
    let values = scores.count / parts.count
    for first in stride(from: 0, to: values, by: columns.count) {
      for place in columns.indices {
        for part in 0..<parts.count {
          let score = unsafe Double(scores[part * values + first + place])
          numbers.append(parts.number(part, score, columns[place]))
        }
      }
    }
  }

  /// The likeliest classes or items, with the probability of each among all of them: the first of
  /// equals first.
  ///
  /// - Parameter count: so many at most.
  package func best(
    _ scores: UnsafeBufferPointer<Float>, count: Int
  ) -> [(place: Int, probability: Double)] {
    guard case .classes(_, let first) = meaning, first < scores.count else { return [] }
    let order = unsafe Self.order(scores, from: first, count: count)
    guard let best = order.first else { return [] }
    let highest = unsafe Double(scores[best])
    var sum = 0.0
    for place in first..<scores.count {
      sum += unsafe exponential(Double(scores[place]) - highest)
    }
    return order.map { place in
      let score = unsafe Double(scores[place])
      return (place, exponential(score - highest) / sum)
    }
  }

  /// The places of the highest scores, the highest first, and of equal ones the first.
  private static func order(
    _ scores: UnsafeBufferPointer<Float>, from first: Int, count: Int
  ) -> [Int] {
    // Of a few it is quicker to insert them than to sort them all.
    guard count <= 64 else {
      let all = (first..<scores.count).sorted {
        unsafe scores[$0] == scores[$1] ? $0 < $1 : scores[$0] > scores[$1]
      }
      return Array(all.prefix(count))
    }
    var best: [Int] = []
    best.reserveCapacity(count + 1)
    for place in first..<scores.count {
      let score = unsafe scores[place]
      if best.count == count {
        guard let last = best.last, unsafe score > scores[last] else { continue }
        best.removeLast()
      }
      var rank = best.count
      while rank > 0, unsafe score > scores[best[rank - 1]] { rank -= 1 }
      best.insert(place, at: rank)
    }
    return best
  }

  /// The same by name.
  package func likeliest(
    _ scores: UnsafeBufferPointer<Float>, count: Int
  ) -> [NamedNumber] {
    unsafe best(scores, count: count).map { NamedNumber(name(of: $0.place), $0.probability) }
  }

  /// The name of a class or item; none where outputs are no such.
  package func name(of place: Int) -> String {
    if case .classes(let names, _) = meaning { names[place] } else { "" }
  }

  /// Classes or items that are told.
  package var classCount: Int {
    if case .classes(let names, let first) = meaning { max(0, names.count - first) } else { 0 }
  }

  /// What the outputs of one target are called, given its name: several of a distribution.
  package func numberNames(_ units: [TargetUnit]) -> [String] {
    guard case .values(_, let parts) = meaning else { return [] }
    return units.flatMap { unit in
      (0..<parts.count).map { parts.name($0, unit) }
    }
  }

  /// Of numbers that `decode` gave, how many targets have quantiles that cross: one of a higher
  /// level below one of a lower.
  package func crossingQuantiles(of numbers: [NamedNumber]) -> Int {
    crossingQuantiles(of: numbers.map(\.number))
  }

  /// The same of numbers that `appendNumbers` gave.
  package func crossingQuantiles(of numbers: [Double]) -> Int {
    guard case .values(_, .quantiles(let levels)) = meaning, levels.count > 1 else { return 0 }
    return stride(from: 0, to: numbers.count, by: levels.count).count { first in
      (first + 1..<first + levels.count).contains { numbers[$0] < numbers[$0 - 1] }
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
