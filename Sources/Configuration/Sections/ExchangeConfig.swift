/// How ranks exchange gradients and parameters.
package struct ExchangeConfig: ConfigSection {
  /// Who lets transfers progress while a rank computes: the first of its threads, between time
  /// steps, or a thread of its own.
  package enum Progress: String, CaseIterable, Sendable { case poll, thread }

  /// Whether only those rows of the embedding are exchanged that a batch looks up: where that is
  /// less in a step and the embedding has 1 MiB or more; in no step; or however small it is.
  package enum Sparse: String, CaseIterable, Sendable { case auto, never, always }

  /// What numbers travel as: "none" leaves gradients and parameters as they are.
  package enum Compression: String, CaseIterable, Sendable { case none, bf16 }

  package var progress = Progress.poll
  /// About how many bytes of gradients are exchanged as a whole; 0 measures the network and
  /// decides.
  package var bucketBytes = 0
  package var sparse = Sparse.auto
  package var compression = Compression.none
  /// Of how many groups of shards the gradients are rounded apart.
  package var compressionGroups = 0
  /// Updates that groups of shards make apart before their parameters are brought together; 0
  /// brings the gradients of every update together.
  package var synchronizeEvery = 0
  /// How many groups do.
  package var localGroups = 0
  /// Of the step that brings parameters together.
  package var outerLearningRate = 0.7
  package var outerMomentum = 0.9

  package init() {}

  package static let keys: [ConfigKey<ExchangeConfig>] = [
    ConfigKey(
      "progress", \.progress, .choice(), resume: .free,
      "Who lets transfers progress while a rank computes: the first of its threads between time "
        + "steps, or a thread of its own."),
    ConfigKey(
      "bucket_bytes", \.bucketBytes, .integer(0...1 << 40), resume: .free,
      "About how many bytes of gradients are exchanged as a whole; 0 measures the network and "
        + "decides."),
    ConfigKey(
      "sparse", \.sparse, .choice(), resume: .free,
      "Whether rows of the embedding that no input of the batch looks up are left out of the "
        + "exchange, with the same bits: in steps where that is less and the embedding has 1 MiB "
        + "or more, never, or however small it is; see "
        + "[exchange.md](exchange.md#rows-of-the-embedding)."),
    ConfigKey(
      "compression", \.compression, .choice(),
      "What gradients, and changes of parameters, are rounded to on their way between ranks; bf16 "
        + "has a trajectory of its own, see [exchange.md](exchange.md#gradients-as-bf16)."),
    ConfigKey(
      "compression_groups", \.compressionGroups, .integer(0...1 << 16),
      "With bf16: of how many groups of shards gradients are rounded apart, which the number of "
        + "ranks has to divide."),
    ConfigKey(
      "synchronize_every", \.synchronizeEvery, .integer(0...1_000_000),
      "How many updates groups of shards make apart before their parameters are brought together; "
        + "0 sums the gradients of every update over all shards. Other periods, and `run.steps`, "
        + "have to be multiples of it; see [exchange.md](exchange.md#local-updates)."),
    ConfigKey(
      "local_groups", \.localGroups, .integer(0...1 << 16),
      "With synchronize_every: how many groups of shards do, which the number of ranks has to "
        + "divide."),
    ConfigKey(
      "outer_learning_rate", \.outerLearningRate, .number(.positive),
      "With synchronize_every: the rate of the step that brings parameters together; 1 without "
        + "momentum takes the mean of the groups'."),
    ConfigKey(
      "outer_momentum", \.outerMomentum, .number(.fraction),
      "With synchronize_every: the momentum (Nesterov's) of that step."),
  ]

  /// Whether groups of shards make updates of their own.
  package var isLocal: Bool { synchronizeEvery > 0 }

  /// The groups of shards that a rank must not add up; see `ShardPlan.groups`.
  package var groups: Int { compression == .none ? 1 : compressionGroups }
}
