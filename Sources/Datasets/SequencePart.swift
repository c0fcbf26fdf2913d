import Batches
import Corpora
import NumericContract
import Records
import Tasks

/// Some sequences of a file, and what is to be predicted of them.
struct SequencePart {
  private(set) var set: SequenceSet
  private(set) var chosen: [Int]
  private let target: PackedSequences.Target
  private let path: String
  /// The label of steps that do not count.
  private let ignoredLabel: String?

  init(
    _ set: SequenceSet, _ chosen: [Int], _ request: SequenceRequest, _ frame: TaskFrame,
    path: String
  ) throws {
    self.set = set
    self.chosen = chosen
    self.path = path
    ignoredLabel = request.ignoredLabel
    if request.task.targets == .nextStep {
      target = .nextStep
    } else if request.task.outputs == .values {
      guard let numbers = set.targets else {
        throw DataFileError(path: path, place: nil, problem: "it has no numbers to predict")
      }
      target = .numbers(numbers)
    } else if request.isOfSteps {
      let numbers = try frame.stepClassNumbers(of: set, request, path: path)
      target = .everyStep(HostArray(numbers))
    } else {
      target = .classes(HostArray(try frame.classNumbers(of: set, request, path: path)))
    }
  }

  /// Others of the same file.
  func other(_ chosen: [Int]) -> SequencePart {
    var other = self
    other.chosen = chosen
    return other
  }

  /// Cuts what is longer than a row where steps have targets, and leaves out what has none.
  ///
  /// - Parameter areOne: whether both are the same file, of which what is said is said once.
  static func prepare(
    _ trained: inout SequencePart, _ held: inout SequencePart?, areOne: Bool, isOfSteps: Bool,
    window: Int, _ summary: inout DataSummary
  ) {
    if isOfSteps {
      let (cut, cutOfHeld) = (trained.cut(to: window), held?.cut(to: window) ?? 0)
      summary.say(cut: cut + (areOne ? 0 : cutOfHeld), window: window)
    }
    let (empty, emptyOfHeld) = (trained.dropEmpty(), held?.dropEmpty() ?? 0)
    summary.say(withoutTargets: empty + (areOne ? 0 : emptyOfHeld))
  }

  /// Cuts sequences that are longer than a row into parts.
  ///
  /// - Returns: how many sequences were.
  mutating func cut(to window: Int) -> Int {
    let long = chosen.count { set.length($0) > window }
    let firsts = set.cut(to: window)
    chosen = chosen.flatMap { firsts[$0]..<firsts[$0 + 1] }
    return long
  }

  /// Sequences or steps whose class the model lacks. To be asked before sequences are cut or left
  /// out.
  var unknownClasses: UnknownClasses {
    var unknown = UnknownClasses()
    switch target {
    case .classes(let numbers):
      for sequence in chosen where numbers[sequence] < 0 { unknown.add(set.labels[sequence]) }
    case .everyStep(let numbers):
      guard let labels = set.stepLabels else { break }
      for step in chosen.lazy.flatMap({ set.starts[$0]..<set.starts[$0 + 1] })
      where numbers[step] < 0 {
        let name = labels.names[Int(labels.numbers[step])]
        if name != ignoredLabel { unknown.add(name) }
      }
    case .numbers, .nextStep: break
    }
    return unknown
  }

  /// Leaves sequences out of which nothing is to be predicted, or whose class the model lacks.
  ///
  /// - Returns: how many of the former.
  mutating func dropEmpty() -> Int {
    let before = chosen.count
    switch target {
    case .nextStep: return 0
    case .classes(let numbers):
      chosen = chosen.filter { numbers[$0] >= 0 }
      return 0
    case .everyStep, .numbers:
      chosen = chosen.filter { PackedSequences.targetCount(target, of: $0, set) > 0 }
    }
    return before - chosen.count
  }

  /// The sequences in rows.
  func packed(_ request: SequenceRequest, shuffle: Philox?) throws -> PackedSequences {
    try checkLengths(request)
    return PackedSequences(
      set: set, chosen: chosen, target: target, batchRows: request.rows, window: request.window,
      shuffle: shuffle)
  }

  /// The class of every target that counts.
  var classNumbers: [Int32] {
    switch target {
    case .classes(let classes): chosen.map { classes[$0] }
    case .everyStep(let classes):
      chosen.flatMap { sequence in
        (set.starts[sequence]..<set.starts[sequence + 1]).lazy.map { classes[$0] }
          .filter { $0 >= 0 }
      }
    case .numbers, .nextStep: []
    }
  }

  /// Steps that have a label which does not count.
  var ignoredSteps: Int {
    guard case .everyStep = target, let labels = set.stepLabels else { return 0 }
    return chosen.reduce(0) { sum, sequence in
      sum
        + labels.numbers[set.starts[sequence]..<set.starts[sequence + 1]].count {
          labels.names[Int($0)] == ignoredLabel
        }
    }
  }

  /// Numbers to predict that are missing.
  var missingTargets: Int {
    guard case .numbers(let numbers) = target else { return 0 }
    return chosen.reduce(0) { sum, sequence in
      let rows = numbers.rows(of: sequence, set)
      let range = rows.lowerBound * numbers.width..<rows.upperBound * numbers.width
      return sum + range.count { numbers.values[$0].isNaN }
    }
  }

  /// Every sequence must fit in a row.
  private func checkLengths(_ request: SequenceRequest) throws {
    let least = request.task.leastSteps
    if let short = chosen.first(where: { set.length($0) < least }) {
      throw DataFileError(
        path: path, place: set.place(of: short),
        problem: "has \(Format.count(set.length(short), "step")), expected at least \(least)")
    }
    let longest = (chosen.map { set.length($0) }.max() ?? 0) - (least - 1)
    guard longest <= request.window else {
      throw DataFileError(
        path: path, place: nil,
        problem: "the longest sequence takes \(longest) steps, batch.window is "
          + "\(request.window)",
        hint: TaskDescription.roomHint(longest).map {
          "\($0): a whole number of times the usual length wastes least"
        } ?? "cut sequences that are so long into several")
    }
  }
}

extension SequenceParts {
  /// Of the only sequence of a file whose steps have targets, holds the last steps out.
  mutating func cutOnlySequence(of table: inout SequenceTable, _ request: SequenceRequest) {
    guard request.isOfSteps, table.count == 1, request.split.by == .fraction else { return }
    let steps = table.starts[1]
    let isHeldHere = request.heldFile != request.train
    let validated =
      request.valid == nil && isHeldHere ? HeldOut.size(of: steps, request.validFraction) : 0
    let tested = isHeldHere ? HeldOut.size(of: steps, request.testFraction) : 0
    let trained = steps - validated - tested
    guard validated + tested > 0, trained > 0 else { return }
    let lengths = [trained, validated, tested].filter { $0 > 0 }
    table.starts = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
    if let line = table.lines.first { table.lines = table.starts.dropLast().map { line + $0 } }
    if let name = table.names.first { table.names = lengths.map { _ in name } }
    training = [0]
    validation = validated > 0 ? [1] : []
    test = tested > 0 ? [lengths.count - 1] : []
    self.steps = Counts(training: trained, validation: validated, test: tested)
    if request.measuresTest { validation = test }
    trainingSteps = [0..<trained]
    if validated > 0 {
      table.remarks.append(
        "the file is one sequence: its last \(Format.count(validated, "step"))"
          + (tested > 0 ? " before those to test on" : "") + " validate (data.valid_fraction)")
    }
  }
}

extension SequenceTable {
  /// Tells the content of a file, and of labels beside it, from others'.
  func fingerprint(_ file: DataFile) -> String {
    otherFingerprint.map { "\(file.fingerprint)+\($0)" } ?? file.fingerprint
  }
}

extension DataSummary {
  /// Says how many sequences were cut, if any.
  mutating func say(cut count: Int, window: Int) {
    if count == 0 { return }
    say(
      "remark",
      "\(Format.count(count, "sequence")) longer than batch.window, which is \(window): read in "
        + "parts of that length, each from the initial state")
    add(["cut_sequences": .integer(count)])
  }

  /// Says how many sequences have nothing to predict, if any.
  mutating func say(withoutTargets count: Int) {
    if count == 0 { return }
    say("remark", "sequences without anything to predict are left out: \(count)")
    add(["sequences_without_targets": .integer(count)])
  }

  /// Says what numbers are predicted.
  ///
  /// - Parameter missing: how many of those that train are missing.
  mutating func say(predicted: PredictedNumbers, isOfSteps: Bool, missing: Int) {
    let shown = predicted.names.indices.prefix(12).map {
      "\"\(predicted.names[$0])\" (mean \(Format.small(predicted.means[$0])), deviation "
        + "\(Format.small(predicted.deviations[$0])))"
    }
    say(
      "targets",
      "\(Format.count(predicted.names.count, "number")) of each "
        + (isOfSteps ? "step" : "sequence") + (predicted.isScaled ? ", normalized" : "") + ": "
        + shown.joined(separator: ", ") + (predicted.names.count > shown.count ? ", ..." : "")
        + (missing > 0 ? "; \(Format.grouped(missing)) missing, which do not count" : ""))
    add([
      "predicted": .array(predicted.names.prefix(1000).map { .string($0) }),
      "predicted_means": .array(predicted.means.prefix(1000).map { .number($0) }),
      "predicted_deviations": .array(predicted.deviations.prefix(1000).map { .number($0) }),
      "missing_targets": .integer(missing),
    ])
  }
}
