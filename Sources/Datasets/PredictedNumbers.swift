import Batches
import NumericContract
import Records
import Tasks

/// What numbers to predict are called, and their scale over the training data, by which a model
/// says them.
package struct PredictedNumbers: Sendable, Equatable, Codable {
  package var names: [String]
  package var means: [Double]
  package var deviations: [Double]
  /// Whether a model says (number - mean) / deviation, and not the number itself.
  package var isScaled: Bool

  package init(names: [String], means: [Double], deviations: [Double], isScaled: Bool) {
    self.names = names
    self.means = means
    self.deviations = deviations
    self.isScaled = isScaled
  }

  /// What a model says of each number where it is the mean of training.
  package var meanOutputs: [Double] { isScaled ? means.map { _ in 0 } : means }

  /// The scale of what a model says.
  package var outputMeans: [Double] { isScaled ? means : means.map { _ in 0 } }
  package var outputDeviations: [Double] { isScaled ? deviations : means.map { _ in 1 } }

  private static let keys = (
    names: "predicted", means: "predicted_means", deviations: "predicted_deviations",
    isScaled: "predicted_scaled"
  )

  var members: [OrderedJSON.Member] {
    [
      .init(Self.keys.names, .array(names.map { .string($0) })),
      .init(Self.keys.means, .array(means.map { .number($0) })),
      .init(Self.keys.deviations, .array(deviations.map { .number($0) })),
      .init(Self.keys.isScaled, .bool(isScaled)),
    ]
  }

  /// Nil where there are none.
  init?(json fields: JSONFields) throws(JSONFieldError) {
    if fields.value(ifPresent: Self.keys.names) == nil { return nil }
    names = try fields.strings(Self.keys.names)
    means = try fields.numbers(Self.keys.means)
    deviations = try fields.numbers(Self.keys.deviations)
    isScaled = fields.value(ifPresent: Self.keys.isScaled) == .bool(true)
  }

  /// - Parameter outputs: numbers that the model says; nil for any.
  func check(outputs: Int?, isScaled: Bool) throws(JSONFieldError) {
    func failure(_ problem: String) -> JSONFieldError {
      JSONFieldError(key: "dataset.\(Self.keys.names)", problem: problem)
    }
    if let outputs, names.count != outputs {
      throw failure("has \(names.count) names, and the model predicts \(outputs) numbers")
    }
    guard means.count == names.count, means.allSatisfy(\.isFinite),
      deviations.count == names.count, deviations.allSatisfy({ $0.isNormal && $0 > 0 })
    else { throw failure("has not a mean and a deviation for each name") }
    if self.isScaled != isScaled { throw failure("does not go with data.normalize") }
  }
}

extension TargetTable {
  /// Learns the scale from the training parts of a file.
  ///
  /// - Parameters:
  ///   - training: ranges of steps.
  ///   - starts: of all sequences.
  func learnt(
    training: [Range<Int>], starts: [Int], _ request: SequenceRequest, path: String
  ) throws -> PredictedNumbers {
    var parts = training
    if !isOfSteps {
      let sequences = Dictionary(zip(starts, starts.indices)) { first, _ in first }
      parts = training.compactMap { part in sequences[part.lowerBound].map { $0..<$0 + 1 } }
    }
    let places = Array(names.indices)
    let firsts = numbers.first(in: parts, places)
    if let empty = firsts.firstIndex(where: { $0 == nil }) {
      throw DataFileError(
        path: path, place: nil,
        problem: "\"\(names[empty])\" has no number in the part to train on",
        hint: "name others in data.targets")
    }
    let scales = ColumnScales(
      of: numbers, parts: parts, places: places, contract: request.contract)
    return PredictedNumbers(
      names: names, means: scales.means, deviations: scales.deviations,
      isScaled: request.normalizes)
  }

  /// As a model of this frame says them: moved and scaled in double precision, then rounded.
  func taken(by frame: TaskFrame, path: String) throws -> TargetNumbers? {
    guard let predicted = frame.predicted else { return nil }
    guard names == predicted.names else {
      throw DataFileError(
        path: path, place: nil,
        problem: "the numbers to predict are \(DataFileError.list(names)), and the model predicts "
          + DataFileError.list(predicted.names))
    }
    let (means, deviations) = (predicted.outputMeans, predicted.outputDeviations)
    var values: [Float] = []
    values.reserveCapacity(numbers.rows * names.count)
    numbers.forEach(in: 0..<numbers.rows, Array(names.indices)) { place, number in
      values.append(Float((number - means[place]) / deviations[place]))
    }
    return TargetNumbers(values, width: names.count, isOfSteps: isOfSteps)
  }
}

extension SequenceTable {
  /// The classes of steps that count.
  ///
  /// - Parameter steps: those that classes are learnt from; nil for all.
  func stepClasses(
    of steps: [Range<Int>]?, ignoring label: String?, path: String
  ) throws -> [String] {
    let names = stepLabels?.names ?? []
    if let label, !label.isEmpty, !names.contains(label) {
      throw DataFileError(
        path: path, place: nil,
        problem: "no step has the label \"\(label)\", which data.ignore_label names",
        hint: "its labels are \(DataFileError.list(ClassNames.ordered(names)))")
    }
    var occurs = [Bool](repeating: steps == nil, count: names.count)
    for step in (steps ?? []).joined() {
      if let number = stepLabels?.numbers[step] { occurs[Int(number)] = true }
    }
    let learnt = zip(names, occurs).filter { $0 != label && $1 }
    let classes = ClassNames.ordered(learnt.map(\.0))
    guard !classes.isEmpty else {
      throw DataFileError(
        path: path, place: nil, problem: "its steps have no labels that count",
        hint: "output.readout \"every\" needs a label of each step")
    }
    return classes
  }
}

extension TaskFrame {
  /// The number of every step's class; -1 where its label is ignored, or has none and `request`
  /// counts such.
  func stepClassNumbers(
    of set: SequenceSet, _ request: SequenceRequest, path: String
  ) throws -> [Int32] {
    let label = request.ignoredLabel
    let classes = classes ?? []
    let known = Dictionary(zip(classes, Int32(0)...)) { first, _ in first }
    guard let labels = set.stepLabels else {
      throw DataFileError(path: path, place: nil, problem: "its steps have no labels")
    }
    let numbers = try labels.names.enumerated().map { place, name in
      if name == label { return Int32(-1) }
      if let number = known[name] { return number }
      if request.countsUnknownClasses { return -1 }
      throw unknownClass(
        name, labels.names.filter { known[$0] == nil && $0 != label }, labels.firstPlaces[place],
        path: path)
    }
    return labels.numbers.map { numbers[Int($0)] }
  }

  /// What is wrong with a class that training does not have.
  ///
  /// - Parameter names: all such.
  func unknownClass(
    _ name: String, _ names: [String], _ place: String, path: String
  ) -> DataFileError {
    let strange = ClassNames.ordered(names)
    return DataFileError(
      path: path, place: place,
      problem: "class \"\(name)\" does not occur in the training data"
        + (strange.count > 1
          ? ", nor do others: \(strange.count) in all, \(DataFileError.list(strange))" : ""),
      hint: "its classes are \(DataFileError.list(classes ?? []))")
  }
}
