import NumericContract
import Records

/// The global batch: B sequences of T time steps, cut into shards.
package struct BatchConfig: Sendable, Equatable {
  package var sequences: Int
  package var window: Int
  /// The most that the windows of a text differ from `window`.
  package var windowJitter: Int
  package var shards: Int
  /// Windows whose gradients one update sums.
  package var accumulate: Int

  init(_ reader: consuming ConfigReader) throws(ConfigError) {
    sequences = try reader.integer("sequences", default: 64, in: 1...65_536)
    window = try reader.integer("window", default: 64, in: 1...65_536)
    windowJitter = try reader.integer("window_jitter", default: 0, in: 0...65_535)
    shards = try reader.integer("shards", default: 8, in: 1...65_536)
    accumulate = try reader.integer("accumulate", default: 1, in: 1...65_536)
    try reader.finish()
    guard windowJitter < window else {
      throw reader.failure(
        "window_jitter",
        "expected less than batch.window, which is \(window), found \(windowJitter)")
    }
  }

  /// Time steps of all sequences that an update sums, but for jitter.
  package var tokensPerStep: Int { sequences * window * accumulate }

  /// Whether groups of equally many shards are nodes of the canonical tree, which they have to be
  /// where each of them is summed up by itself.
  package func canCutShards(into groups: Int) -> Bool {
    ShardPlan.canGroup(shards: shards, groups: groups)
  }

  /// Most time steps of a batch.
  package var longestWindow: Int { window + windowJitter }

  var json: OrderedJSON {
    [
      "sequences": .integer(sequences), "window": .integer(window),
      "window_jitter": .integer(windowJitter), "shards": .integer(shards),
      "accumulate": .integer(accumulate),
    ]
  }
}
