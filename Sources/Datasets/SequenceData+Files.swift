import Batches
import NumericContract
import Records
import Tasks

extension SequenceData {
  /// Reads the files that `request` names.
  ///
  /// - Parameter frame: of a checkpoint; nil learns it from the training data.
  init(reading request: SequenceRequest, frame: TaskFrame?) throws {
    var request = request
    // What a model has learnt to read decides, and not what else a file may have.
    if let frame { request.adopt(frame) }
    let file = try DataFile(path: request.train, progress: request.progress)
    if frame == nil { try file.requireEffect(of: request) }
    var table = try file.sequences(request)
    var other: (file: DataFile, table: SequenceTable)?
    // What is measured on alone stands for both.
    let isOneFile = request.valid == request.train
    if let path = request.valid, !isOneFile {
      let file = try DataFile(path: path, progress: request.progress)
      other = (file, try file.sequences(request))
    }
    let parts = SequenceParts(
      starts: table.starts, request, hasValidationFile: request.valid != nil)
    let frame =
      try frame
      ?? TaskFrame(of: table, training: parts.trainingSteps, request, path: file.path)
    if request.task.outputs == .labels {
      try table.requireBinary(frame.columns, path: file.path)
      if let other { try other.table.requireBinary(frame.columns, path: other.file.path) }
    }
    var summary = DataSummary()
    summary.say("training", file.path, table)
    if let other { summary.say("validation", other.file.path, other.table) }
    summary.say(columnsOf: table, frame)
    if request.task.outputs != .labels,
      let remark = try table.remark(
        ofConstants: frame.columns, in: parts.trainingSteps, path: file.path)
    {
      table.remarks.append(remark)
    }
    summary.say(remarksOf: table)
    if let other { summary.say(remarksOf: other.table, path: other.file.path) }
    let set = try table.taken(by: frame, missing: request.missing, path: file.path)
    var validation: (set: SequenceSet, path: String)?
    if isOneFile {
      validation = (set, file.path)
    } else if let path = other?.file.path {
      let set = try other?.table.taken(by: frame, missing: request.missing, path: path)
      validation = set.map { ($0, path) }
    }
    if request.task.sequences == .windows {
      try self.init(series: set, parts, validation: validation, request, frame, summary)
    } else {
      try self.init(sequences: set, parts, validation: validation, request, frame, summary)
    }
    fingerprint = file.fingerprint
    validationFingerprint = isOneFile ? file.fingerprint : other?.file.fingerprint
    self.frame = frame
  }

  private init(
    sequences set: SequenceSet, _ parts: SequenceParts,
    validation: (set: SequenceSet, path: String)?, _ request: SequenceRequest,
    _ frame: TaskFrame, _ summary: DataSummary
  ) throws {
    let random = Philox(seed: UInt64(truncatingIfNeeded: request.seed), purpose: .task)
    let predictsNextStep = request.task.targets == .nextStep
    var request = request
    if request.growsWindow {
      request.growWindow(to: set)
      if let validation { request.growWindow(to: validation.set) }
    }
    window = request.window
    func pack(
      _ set: SequenceSet, _ chosen: [Int], shuffle: Philox?, path: String
    ) throws -> PackedSequences {
      try Self.checkLengths(set, chosen, request, path: path)
      let target: PackedSequences.Target =
        predictsNextStep
        ? .nextStep : .classes(HostArray(try frame.classNumbers(of: set, path: path)))
      return PackedSequences(
        set: set, chosen: chosen, target: target, batchRows: request.rows, window: request.window,
        shuffle: shuffle)
    }
    guard !parts.training.isEmpty else {
      throw DataFileError(
        path: request.train, place: nil, problem: "no sequence is left to train on",
        hint: "lower data.valid_fraction")
    }
    let packed = try pack(set, parts.training, shuffle: random, path: request.train)
    var held: PackedSequences?
    if let validation {
      held = try pack(
        validation.set, Array(0..<validation.set.count), shuffle: nil, path: validation.path)
    } else if !parts.validation.isEmpty {
      held = try pack(set, parts.validation, shuffle: nil, path: request.train)
    }
    training = .sequences(packed)
    self.validation = held.map { .sequences($0) }
    slots = max(packed.slots, held?.slots ?? 1)
    features = set.inputWidth
    outputs = predictsNextStep ? set.features : frame.classes?.count ?? 1
    let lengths = parts.training.map { set.length($0) }
    words =
      "\(Format.count(parts.training.count, "training sequence")) of \(lengths.min() ?? 0) to "
      + "\(lengths.max() ?? 0) steps in \(Format.count(packed.rowCount, "row")), "
      + "\(Format.fixed(100 * packed.fill, 1)) % filled"
    fingerprint = ""
    self.summary = summary
    let heldCount = validation?.set.count ?? parts.validation.count
    sayParts(Format.count(heldCount, "sequence"), heldCount, parts.training.count)
    if let classes = frame.classes {
      let numbers = try frame.classNumbers(of: set, path: request.train)
      let held = try validation.map { try frame.classNumbers(of: $0.set, path: $0.path) }
      self.summary.say(
        classes: classes, training: parts.training.map { numbers[$0] },
        validation: held ?? parts.validation.map { numbers[$0] })
      try weigh(classes, parts.training.map { numbers[$0] }, request)
    }
  }

  /// Decides how much each class counts.
  ///
  /// - Parameter numbers: class numbers of the targets to train on.
  package mutating func weigh(
    _ classes: [String], _ numbers: [Int32], _ request: SequenceRequest
  ) throws {
    if let strange = request.classWeights.strangers(to: classes).first {
      throw DataFileError(
        path: request.train, place: nil,
        problem: "there is no class \"\(strange)\", which output.class_weights names",
        hint: "its classes are \(DataFileError.list(classes))")
    }
    let counts = numbers.reduce(into: [Int](repeating: 0, count: classes.count)) {
      $0[Int($1)] += 1
    }
    classWeights = request.classWeights.weights(of: classes, counts: counts)
    if !classWeights.isEmpty { summary.say(weightsOf: classes, classWeights) }
  }

  /// Says what there is to train on, and how much to validate on.
  package mutating func sayParts(_ heldWords: String, _ held: Int, _ trained: Int) {
    summary.say("training", words)
    summary.say("validation", held == 0 ? "none" : heldWords)
    let unit = training.unitName
    summary.add([
      "training_\(unit)": .integer(trained), "validation_\(unit)": .integer(held),
    ])
  }

  /// Every sequence must fit in a row.
  private static func checkLengths(
    _ set: SequenceSet, _ chosen: [Int], _ request: SequenceRequest, path: String
  ) throws {
    let least = request.task.leastSteps
    if let short = chosen.first(where: { set.length($0) < least }) {
      throw DataFileError(
        path: path, place: "sequence \(short + 1)",
        problem: "has \(Format.count(set.length(short), "step")), expected at least \(least)")
    }
    let longest = (chosen.map { set.length($0) }.max() ?? 0) - (least - 1)
    guard longest <= request.window else {
      throw DataFileError(
        path: path, place: nil,
        problem: "the longest sequence takes \(longest) steps, batch.window is "
          + "\(request.window)",
        hint: "set batch.window to \(longest) or more: a whole number of times the usual length "
          + "wastes least")
    }
  }
}

extension SequenceRequest {
  /// Makes room for the longest sequence.
  package mutating func growWindow(to set: SequenceSet) {
    let longest = (0..<set.count).map { set.length($0) }.max() ?? 0
    window = max(window, longest - (task.leastSteps - 1))
  }
}
