import NumericContract
package import Tasks

/// The global batch: B sequences of T time steps, cut into shards.
package struct BatchConfig: ConfigSection {
  package var sequences = 64
  package var window = 64
  /// The most that the windows of a text differ from `window`.
  package var windowJitter = 0
  package var shards = 8
  /// Windows whose gradients one update sums.
  package var accumulate = 1

  package init() {}

  package static let keys: [ConfigKey<BatchConfig>] = [
    ConfigKey(
      "sequences", \.sequences, .integer(1...65_536),
      "Sequences of the global batch, over all ranks."),
    ConfigKey(
      "window", \.window, .integer(1...TaskDescription.mostSteps),
      "Time steps of an update, over which gradients go back. For sequences that a task makes up, "
        + "their length."),
    ConfigKey(
      "window_jitter", \.windowJitter, .integer(0...65_535),
      "The most time steps by which windows of a text are longer or shorter; less than "
        + "`batch.window`."),
    ConfigKey(
      "shards", \.shards, .integer(1...65_536),
      "Parts of the batch that are summed by themselves; the most ranks, whose threads may share "
        + "them. Part of the trajectory."),
    ConfigKey(
      "accumulate", \.accumulate, .integer(1...65_536),
      "Windows in a row whose gradients one update sums."),
  ]

  package func check(_ place: ConfigPlace, task: TaskName) throws(ConfigError) {
    guard windowJitter < window else {
      throw place.failure(
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
}
