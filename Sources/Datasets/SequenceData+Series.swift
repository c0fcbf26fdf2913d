package import Batches
package import NumericContract
import Records
import Tasks

extension SequenceData {
  /// Windows of series.
  init(
    series set: SequenceSet, _ parts: SequenceParts,
    validation: (set: SequenceSet, path: String)?, _ request: SequenceRequest,
    _ frame: TaskFrame, _ summary: DataSummary
  ) throws {
    window = request.window
    let form = try SeriesShape(frame, request)
    let random = Philox(seed: UInt64(truncatingIfNeeded: request.seed), purpose: .task)
    let set = form.formed(set)
    let taken = form.windows(set, form.formed(parts.trainingSteps, of: set), request, random)
    var held: SeriesWindows?
    if let validation {
      let other = form.formed(validation.set)
      let all = (0..<other.count).map { other.starts[$0]..<other.starts[$0 + 1] }
      held = form.windows(other, all, request, nil)
    } else if parts.holdsOut {
      held = form.windows(set, form.formed(parts.validationSteps, of: set), request, nil)
    }
    if taken.count == 0 {
      throw Self.noWindow(
        "to train on", parts.trainingSteps, request, path: request.train,
        hint: validation == nil && parts.holdsOut
          ? "lower batch.window, data.horizon or data.valid_fraction" : nil)
    }
    if let held, held.count == 0 {
      throw Self.noWindow(
        request.measuresTest ? "to test on" : "to validate on",
        validation.map { set in
          (0..<set.set.count).map { set.set.starts[$0]..<set.set.starts[$0 + 1] }
        } ?? parts.validationSteps, request, path: validation?.path ?? request.train,
        hint: validation == nil && !request.measuresTest
          ? "lower batch.window or data.horizon, raise data.valid_fraction, which is what the "
            + "horizon must fit in, or name a file by data.valid" : nil)
    }
    training = .windows(taken)
    self.validation = held.map { .windows($0) }
    features = taken.inputWidth
    let perTarget = request.task.outputsPerTarget
    let (outputs, overflow) = (form.plan.targets.count * perTarget)
      .multipliedReportingOverflow(by: request.horizon)
    guard !overflow, outputs <= canonicalBlock else {
      throw UsageError(
        "data.horizon times the number of data.targets"
          + (perTarget > 1 ? " times \(perTarget) outputs of each" : "")
          + " is \(outputs), expected at most \(canonicalBlock)")
    }
    self.outputs = outputs
    words =
      "\(Format.count(taken.count, "training window")), "
      + "\(Format.count(form.plan.targets.count, "column")) to forecast "
      + "\(Format.count(request.horizon, "step")) ahead"
    fingerprint = ""
    self.summary = summary
    let heldCount = held?.count ?? 0
    sayParts(Format.count(heldCount, "window"), heldCount, taken.count)
    let tested =
      parts.holdsTest
      ? form.windows(set, form.formed(parts.testSteps, of: set), request, nil).count : 0
    if parts.holdsTest, tested == 0 {
      throw Self.noWindow("to test on", parts.testSteps, request, path: request.train, hint: nil)
    }
    self.summary.say(splitOf: parts, request, called: "window", tested: tested)
    self.summary.say(limitsOf: request)
    sayShort(parts, validation: validation?.set, request)
  }

  /// Says which series have no window.
  private mutating func sayShort(
    _ parts: SequenceParts, validation set: SequenceSet?, _ request: SequenceRequest
  ) {
    let least = request.window + request.horizon
    summary.say(
      shortSeriesOf: "training", parts.training.map { parts.trainingSteps[$0].count },
      least: least)
    if let set {
      summary.say(
        shortSeriesOf: "validation", (0..<set.count).map { set.length($0) }, least: least)
    } else if validation != nil {
      summary.say(
        shortSeriesOf: "validation",
        parts.validationSteps.filter { request.split.by != .sequence || !$0.isEmpty }.map(\.count),
        least: least)
    }
  }
}

extension SequenceData {
  /// What is wrong where nothing is left to forecast.
  private static func noWindow(
    _ use: String, _ parts: [Range<Int>], _ request: SequenceRequest, path: String, hint: String?
  ) -> DataFileError {
    let least = request.window + request.horizon
    let longest = parts.map(\.count).max() ?? 0
    return DataFileError(
      path: path, place: nil,
      problem: longest >= least
        ? "every target \(use) is missing"
        : "there is no window \(use): one and its forecast take \(least) steps, and no series has "
          + "more than \(longest) for it",
      hint: hint ?? "use longer series or parts of them, or lower batch.window or data.horizon")
  }
}

/// What the series of a file are, and what of them windows forecast.
package struct SeriesShape {
  package var plan: SeriesWindows.Plan
  /// Where each column is a series: which, and those that every series has beside its own.
  private var columns: [Int]?
  private var shared: [Int] = []

  package init(_ frame: TaskFrame, _ request: SequenceRequest) throws {
    let targets = try frame.targetPlaces(path: request.train)
    let (known, statics) = (frame.places(of: frame.known), frame.places(of: frame.statics))
    if frame.form == .columns {
      columns = targets
      shared = known + statics
      plan = SeriesWindows.Plan(targets: [0], horizon: request.horizon)
      plan.columnsAsSeries = targets.count
      plan.known = known.indices.map { 1 + $0 }
      plan.isAbsolute = [false] + shared.map { _ in true }
    } else {
      plan = SeriesWindows.Plan(targets: targets, horizon: request.horizon)
      plan.known = known
      plan.isAbsolute = frame.columns.indices.map { known.contains($0) || statics.contains($0) }
    }
    plan.stride = request.stride
    plan.origin = request.origin
  }

  /// The set with its series as sequences.
  package func formed(_ set: SequenceSet) -> SequenceSet {
    columns.map { set.unpivoted($0, shared: shared) } ?? set
  }

  /// Parts of the sequences of a file, one of each, as parts of the series that became of them.
  func formed(_ parts: [Range<Int>], of set: SequenceSet) -> [Range<Int>] {
    guard let columns else { return parts }
    var first = 0
    return parts.enumerated().flatMap { index, part in
      let own = set.starts[index * columns.count]
      let length = set.length(index * columns.count)
      defer { first += length }
      return columns.indices.map { column in
        let shift = own + column * length - first
        return part.lowerBound + shift..<part.upperBound + shift
      }
    }
  }

  package func windows(
    _ set: SequenceSet, _ parts: [Range<Int>], _ request: SequenceRequest, _ shuffle: Philox?
  ) -> SeriesWindows {
    SeriesWindows(
      set: set, parts: parts, plan: plan, batchRows: request.rows, window: request.window,
      shuffle: shuffle)
  }
}
