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
    let isOneFile = request.heldFile == request.train
    if let path = request.heldFile, !isOneFile {
      let file = try DataFile(path: path, progress: request.progress)
      other = (file, try file.sequences(request))
    }
    var parts = try SequenceParts(table.source(request, path: file.path), request)
    parts.cutOnlySequence(of: &table, request)
    let frame =
      try frame
      ?? TaskFrame(
        of: table, training: parts.trainingSteps, labels: parts.learnt(table.labels),
        labelSteps: parts.learntSteps, request, path: file.path)
    if request.task.outputs == .labels {
      try table.requireBinary(frame.columns, path: file.path)
      if let other { try other.table.requireBinary(frame.columns, path: other.file.path) }
    }
    var summary = DataSummary()
    summary.say("training", file.path, table)
    if let other { summary.say(request.heldWord, other.file.path, other.table) }
    summary.say(columnsOf: table, frame)
    if request.task.outputs != .labels,
      let remark = try table.remark(
        ofConstants: frame.columns, in: parts.trainingSteps, path: file.path)
    {
      table.remarks.append(remark)
    }
    if let remark = frame.remark(onSeriesOf: table) { table.remarks.append(remark) }
    if let remark = (other?.table).flatMap(frame.remark(onSeriesOf:)) {
      other?.table.remarks.append(remark)
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
    if let categories = frame.categories {
      let held =
        validation.map { categories.unknown(of: $0.set.categories, in: [0..<$0.set.stepCount]) }
        ?? categories.unknown(
          of: set.categories,
          in: request.task.sequences == .windows
            ? parts.validationSteps : parts.validation.map { set.steps(of: $0) })
      summary.say(
        categories, unknown: categories.unknown(of: set.categories, in: parts.trainingSteps),
        held: held)
    }
    if request.task.sequences == .windows {
      try self.init(series: set, parts, validation: validation, request, frame, summary)
    } else {
      try self.init(sequences: set, parts, validation: validation, request, frame, summary)
    }
    fingerprint = table.fingerprint(file)
    validationFingerprint =
      isOneFile ? fingerprint : other.map { $0.table.fingerprint($0.file) }
    self.frame = frame
  }

  private init(
    sequences set: SequenceSet, _ parts: SequenceParts,
    validation: (set: SequenceSet, path: String)?, _ request: SequenceRequest,
    _ frame: TaskFrame, _ summary: DataSummary
  ) throws {
    var request = request
    if request.growsWindow, !request.isOfSteps {
      request.growWindow(to: set)
      if let validation { request.growWindow(to: validation.set) }
    }
    window = request.window
    self.summary = summary
    var trained = try SequencePart(set, parts.training, request, frame, path: request.train)
    var held: SequencePart?
    if let validation {
      let all = Array(0..<validation.set.count)
      held = try SequencePart(validation.set, all, request, frame, path: validation.path)
    } else if !parts.validation.isEmpty {
      held = trained.other(parts.validation)
    }
    let unknown = trained.unknownClasses
    let isOneFile = validation?.path == request.train
    let unknownHeld = isOneFile ? nil : held?.unknownClasses
    self.summary.say(
      unknownClasses: unknown, held: unknownHeld, of: request.isOfSteps ? "step" : "sequence")
    SequencePart.prepare(
      &trained, &held, areOne: isOneFile, isOfSteps: request.isOfSteps, window: window,
      &self.summary)
    guard !trained.chosen.isEmpty else {
      throw DataFileError(nothingIn: request.train, "sequence", leftOut: unknown)
    }
    let random = Philox(seed: UInt64(truncatingIfNeeded: request.seed), purpose: .task)
    let packed = try trained.packed(request, shuffle: random)
    let heldPacked = held.flatMap { $0.chosen.isEmpty ? nil : $0 }
    let validationRows = try heldPacked?.packed(request, shuffle: nil)
    training = .sequences(packed)
    self.validation = validationRows.map { .sequences($0) }
    slots = max(packed.slots, validationRows?.slots ?? 1)
    features = set.inputWidth
    outputs =
      request.task.targets == .nextStep
      ? set.features
      : (frame.classes?.count ?? frame.predicted?.names.count ?? 1) * request.task.outputsPerTarget
    let lengths = trained.chosen.map { trained.set.length($0) }
    words =
      "\(Format.count(trained.chosen.count, "training sequence")) of \(lengths.min() ?? 0) to "
      + "\(lengths.max() ?? 0) steps in \(Format.count(packed.rowCount, "row")), "
      + "\(Format.fixed(100 * packed.fill, 1)) % filled"
    fingerprint = ""
    let heldCount = held?.chosen.count ?? 0
    sayParts(Format.count(heldCount, "sequence"), heldCount, trained.chosen.count)
    self.summary.say(splitOf: parts, request, called: "sequence", tested: parts.test.count)
    if let predicted = frame.predicted {
      self.summary.say(
        predicted: predicted, isOfSteps: request.isOfSteps, missing: trained.missingTargets)
    }
    guard let classes = frame.classes else { return }
    let numbers = trained.classNumbers
    self.summary.say(
      classes: classes, training: numbers, validation: held?.classNumbers ?? [],
      of: request.isOfSteps ? "steps" : "sequences")
    if let label = request.ignoredLabel, request.isOfSteps {
      self.summary.say(
        "ignored",
        "\(Format.count(trained.ignoredSteps, "training step")) and "
          + "\(Format.count(held?.ignoredSteps ?? 0, "validation step")) of label \"\(label)\"")
    }
    try weigh(classes, numbers, request)
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
}

extension SequenceRequest {
  /// Makes room for the longest sequence.
  package mutating func growWindow(to set: SequenceSet) {
    let longest = (0..<set.count).map { set.length($0) }.max() ?? 0
    window = max(window, longest - (task.leastSteps - 1))
  }
}
