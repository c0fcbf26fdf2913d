import Foundation

/// A tiny training run whose every step is recorded.
struct GoldenConfig: Sendable {
  /// What computes a run; trajectories do not depend on it.
  struct World: Sendable, CustomStringConvertible {
    /// Nil for a single process without mpirun.
    let ranks: Int?
    let threads: Int

    static func threads(_ count: Int) -> World { World(ranks: nil, threads: count) }
    static func ranks(_ count: Int, threads: Int = 1) -> World {
      World(ranks: count, threads: threads)
    }

    var description: String {
      (ranks.map { "\($0) ranks x " } ?? "") + "\(threads) thread\(threads == 1 ? "" : "s")"
    }
  }

  let name: String
  /// As they are given to `--set`, one `key.path=value` each.
  let settings: [String]
  let worlds: [World]
  /// The version of the numeric contract.
  let version: Int

  /// - Parameters:
  ///   - settings: separated by spaces; they follow those of `base`.
  init(
    _ name: String, _ settings: String = "", base: Base = .language, worlds: [World] = standard,
    version: Int = 1
  ) {
    self.name = name
    self.settings = Self.common + base.settings + Self.split(settings)
    self.worlds = worlds
    self.version = version
  }

  // Starting ranks takes most of the time of a test: they are where a config has to do with them,
  // and in a sample of the others.
  static let standard: [World] = [.threads(1), .threads(2)]
  static let four: [World] = [.threads(1), .threads(4)]
  static let odd: [World] = [.threads(1), .threads(3)]
  static let three: [World] = [.threads(1), .threads(3), .ranks(3)]
  static let mixed: [World] = [.threads(1), .ranks(2, threads: 2), .threads(4)]
  /// For the exchange between ranks.
  static let exchanging: [World] = [.ranks(2), .threads(1), .ranks(3)]
  /// For two groups of shards, which one or two ranks can have.
  static let pairs: [World] = [.threads(2), .ranks(2), .threads(1)]

  /// Data and sizes of a task.
  struct Base: Sendable {
    let settings: [String]

    init(_ settings: String) { self.settings = GoldenConfig.split(settings) }

    static let language = Base("data.train=text.txt model.embedding=8")
    static let characters = Base(
      "data.train=text.txt data.tokenizer=character model.embedding=6 model.hidden=8")
    static let words = Base("data.train=text.txt data.tokenizer=word model.embedding=10")
    static let classes = Base(
      "task=classification data.train=classes.csv data.valid_fraction=0.25 batch.window=12")
    static let forecast = Base(
      "task=forecasting data.train=series.csv data.valid_fraction=0.25 batch.window=8")
    static let labels = Base("task=multilabel data.train=labels.jsonl batch.window=16")
    static let adding = Base("task=adding data.valid_sequences=20 batch.window=11")
    static let copying = Base("task=copy data.valid_sequences=12 batch.window=23 model.embedding=5")
  }

  private static let common = split(
    """
    model.hidden=12 model.layers=1 batch.sequences=8 batch.window=6 batch.shards=4 \
    optimizer.schedule.warmup_steps=2 run.steps=6 run.log_every=1 run.validate_every=3 \
    run.checkpoint_every=0 run.verify_every=2
    """)

  private static func split(_ settings: String) -> [String] {
    settings.split(separator: " ").map(String.init)
  }
}

extension GoldenConfig {
  /// All that every processor can compute, of every version.
  static let all =
    models + options + bidirectional + texts + tasks + optimizers + schedules
    + batches + exchanges + localUpdates + kept + laterCells + version2

  static func named(_ name: String) -> GoldenConfig? { all.first { $0.name == name } }
}
