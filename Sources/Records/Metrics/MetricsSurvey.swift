/// What the records of a run tell of, as far as whoever goes on with it must know.
package struct MetricsSurvey: Sendable, Equatable {
  /// The last step that training tells of: by its figures, or as one that made no update.
  package private(set) var trainedStep = 0
  package private(set) var validatedStep = 0
  package private(set) var sampledStep = 0
  /// The step after which the last start went on, or up to which gaps are told of; 0 for none.
  package private(set) var resumedStep = 0
  /// Steps with a record of a checkpoint.
  package private(set) var checkpointSteps: Set<Int> = []
  /// The last step that tells of a checkpoint, be it of one that was not written.
  private var lastCheckpointTold = 0
  /// The step of the newest checkpoint that is told of; nil for none.
  package private(set) var newestCheckpoint: Int?
  /// Names of the events of the last step that has any.
  package private(set) var lastEvents: Set<String> = []
  private var lastEventStep = 0

  /// Reads the metrics of a run; those that are not there tell of nothing.
  ///
  /// - Complexity: one pass in constant memory, in which few lines are parsed as JSON.
  package init(path: String) throws(MetricsError) {
    guard FileStatus(path) != nil else { return }
    var scanner = RecordScanner()
    do {
      let reader = try LineReader(path: path)
      while try reader.readBlock({ take($0, &scanner) }) {}
      reader.readRest { take($0, &scanner) }
    } catch {
      throw MetricsError(path: path, action: "read", reason: "\(error)")
    }
  }

  private mutating func take(_ line: Span<UInt8>, _ scanner: inout RecordScanner) {
    switch scanner.scan(line) {
    // Such as one that a crash left unfinished.
    case .damaged: return
    case .object(let members):
      let record = OrderedJSON.object(members)
      take(
        record["kind"]?.stringValue, record["step"]?.integerValue, record["event"]?.stringValue)
    case .plain:
      func text(_ name: StaticString) -> String? {
        scanner.member(name, in: line).map { line.text($0.value) }
      }
      take(text("kind"), text("step").flatMap { Int($0) }, text("event"))
    }
  }

  private mutating func take(_ kind: String?, _ step: Int?, _ event: String?) {
    guard let step else { return }
    switch kind {
    case "train": trainedStep = max(trainedStep, step)
    case "valid": validatedStep = max(validatedStep, step)
    case "sample": sampledStep = max(sampledStep, step)
    case "checkpoint":
      checkpointSteps.insert(step)
      lastCheckpointTold = max(lastCheckpointTold, step)
      newestCheckpoint = max(newestCheckpoint ?? step, step)
    case "resume":
      resumedStep = max(resumedStep, step)
      newestCheckpoint = max(newestCheckpoint ?? step, step)
    case "event":
      guard let event else { return }
      if event == "nonfinite_skipped" { trainedStep = max(trainedStep, step) }
      if event == "sample_failed" { sampledStep = max(sampledStep, step) }
      if event == "records_missing" { resumedStep = max(resumedStep, step) }
      if event == "checkpoint_skipped" || event == "checkpoint_failed" {
        lastCheckpointTold = max(lastCheckpointTold, step)
      }
      if step > lastEventStep { lastEvents = [] }
      lastEventStep = max(lastEventStep, step)
      if step == lastEventStep { lastEvents.insert(event) }
    default: break
    }
  }

  /// What is told already of a validation of the last step: kinds of records, and names of events.
  package func told(ofStep step: Int) -> Set<String> {
    var told = step == lastEventStep ? lastEvents : []
    if step == validatedStep { told.insert("valid") }
    if step == sampledStep { told.insert("sample") }
    return told
  }

  /// How often a run tells of its steps.
  package struct Periods: Sendable, Equatable {
    /// Steps that are made at once.
    package var stride = 1
    /// 0 for never.
    package var training: Int
    package var validation: Int
    package var samples: Int
    package var checkpoints: Int

    package init(
      stride: Int = 1, training: Int, validation: Int, samples: Int, checkpoints: Int = 0
    ) {
      self.stride = stride
      self.training = training
      self.validation = validation
      self.samples = samples
      self.checkpoints = checkpoints
    }
  }

  /// Records that a run should have, and lacks, from a step on.
  package struct Gap: Sendable, Equatable {
    package var kind: String
    package var firstStep: Int

    package init(kind: String, firstStep: Int) {
      self.kind = kind
      self.firstStep = firstStep
    }
  }

  /// What the last start should have told, and has not.
  ///
  /// - Parameters:
  ///   - step: up to which the run has come.
  ///   - isValidated: whether its validation is done.
  ///   - kept: steps whose checkpoints are there, and tell of themselves.
  package func gaps(
    upTo step: Int, isValidated: Bool, _ periods: Periods, kept: Set<Int> = []
  ) -> [Gap] {
    let validated = isValidated ? step : step - 1
    let all = [
      ("train", trainedStep, periods.training, step),
      ("valid", validatedStep, periods.validation, validated),
      ("sample", sampledStep, periods.samples, validated),
      ("checkpoint", lastCheckpointTold, periods.checkpoints, step),
    ]
    return all.compactMap { kind, told, period, end in
      guard period > 0 else { return nil }
      // Whatever was missing before the last start was said then.
      let start = max(told, resumedStep)
      let common = period / Self.divisor(period, periods.stride) * periods.stride
      var next = (start / common + 1) * common
      // The first step of a run is always told of.
      if kind == "train", start == 0 { next = periods.stride }
      while kind == "checkpoint", next <= end, kept.contains(next) { next += common }
      return next <= end ? Gap(kind: kind, firstStep: next) : nil
    }
  }

  private static func divisor(_ a: Int, _ b: Int) -> Int {
    var (a, b) = (a, b)
    while b > 0 { (a, b) = (b, a % b) }
    return a
  }
}
