import Batches
import Corpora
import NumericContract
package import Tables
import Tasks

/// What of a file trains, what validates, and what is kept for a test.
package struct SequenceParts {
  /// Sequences.
  package internal(set) var training: [Int]
  package internal(set) var validation: [Int] = []
  package internal(set) var test: [Int] = []
  /// Ranges of steps that statistics and windows of training are taken from, of series one of each.
  package internal(set) var trainingSteps: [Range<Int>]
  /// Ranges whose windows forecast steps of the part only: the first of them read what is before.
  package internal(set) var validationSteps: [Range<Int>] = []
  package internal(set) var testSteps: [Range<Int>] = []
  /// Steps of each part, without those of parts before that windows read, and steps of none.
  package internal(set) var steps = Counts()
  /// Whether something is held out of the file to measure on, and to test on.
  package internal(set) var holdsOut = false
  package internal(set) var holdsTest = false
  /// Whether classes are learnt from the part that trains alone.
  private var isStrict = false

  /// Numbers of something, by part.
  package struct Counts: Equatable, Sendable {
    package var training = 0
    package var validation = 0
    package var test = 0
    package var unused = 0

    package init(training: Int = 0, validation: Int = 0, test: Int = 0, unused: Int = 0) {
      (self.training, self.validation) = (training, validation)
      (self.test, self.unused) = (test, unused)
    }
  }

  /// What is known of the sequences of a file.
  package struct Source {
    var starts: [Int]
    var labels: [String] = []
    var names: [String] = []
    var times: [CalendarTime]?
    var path: String

    package init(starts: [Int], labels: [String] = [], path: String) {
      self.starts = starts
      self.labels = labels
      self.path = path
    }
  }

  /// Splits a file as `request` says; by default sequences are held out at random (by the run's
  /// seed), of series the last steps. Where the test part is to be measured on, it stands for the
  /// one to validate on.
  package init(_ source: Source, _ request: SequenceRequest) throws {
    let starts = source.starts
    let count = starts.count - 1
    let all = (0..<count).map { starts[$0]..<starts[$0 + 1] }
    (training, trainingSteps) = (Array(0..<count), all)
    steps.training = starts[count]
    // All of it is measured on.
    if request.heldFile == request.train { return }
    let split = request.split
    let valid = request.valid == nil ? request.validFraction : 0
    let takesFractions = split.by.takesFractions
    let holdsValidation = takesFractions ? valid > 0 : split.valid != .none
    holdsTest = takesFractions ? request.testFraction > 0 : split.test != .none
    isStrict = holdsTest || split.by != .fraction
    holdsOut = request.measuresTest ? holdsTest : holdsValidation
    if request.task.sequences == .windows, split.by != .sequence {
      try cut(all, source, request, valid: valid, hasValidation: holdsValidation)
    } else if holdsValidation || holdsTest {
      if split.by == .sequence {
        try choose(split, source)
      } else {
        if split.by == .classes, source.labels.count != count {
          throw DataFileError(
            path: source.path, place: nil,
            problem: "its sequences have no labels, which data.split.by \"class\" needs")
        }
        draw(source, valid: valid, test: request.testFraction, seed: request.seed, split.by)
      }
      distribute(all, asWindows: request.task.sequences == .windows)
    }
    if holdsTest, test.isEmpty, request.task.sequences != .windows {
      throw DataFileError(
        path: source.path, place: nil, problem: "no sequence is left to test on",
        hint: "give data.test_fraction, or data.split, more of them")
    }
    if request.measuresTest { (validation, validationSteps) = (test, testSteps) }
  }

  /// The labels that classes are learnt from.
  package func learnt(_ labels: [String]) -> [String] {
    isStrict && !labels.isEmpty ? training.map { labels[$0] } : labels
  }

  /// The sequences that classes are learnt from; nil for all.
  package var learntSequences: [Int]? { isStrict ? training : nil }

  /// The steps that classes are learnt from; nil for all.
  var learntSteps: [Range<Int>]? { isStrict ? trainingSteps : nil }

  /// Cuts every series in time.
  private mutating func cut(
    _ all: [Range<Int>], _ source: Source, _ request: SequenceRequest, valid: Double,
    hasValidation: Bool
  ) throws {
    let bounds = try SeriesBounds(source, request, valid: valid)
    func reading(_ part: Range<Int>, of whole: Range<Int>) -> Range<Int> {
      max(whole.lowerBound, part.lowerBound - request.window)..<part.upperBound
    }
    trainingSteps = []
    for whole in all {
      let parts = try bounds.parts(of: whole)
      trainingSteps.append(parts.training)
      steps.validation += parts.validation.count
      steps.test += parts.test.count
      steps.unused += whole.upperBound - parts.test.upperBound
      if hasValidation { validationSteps.append(reading(parts.validation, of: whole)) }
      if holdsTest { testSteps.append(reading(parts.test, of: whole)) }
    }
    steps.training = trainingSteps.reduce(0) { $0 + $1.count }
  }

  /// Holds sequences out at random, of each class by itself or of all together.
  private mutating func draw(
    _ source: Source, valid: Double, test: Double, seed: Int, _ rule: DataSplit.Rule
  ) {
    let count = source.starts.count - 1
    let order = Permutation(
      count: max(1, count),
      random: Philox(seed: UInt64(truncatingIfNeeded: seed), purpose: .taskValidation))
    let shuffled = (0..<count).map { order.number(at: $0, epoch: 0) }
    var groups = [shuffled]
    if rule == .classes, source.labels.count == count {
      let members = Dictionary(grouping: shuffled) { source.labels[$0] }
      groups = ClassNames.ordered(source.labels).map { members[$0] ?? [] }
    }
    training = []
    for group in groups {
      // A class by itself gives what is nearest to its fraction, and keeps one to train on.
      func held(_ fraction: Double, most: Int) -> Int {
        if rule != .classes { return HeldOut.size(of: group.count, fraction) }
        return min(most, Int((Double(group.count) * fraction).rounded()))
      }
      let validated = held(valid, most: group.count - 1)
      let tested = held(test, most: group.count - 1 - validated)
      validation += group.prefix(validated)
      self.test += group.dropFirst(validated).prefix(tested)
      training += group.dropFirst(validated + tested)
    }
    training.sort()
    validation.sort()
    self.test.sort()
  }

  /// Holds the sequences out that a config names.
  private mutating func choose(_ split: DataSplit, _ source: Source) throws {
    let count = source.starts.count - 1
    guard source.names.count == count else {
      throw DataFileError(
        path: source.path, place: nil,
        problem: "nothing names its sequences, which data.split.by \"sequence\" needs",
        hint: "name the column by data.sequence, or split by fraction")
    }
    let places = Dictionary(zip(source.names, 0..<count)) { first, _ in first }
    func sequences(_ bound: DataSplit.Bound, _ key: String) throws -> [Int] {
      guard case .names(let names) = bound else { return [] }
      return try names.map { name in
        guard let place = places[name] else {
          throw DataFileError(
            path: source.path, place: nil,
            problem: "there is no sequence \"\(name)\", which data.split.\(key) names",
            hint: "its sequences are \(DataFileError.list(source.names))")
        }
        return place
      }.sorted()
    }
    validation = try sequences(split.valid, "valid")
    test = try sequences(split.test, "test")
    let held = Set(validation + test)
    training = (0..<count).filter { !held.contains($0) }
  }

  /// The steps of the parts that sequences are in.
  private mutating func distribute(_ all: [Range<Int>], asWindows: Bool) {
    func ranges(_ chosen: [Int]) -> [Range<Int>] {
      guard asWindows else { return chosen.map { all[$0] } }
      let isChosen = Set(chosen)
      return all.indices.map {
        isChosen.contains($0) ? all[$0] : all[$0].lowerBound..<all[$0].lowerBound
      }
    }
    trainingSteps = ranges(training)
    if asWindows { (validationSteps, testSteps) = (ranges(validation), ranges(test)) }
    func sum(_ chosen: [Int]) -> Int { chosen.reduce(0) { $0 + all[$1].count } }
    steps = Counts(training: sum(training), validation: sum(validation), test: sum(test))
  }
}

extension SequenceTable {
  /// What splits go by.
  func source(_ request: SequenceRequest, path: String) -> SequenceParts.Source {
    var source = SequenceParts.Source(starts: starts, labels: labels, path: path)
    source.names = names.count == count ? names : []
    if let column = request.split.column {
      source.times = times.first { $0.name == column }?.times
    }
    return source
  }
}
