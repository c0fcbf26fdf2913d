import Foundation
import Records

/// What there is to say of one run, as JSON for the page and for other programs.
struct RunReport {
  let name: String
  let path: String
  let metrics: RunMetrics
  /// Seconds since 1970.
  let now: Double

  /// Most rows of a series that go to the page.
  static let mostRows = 4000

  /// A run that has told nothing for so many seconds is no longer there.
  private static let silence = 15.0

  private var heartbeat: OrderedJSON? { RunFiles.read("\(path)/\(RunFiles.heartbeat)") }
  private var config: OrderedJSON? { RunFiles.read("\(path)/\(RunFiles.config)") }

  /// A line of the list of runs.
  var summary: OrderedJSON {
    let heartbeat = heartbeat
    let config = config
    let train = metrics.train
    let number = { (value: Double?) in value.map { OrderedJSON.number($0) } ?? .null }
    let whole = { (value: Double?) in value.map(Self.whole) ?? .null }
    let best = bestValidation
    return [
      "name": .string(name), "path": .string(path), "status": .string(status(heartbeat)),
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
      "ranks": heartbeat?["ranks"] ?? .null, "threads": heartbeat?["threads"] ?? .null,
      "started": heartbeat?["started"] ?? .null, "updated": heartbeat?["time"] ?? .null,
      "model": config?["model"] ?? .null, "task": heartbeat?["task"] ?? .null,
    ]
  }

  /// A whole number as one, however large.
  private static func whole(_ value: Double) -> OrderedJSON {
    Int(exactly: value.rounded()).map { .integer($0) } ?? .number(value)
  }

  /// All that the page shows of a run.
  var detail: OrderedJSON {
    [
      "summary": summary, "config": config ?? .null,
      "train": metrics.train.json(mostRows: Self.mostRows),
      "valid": metrics.valid.json(mostRows: Self.mostRows),
      "events": .array(metrics.events), "samples": .array(metrics.samples),
      "checkpoints": .array(checkpoints), "ranks": .array(ranks),
    ]
  }

  private var bestValidation: (step: Double, loss: Double, bits: Double?)? {
    let losses = metrics.valid.values("loss")
    let bits = metrics.valid.values("bits_per_byte")
    let steps = metrics.valid.values("step")
    let candidates = losses.indices.compactMap { index in losses[index].map { (index, $0) } }
    guard let (index, loss) = candidates.min(by: { $0.1 < $1.1 }), let step = steps[index] else {
      return nil
    }
    return (step, loss, bits.indices.contains(index) ? bits[index] : nil)
  }

  private func status(_ heartbeat: OrderedJSON?) -> String {
    guard let heartbeat else { return "unknown" }
    if let exit = heartbeat["exit_status"]?.integerValue {
      return exit == 0 ? "done" : exit == Int(ExitStatus.stopped) ? "stopped" : "failed"
    }
    guard let time = heartbeat["time"]?.doubleValue else { return "unknown" }
    return abs(now - time) <= Self.silence ? "running" : "silent"
  }

  /// Checkpoints as their manifests say, newest first; their bytes are not looked at.
  private var checkpoints: [OrderedJSON] {
    let directory = "\(path)/checkpoints"
    let files = FileManager.default
    let names = (try? files.contentsOfDirectory(atPath: directory)) ?? []
    let best = bestValidation?.step
    return names.filter { $0.hasPrefix("step-") }.sorted(by: >).map { name in
      let manifest = RunFiles.read("\(directory)/\(name)/manifest.json")
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
      .compactMap { RunFiles.read("\(directory)/\($0)") }
  }
}
