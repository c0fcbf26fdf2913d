import Foundation
import Records
import Tasks

/// What there is to say of one run, as JSON for the page and for other programs.
struct RunReport {
  let name: String
  let path: String
  let look: MetricsReader.Look
  private let heartbeat: OrderedJSON?
  private let config: OrderedJSON?
  private let status: String

  private var metrics: RunMetrics { look.metrics }

  /// Bytes of a small file of a run; of larger ones nothing is shown.
  private static let mostBytes = 1 << 20
  /// Newest checkpoints that are listed.
  private static let mostCheckpoints = 200

  init(name: String, path: String, look: MetricsReader.Look, liveness: Liveness) {
    self.name = name
    self.path = path
    self.look = look
    heartbeat = Self.read("\(path)/\(RunFiles.heartbeat)")
    config = Self.read("\(path)/\(RunFiles.config)")
    guard let heartbeat else {
      status = "unknown"
      return
    }
    if let exit = heartbeat["exit_status"]?.integerValue {
      status = exit == 0 ? "done" : exit == Int(ExitStatus.stopped) ? "stopped" : "failed"
    } else {
      let isAlive = liveness.isAlive(
        path, heartbeat: heartbeat, now: .now, time: Date().timeIntervalSince1970)
      status = isAlive ? "running" : "silent"
    }
  }

  private static func read(_ path: String) -> OrderedJSON? {
    RunFiles.read(path, atMost: mostBytes)
  }

  /// A line of the list of runs.
  var summary: OrderedJSON {
    let train = metrics.train
    let number = { (value: Double?) in value.map { OrderedJSON.number($0) } ?? .null }
    let whole = { (value: Double?) in value.map(Self.whole) ?? .null }
    let best = bestValidation
    let figures: OrderedJSON = [
      "name": .string(name), "path": .string(path), "status": .string(status),
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
      "best_validation_loss": number(best?.loss), "best_validation_step": whole(best?.step),
      "best_bits_per_byte": number(best?.bits),
    ]
    return figures.merging([
      "ranks": heartbeat?["ranks"] ?? .null, "threads": heartbeat?["threads"] ?? .null,
      "remaining_seconds": heartbeat?["remaining_seconds"] ?? .null,
      "started": heartbeat?["started"] ?? .null, "updated": heartbeat?["time"] ?? .null,
      "model": config?["model"] ?? .null, "task": heartbeat?["task"] ?? .null,
      "validation": .object(validation),
      // What is not shown, or not yet.
      "metrics_bytes": .integer(look.fileBytes), "metrics_bytes_read": .integer(look.readBytes),
      "is_behind": .bool(look.isBehind), "damaged_lines": .integer(metrics.damagedLines),
      "has_other_columns": .bool(metrics.train.hasOtherColumns || metrics.valid.hasOtherColumns),
      "problem": look.problem.map { .string($0) } ?? .null,
    ])
  }

  /// All numbers of the last validation but its place.
  private var validation: [OrderedJSON.Member] {
    let places: Set = ["step", "training_seconds"]
    return metrics.valid.names.compactMap { name in
      if places.contains(name) { return nil }
      return metrics.valid[name].map { .init(name, .number($0)) }
    }
  }

  /// A whole number as one, however large.
  private static func whole(_ value: Double) -> OrderedJSON {
    Int(exactly: value.rounded()).map { .integer($0) } ?? .number(value)
  }

  /// All that the page shows of a run, or of what grows only that which is new.
  ///
  /// - Parameter mark: the `mark` of an earlier answer, which the page still has. What it is to
  ///   keep of it, `kept` says: so many rows, events and samples.
  func detail(since mark: String?) -> OrderedJSON {
    let known = mark.flatMap { RunMark($0) }
    let now = RunMark(look, config: config)
    let kept = now.kept(of: known)
    var detail: OrderedJSON = [
      "summary": summary, "mark": .string(now.text),
      "kept": [
        "train": .integer(kept.train), "valid": .integer(kept.valid),
        "events": .integer(kept.events), "samples": .integer(kept.samples),
      ],
      "train": metrics.train.json(from: kept.train), "valid": metrics.valid.json(from: kept.valid),
      "events": .array(metrics.events.since(kept.events)),
      "samples": .array(metrics.samples.since(kept.samples)),
      "checkpoints": .array(checkpoints), "ranks": .array(ranks),
    ]
    if !kept.hasConfig { detail = detail.merging(["config": config ?? .null]) }
    return detail
  }

  private var bestValidation: (step: Double, loss: Double, bits: Double?)? {
    let losses = metrics.valid.values("loss")
    let bits = metrics.valid.values("bits_per_byte")
    let steps = metrics.valid.values("step")
    let candidates = losses.indices.compactMap { index in losses[index].map { (index, $0) } }
    guard let (index, loss) = candidates.min(by: { $0.1 < $1.1 }), steps.indices.contains(index),
      let step = steps[index]
    else { return nil }
    return (step, loss, bits.indices.contains(index) ? bits[index] : nil)
  }

  /// The step of the validation that is the best by `run.best_by`.
  private var bestStep: Double? {
    guard let name = config?["run"]?["best_by"]?.stringValue, name != TaskMetric.loss.name,
      let measure = TaskName.allCases.lazy.flatMap(\.description.measures)
        .first(where: { $0.name == name })
    else { return bestValidation?.step }
    var best: (value: Double, step: Double)?
    for (value, step) in zip(metrics.valid.values(name), metrics.valid.values("step")) {
      guard let value, let step, measure.isBetter(value, than: best?.value) else { continue }
      best = (value, step)
    }
    return best?.step
  }

  /// Checkpoints as their manifests say, newest first; their bytes are not looked at.
  private var checkpoints: [OrderedJSON] {
    let directory = "\(path)/\(RunFiles.checkpoints)"
    let files = FileManager.default
    let names = (try? files.contentsOfDirectory(atPath: directory)) ?? []
    let best = bestStep
    let newest = names.filter { $0.hasPrefix("step-") }.sorted(by: >).prefix(Self.mostCheckpoints)
    return newest.map { name in
      let manifest = Self.read("\(directory)/\(name)/manifest.json")
      var bytes = 0
      if case .array(let entries)? = manifest?["files"] {
        bytes = entries.reduce(0) { $0 &+ ($1["bytes"]?.integerValue ?? 0) }
      }
      let attributes = try? files.attributesOfItem(atPath: "\(directory)/\(name)")
      let date = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970
      let step = manifest?["step"]?.integerValue
      return [
        "name": .string(name), "step": step.map { .integer($0) } ?? .null,
        "bytes": .integer(bytes), "time": date.map { .number($0.rounded()) } ?? .null,
        "is_complete": .bool(manifest != nil),
        "is_best": .bool(step != nil && step.map(Double.init) == best),
      ]
    }
  }

  /// What each rank tells of itself, in rank order.
  private var ranks: [OrderedJSON] {
    let directory = "\(path)/\(RunFiles.ranks)"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    return names.filter { $0.hasPrefix("rank-") && $0.hasSuffix(".json") }.sorted()
      .compactMap { Self.read("\(directory)/\($0)") }
  }
}

/// What an answer told of a run, so that the next one may tell only what is new.
struct RunMark {
  struct Series: Equatable {
    var thinnings: Int
    var rows: Int
  }

  private var generation: Int
  private var train: Series
  private var valid: Series
  private var events: Int
  private var samples: Int
  private var config: Int

  init(_ look: MetricsReader.Look, config: OrderedJSON?) {
    let metrics = look.metrics
    generation = look.generation
    train = Series(thinnings: metrics.train.thinnings, rows: metrics.train.rowCount)
    valid = Series(thinnings: metrics.valid.thinnings, rows: metrics.valid.rowCount)
    events = metrics.events.count
    samples = metrics.samples.count
    self.config = config?.line.hashValue ?? 0
  }

  /// Parses `text`; nil for anything else.
  init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Int($0) }
    guard parts.count == 8, numbers.count == 8, numbers.dropLast().allSatisfy({ $0 >= 0 }) else {
      return nil
    }
    generation = numbers[0]
    train = Series(thinnings: numbers[1], rows: numbers[2])
    valid = Series(thinnings: numbers[3], rows: numbers[4])
    events = numbers[5]
    samples = numbers[6]
    config = numbers[7]
  }

  var text: String {
    [
      generation, train.thinnings, train.rows, valid.thinnings, valid.rows, events, samples, config,
    ].map(String.init).joined(separator: ".")
  }

  /// How much of an earlier answer is still right, counted from its start.
  struct Kept {
    var train = 0
    var valid = 0
    var events = 0
    var samples = 0
    var hasConfig = false
  }

  func kept(of known: RunMark?) -> Kept {
    guard let known, known.generation == generation else { return Kept() }
    func rows(_ now: Series, _ known: Series) -> Int {
      now.thinnings == known.thinnings && known.rows <= now.rows ? known.rows : 0
    }
    return Kept(
      train: rows(train, known.train), valid: rows(valid, known.valid),
      events: min(events, known.events), samples: min(samples, known.samples),
      hasConfig: known.config == config)
  }
}
