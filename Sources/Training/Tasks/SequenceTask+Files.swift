import Checkpoints
import Configuration
import Datasets
import Kernels
import Records

extension SequenceTask {
  /// Reads the files that a config names.
  ///
  /// - Parameter frame: of a checkpoint; nil learns it from the training data.
  init(reading config: Config, frame: TaskFrame?) throws {
    let file = try DataFile(path: config.data.train)
    let raw = try file.sequences(config.data.task, task: config.task)
    var other: (file: DataFile, set: SequenceSet)?
    if let path = config.data.valid {
      let file = try DataFile(path: path)
      other = (file, try file.sequences(config.data.task, task: config.task))
    }
    let columns = frame?.columns ?? config.data.task.columns ?? raw.columns
    let selected = try raw.selecting(columns, path: file.path, key: "data.columns")
    let parts = SequenceParts(selected, config: config, hasValidationFile: other != nil)
    let frame =
      try frame
      ?? TaskFrame(of: selected, training: parts.trainingSteps, config: config, path: file.path)
    let set = try frame.apply(to: raw, path: file.path)
    let validSet = try other.map { try frame.apply(to: $0.set, path: $0.file.path) }
    if config.task == .forecasting {
      try self.init(
        series: set, parts, validation: validSet.map { ($0, config.data.valid ?? "") }, config,
        frame)
    } else {
      try self.init(
        sequences: set, parts, validation: validSet.map { ($0, config.data.valid ?? "") }, config,
        frame)
    }
    fingerprint = file.fingerprint
    validationFingerprint = other?.file.fingerprint
    description = frame.json
  }

  private init(
    sequences set: SequenceSet, _ parts: SequenceParts,
    validation: (set: SequenceSet, path: String)?, _ config: Config, _ frame: TaskFrame
  ) throws {
    let random = Philox(seed: UInt64(truncatingIfNeeded: config.run.seed), purpose: .task)
    func pack(
      _ set: SequenceSet, _ chosen: [Int], shuffle: Philox?, path: String
    ) throws -> PackedSequences {
      try Self.checkLengths(set, chosen, config, path: path)
      let target: PackedSequences.Target =
        config.task == .multilabel
        ? .nextStep : .classes(try frame.classNumbers(of: set, path: path))
      return PackedSequences(
        set: set, chosen: chosen, target: target, batchRows: config.batch.sequences,
        window: config.batch.window, shuffle: shuffle)
    }
    guard !parts.training.isEmpty else {
      throw DataFileError(
        path: config.data.train, place: nil, problem: "no sequence is left to train on",
        hint: "lower data.valid_fraction")
    }
    if config.task == .multilabel {
      try Self.checkBinary(set, path: config.data.train)
      if let validation { try Self.checkBinary(validation.set, path: validation.path) }
    }
    let packed = try pack(set, parts.training, shuffle: random, path: config.data.train)
    var held: PackedSequences?
    if let validation {
      held = try pack(
        validation.set, Array(0..<validation.set.count), shuffle: nil, path: validation.path)
    } else if !parts.validation.isEmpty {
      held = try pack(set, parts.validation, shuffle: nil, path: config.data.train)
    }
    training = .sequences(packed)
    self.validation = held.map { .sequences($0) }
    slots = max(packed.slots, held?.slots ?? 1)
    features = set.features
    outputs = config.task == .multilabel ? set.features : frame.classes?.count ?? 1
    unit = config.task == .multilabel ? "steps" : "sequences"
    let lengths = parts.training.map { set.length($0) }
    words =
      "\(Format.count(parts.training.count, "training sequence")) of \(lengths.min() ?? 0) to "
      + "\(lengths.max() ?? 0) steps in \(Format.count(packed.rowCount, "row")), "
      + "\(Format.fixed(100 * packed.fill, 1)) % filled"
    fingerprint = ""
  }

  private init(
    series set: SequenceSet, _ parts: SequenceParts,
    validation: (set: SequenceSet, path: String)?, _ config: Config, _ frame: TaskFrame
  ) throws {
    let data = config.data.task
    let targets = try frame.targetPlaces(path: config.data.train)
    func windows(_ set: SequenceSet, _ parts: [Range<Int>], shuffle: Philox?) -> SeriesWindows {
      SeriesWindows(
        set: set, parts: parts, targets: targets, horizon: data.horizon,
        batchRows: config.batch.sequences, window: config.batch.window, stride: data.stride,
        shuffle: shuffle)
    }
    let random = Philox(seed: UInt64(truncatingIfNeeded: config.run.seed), purpose: .task)
    let taken = windows(set, parts.trainingSteps, shuffle: random)
    var held: SeriesWindows?
    if let validation {
      let all = (0..<validation.set.count).map {
        validation.set.starts[$0]..<validation.set.starts[$0 + 1]
      }
      held = windows(validation.set, all, shuffle: nil)
    } else if config.data.validFraction > 0 {
      held = windows(set, parts.validationSteps, shuffle: nil)
    }
    for (windows, use, path) in [
      (taken, "training", config.data.train),
      (held ?? taken, "validation", validation?.path ?? config.data.train),
    ] where windows.count == 0 {
      throw DataFileError(
        path: path, place: nil,
        problem: "too short for \(use): no series has \(config.batch.window + data.horizon) steps",
        hint: "lower batch.window, data.horizon or data.valid_fraction")
    }
    training = .windows(taken)
    self.validation = held.map { .windows($0) }
    features = set.features
    let (outputs, overflow) = targets.count.multipliedReportingOverflow(by: data.horizon)
    guard !overflow, outputs <= canonicalBlock else {
      throw UsageError(
        "data.horizon times the number of data.targets is \(outputs), expected at most "
          + "\(canonicalBlock)")
    }
    self.outputs = outputs
    words =
      "\(Format.count(taken.count, "training window")), "
      + "\(Format.count(targets.count, "column")) to forecast "
      + "\(Format.count(data.horizon, "step")) ahead"
    fingerprint = ""
  }

  /// Every sequence must fit in a row.
  private static func checkLengths(
    _ set: SequenceSet, _ chosen: [Int], _ config: Config, path: String
  ) throws {
    let least = config.task == .multilabel ? 2 : 1
    if let short = chosen.first(where: { set.length($0) < least }) {
      throw DataFileError(
        path: path, place: "sequence \(short + 1)",
        problem: "has \(Format.count(set.length(short), "step")), expected at least \(least)")
    }
    let longest = (chosen.map { set.length($0) }.max() ?? 0) - (least - 1)
    guard longest <= config.batch.window else {
      throw DataFileError(
        path: path, place: nil,
        problem: "the longest sequence takes \(longest) steps, batch.window is "
          + "\(config.batch.window)",
        hint: "set batch.window to \(longest) or more: a whole number of times the usual length "
          + "wastes least")
    }
  }

  private static func checkBinary(_ set: SequenceSet, path: String) throws {
    guard let place = set.values.firstIndex(where: { $0 != 0 && $0 != 1 }) else { return }
    let step = place / set.features
    let sequence = (0..<set.count).first { set.starts[$0 + 1] > step } ?? 0
    throw DataFileError(
      path: path, place: "sequence \(sequence + 1), step \(step - set.starts[sequence] + 1)",
      problem: "expected 0 or 1 in column \"\(set.columns[place % set.features])\", found "
        + "\(set.values[place])")
  }
}

/// What of a file trains and what validates.
struct SequenceParts {
  /// Sequences.
  var training: [Int]
  var validation: [Int]
  /// Ranges of steps that statistics and windows of training are taken from.
  var trainingSteps: [Range<Int>]
  /// Ranges whose windows forecast held-out steps only.
  var validationSteps: [Range<Int>]

  /// Sequences are held out at random (by the run's seed), of series the last steps.
  init(_ set: SequenceSet, config: Config, hasValidationFile: Bool) {
    let fraction = hasValidationFile ? 0 : config.data.validFraction
    let all = (0..<set.count).map { set.starts[$0]..<set.starts[$0 + 1] }
    (training, validation, validationSteps) = (Array(0..<set.count), [], [])
    trainingSteps = all
    func held(of count: Int) -> Int { Int((Double(count) * fraction).rounded(.up)) }
    if fraction == 0 { return }
    if config.task == .forecasting {
      trainingSteps = all.map { $0.dropLast(held(of: $0.count)) }
      validationSteps = zip(all, trainingSteps).map { whole, part in
        max(whole.lowerBound, part.upperBound - config.batch.window)..<whole.upperBound
      }
      return
    }
    let order = Permutation(
      count: max(1, set.count),
      random: Philox(seed: UInt64(truncatingIfNeeded: config.run.seed), purpose: .taskValidation))
    let shuffled = (0..<set.count).map { order.number(at: $0, epoch: 0) }
    validation = shuffled.prefix(held(of: set.count)).sorted()
    training = shuffled.dropFirst(held(of: set.count)).sorted()
    trainingSteps = training.map { all[$0] }
  }
}
