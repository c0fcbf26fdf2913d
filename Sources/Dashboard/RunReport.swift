import Foundation
import Records
import Tasks

/// What there is to say of one run, as JSON for the page and for other programs.
struct RunReport {
  let name: String
  let folder: RunFolder
  let look: MetricsReader.Look
  let status: String
  let daemonIsSilent: Bool

  private var metrics: RunMetrics { look.metrics }
  private var heartbeat: OrderedJSON? { folder.heartbeat.value }
  private var config: OrderedJSON? { folder.config.value }

  init(name: String, folder: RunFolder, look: MetricsReader.Look, liveness: Liveness) {
    self.name = name
    self.folder = folder
    self.look = look
    let time = Date().timeIntervalSince1970
    daemonIsSilent = folder.daemon.value.map {
      !Self.isOver($0) && !liveness.isDaemonAlive(folder.path, state: $0, now: .now, time: time)
    } ?? false
    guard let heartbeat = folder.heartbeat.value else {
      status = "unknown"
      return
    }
    if let exit = heartbeat["exit_status"]?.integerValue {
      status = exit == 0 ? "done" : exit == Int(ExitStatus.stopped) ? "stopped" : "failed"
    } else {
      let isAlive = liveness.isAlive(
        folder.path, heartbeat: heartbeat, now: .now, time: time)
      status = isAlive ? "running" : "silent"
    }
  }

  /// Whether a daemon has nothing more to do, or tells nothing while it waits.
  private static func isOver(_ state: OrderedJSON) -> Bool {
    let last = ["done", "stopped", "killed", "gave_up", "bad_config", "waiting"]
    return last.contains(state["state"]?.stringValue ?? "")
  }

  /// A line of the list of runs.
  var summary: OrderedJSON {
    let train = metrics.train
    let number = { (value: Double?) in value.map { OrderedJSON.number($0) } ?? .null }
    let whole = { (value: Double?) in value.map(Self.whole) ?? .null }
    let lowest = lowestValidation
    let figures: OrderedJSON = [
      "name": .string(name), "path": .string(folder.path), "status": .string(status),
      "step": whole(train["step"] ?? heartbeat?["step"]?.doubleValue),
      "steps": config?["run"]?["steps"] ?? heartbeat?["steps"] ?? .null,
      "epoch": whole(train["epoch"]), "tokens": whole(train["tokens"]),
      "loss": number(train["loss"]), "learning_rate": number(train["learning_rate"]),
      "gradient_norm": number(train["gradient_norm"]),
      "tokens_per_second": number(train["tokens_per_second"]),
      "step_seconds": number(train["step_seconds"]),
      "exchange_seconds": number(train["exchange_seconds"]),
      "validation_loss": number(metrics.valid["loss"]),
      "validation_bits_per_byte": number(metrics.valid["bits_per_byte"]),
      "best_validation_loss": number(lowest?.loss), "best_validation_step": whole(lowest?.step),
      "best_bits_per_byte": number(lowest?.bits),
    ]
    return figures.merging(place).merging([
      "ranks": heartbeat?["ranks"] ?? .null, "threads": heartbeat?["threads"] ?? .null,
      "remaining_seconds": heartbeat?["remaining_seconds"] ?? .null,
      "started": heartbeat?["started"] ?? .null, "updated": heartbeat?["time"] ?? .null,
      "model": config?["model"] ?? .null, "task": heartbeat?["task"] ?? RunTask(config).json,
      "best": best.json, "validation": .object(validation),
      "training_seconds": number(train["training_seconds"]),
      // What is not shown, or not yet.
      "metrics_bytes": .integer(look.fileBytes), "metrics_bytes_read": .integer(look.readBytes),
      "is_behind": .bool(look.isBehind), "damaged_lines": .integer(metrics.damagedLines),
      "has_other_columns": .bool(metrics.train.hasOtherColumns || metrics.valid.hasOtherColumns),
      "problem": look.problem.map { .string($0) } ?? .null,
      "problems": .array(problems.map { .string($0) }),
    ])
  }

  private var problems: [String] {
    (look.problem.map { [$0] } ?? []) + folder.problems
  }

  /// Whose run it is and where it runs, its newest checkpoint, and what keeps it alive.
  private var place: OrderedJSON {
    let (newest, count) = folder.newestCheckpoint
    let daemon = folder.daemon.value
    let attempts = daemon?["attempts"]?.integerValue
    return [
      "owner": folder.owner.map { .string($0) } ?? .null, "host": heartbeat?["host"] ?? .null,
      "activity": heartbeat?["activity"] ?? .null, "pid": heartbeat?["pid"] ?? .null,
      "checkpoints": .integer(count),
      "checkpoint_step": newest?.step.map { .integer($0) } ?? .null,
      "checkpoint_time": newest?.time.map { .number($0.rounded()) } ?? .null,
      "daemon": daemon?["state"] ?? .null, "daemon_is_silent": .bool(daemonIsSilent),
      "daemon_failures": daemon?["failures"] ?? .null,
      "restarts": attempts.map { .integer(max(0, $0 - 1)) } ?? .null,
    ]
  }

  /// All numbers of the last validation but its place.
  private var validation: [OrderedJSON.Member] {
    let places: Set = ["step", "training_seconds", "time"]
    return metrics.valid.names.compactMap { name in
      if places.contains(name) { return nil }
      return metrics.valid[name].map { .init(name, .number($0)) }
    }
  }

  /// A whole number as one, however large.
  private static func whole(_ value: Double) -> OrderedJSON {
    Int(exactly: value.rounded()).map { .integer($0) } ?? .number(value)
  }

  /// All that the page shows of a run, or of what grows or changes only that which is new.
  ///
  /// - Parameter mark: the `mark` of an earlier answer, which the page still has. What it is to
  ///   keep of it, `kept` says: so many rows, events and samples. Parts that are left out are as
  ///   they were.
  func detail(since mark: String?) -> OrderedJSON {
    let known = mark.flatMap { RunMark($0) }
    let checkpoints = OrderedJSON.array(self.checkpoints)
    let parts: [(name: String, value: OrderedJSON)] = [
      ("config", config ?? .null), ("checkpoints", checkpoints),
      ("daemon", folder.daemon.value ?? .null), ("figures", folder.validation.value ?? .null),
      ("ranks", .array(folder.ranks)),
    ]
    let now = RunMark(look, parts: parts.map(\.value))
    let kept = now.kept(of: known)
    let detail: OrderedJSON = [
      "summary": summary, "mark": .string(now.text),
      "kept": [
        "train": .integer(kept.train), "valid": .integer(kept.valid),
        "events": .integer(kept.events), "samples": .integer(kept.samples),
      ],
      "train": metrics.train.json(from: kept.train), "valid": metrics.valid.json(from: kept.valid),
      "events": .array(metrics.events.since(kept.events)),
      "samples": .array(metrics.samples.since(kept.samples)),
    ]
    return zip(parts, kept.hasParts).reduce(detail) { detail, part in
      part.1 ? detail : detail.merging(.object([.init(part.0.name, part.0.value)]))
    }
  }

  private var lowestValidation: (step: Double, loss: Double, bits: Double?)? {
    let losses = metrics.valid.values("loss")
    let bits = metrics.valid.values("bits_per_byte")
    let steps = metrics.valid.values("step")
    let candidates = losses.indices.compactMap { index in losses[index].map { (index, $0) } }
    guard let (index, loss) = candidates.min(by: { $0.1 < $1.1 }), steps.indices.contains(index),
      let step = steps[index]
    else { return nil }
    return (step, loss, bits.indices.contains(index) ? bits[index] : nil)
  }

  /// The best validation by a measure.
  struct Best {
    var measure: TaskMetric
    var value: Double?
    var step: Double?

    var json: OrderedJSON {
      [
        "measure": .string(measure.name), "value": value.map { .number($0) } ?? .null,
        "step": step.map(RunReport.whole) ?? .null,
        "direction": measure.direction == .lower ? "lower" : "higher",
      ]
    }
  }

  /// The validation that is the best by `run.best_by`.
  var best: Best {
    let asked = config?["run"]?["best_by"]?.stringValue
    let measure =
      asked.flatMap { name in
        TaskName.allCases.lazy.flatMap(\.description.measures).first { $0.name == name }
      } ?? .loss
    var best = Best(measure: measure)
    let values = metrics.valid.values(measure.name)
    for (value, step) in zip(values, metrics.valid.values("step")) {
      guard let value, let step, measure.isBetter(value, than: best.value) else { continue }
      (best.value, best.step) = (value, step)
    }
    return best
  }

  /// Newest first.
  private var checkpoints: [OrderedJSON] {
    let best = best.step
    return folder.checkpoints.map { point in
      point.json(isBest: best != nil && point.step.map(Double.init) == best)
    }
  }
}
