import Checkpoints
import Configuration
import Records

/// Keeps the record of a run whole over stops: every step, validation, sample and checkpoint is
/// told once, or a line says what is missing.
extension RunDirectory {
  var metricsPath: String { "\(path)/\(RunFiles.metrics)" }

  /// What the records of a run hold that goes on.
  struct EarlierRecords {
    /// What they should hold besides.
    var lacking: [OrderedJSON] = []
    /// What they tell already of the validation that is to be made up for: kinds and events.
    var told: Set<String> = []
  }

  /// Looks at the records of a run; on rank 0 only, after later ones are cut off, and before the
  /// config of the last start is replaced.
  func earlierRecords(
    of restored: Restored, config: Config, hasValidation: Bool, writesText: Bool
  ) throws -> EarlierRecords {
    let step = restored.resumption.step
    let survey = try MetricsSurvey(path: metricsPath)
    var records: [OrderedJSON] = []
    let kept = try store.steps()
    for saved in kept
    where saved > 0 && saved <= step && !survey.checkpointSteps.contains(saved) {
      records.append(
        [
          "kind": "checkpoint", "step": .integer(saved),
          "name": .string(CheckpointStore.name(ofStep: saved)),
          // Those before it were told of when it was made, and have lost their record since.
          "fingerprint": saved == step ? .string(restored.fingerprint) : .null,
          "told_at_resume": true,
        ])
    }
    let gaps = survey.gaps(
      upTo: step, isValidated: !restored.resumption.isValidationMissing,
      periods(config, hasValidation: hasValidation, writesText: writesText), kept: Set(kept))
    if let first = gaps.map(\.firstStep).min() {
      records.append(Self.missing(gaps.map(\.kind), from: first, to: step))
    }
    let isMadeUp = restored.resumption.isValidationMissing && !restored.hasOtherValidationText
    return EarlierRecords(lacking: records, told: isMadeUp ? survey.told(ofStep: step) : [])
  }

  /// Adds what the records of a run lack that has nothing more to do; on rank 0 only.
  func complete(_ records: [OrderedJSON], afterStep step: Int) throws {
    if records.isEmpty { return }
    try MetricsLog.truncate(path: metricsPath, afterStep: step)
    let writer = try MetricsWriter(path: metricsPath)
    _ = writer.append(records)
    try writer.finish()
  }

  /// The event of records that are gone.
  private static func missing(_ kinds: [String], from first: Int, to step: Int) -> OrderedJSON {
    [
      "kind": "event", "event": "records_missing", "step": .integer(step),
      "from_step": .integer(first), "kinds": .array(kinds.map { .string($0) }),
      "reason": .string(
        "records (\(kinds.joined(separator: ", "))) of steps \(first) to \(step) are not in the "
          + "metrics: a disk did not take them, or the run was copied before they were written"),
    ]
  }

  /// How often the last start told of its steps.
  private func periods(
    _ config: Config, hasValidation: Bool, writesText: Bool
  ) -> MetricsSurvey.Periods {
    let last = RunFiles.read("\(path)/\(RunFiles.config)")?["run"]
    func value(_ name: String, _ now: Int) -> Int { max(0, last?[name]?.integerValue ?? now) }
    let validation = hasValidation ? value("validate_every", config.run.validateEvery) : 0
    let samples = writesText && value("sample_length", config.run.sampleLength) > 0
    return MetricsSurvey.Periods(
      stride: config.exchange.isLocal ? config.exchange.synchronizeEvery : 1,
      training: value("log_every", config.run.logEvery), validation: validation,
      samples: samples ? validation : 0,
      checkpoints: value("checkpoint_every", config.run.checkpointEvery))
  }
}
