import Records

/// How ranks exchange gradients and parameters.
package struct ExchangeConfig: Sendable, Equatable {
  /// Who lets transfers progress while a rank computes: the first of its threads, between time
  /// steps, or a thread of its own.
  package enum Progress: String, CaseIterable, Sendable { case poll, thread }

  /// Whether only those rows of the embedding are exchanged that a batch looks up: where that is
  /// less in a step and the embedding has 1 MiB or more; in no step; or however small it is.
  package enum Sparse: String, CaseIterable, Sendable { case auto, never, always }

  package var progress: Progress
  /// About how many bytes of gradients are exchanged as a whole; 0 measures the network and
  /// decides.
  package var bucketBytes: Int
  package var sparse: Sparse
  /// What numbers travel as: "none" leaves gradients and parameters as they are.
  package enum Compression: String, CaseIterable, Sendable { case none, bf16 }

  package var compression: Compression
  /// Of how many groups of shards the gradients are rounded apart.
  package var compressionGroups: Int
  /// Updates that groups of shards make apart before their parameters are brought together; 0
  /// brings the gradients of every update together.
  package var synchronizeEvery: Int
  /// How many groups do.
  package var localGroups: Int
  /// Of the step that brings parameters together.
  package var outerLearningRate: Double
  package var outerMomentum: Double

  init(_ reader: consuming ConfigReader) throws(ConfigError) {
    progress = try reader.choice("progress", default: .poll)
    bucketBytes = try reader.integer("bucket_bytes", default: 0, in: 0...1 << 40)
    sparse = try reader.choice("sparse", default: .auto)
    compression = try reader.choice("compression", default: .none)
    compressionGroups = try reader.integer("compression_groups", default: 0, in: 0...1 << 16)
    synchronizeEvery = try reader.integer("synchronize_every", default: 0, in: 0...1_000_000)
    localGroups = try reader.integer("local_groups", default: 0, in: 0...1 << 16)
    outerLearningRate = try reader.number(
      "outer_learning_rate", default: 0.7, expected: "a number above 0"
    ) { $0 > 0 && Float($0).isFinite && Float($0) > 0 }
    outerMomentum = try reader.number(
      "outer_momentum", default: 0.9, expected: "a number from 0 up to, but not, 1"
    ) { $0 >= 0 && Float($0) < 1 }
    try reader.finish()
  }

  /// The defaults.
  package init() {
    progress = .poll
    bucketBytes = 0
    sparse = .auto
    compression = .none
    compressionGroups = 0
    synchronizeEvery = 0
    localGroups = 0
    outerLearningRate = 0.7
    outerMomentum = 0.9
  }

  /// Whether groups of shards make updates of their own.
  package var isLocal: Bool { synchronizeEvery > 0 }

  /// The groups of shards that a rank must not add up; see `ShardPlan.groups`.
  package var groups: Int { compression == .none ? 1 : compressionGroups }

  var json: OrderedJSON {
    [
      "progress": .string(progress.rawValue), "bucket_bytes": .integer(bucketBytes),
      "sparse": .string(sparse.rawValue), "compression": .string(compression.rawValue),
      "compression_groups": .integer(compressionGroups),
      "synchronize_every": .integer(synchronizeEvery), "local_groups": .integer(localGroups),
      "outer_learning_rate": .number(outerLearningRate),
      "outer_momentum": .number(outerMomentum),
    ]
  }
}
