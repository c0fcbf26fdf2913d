package import Collectives
package import Configuration
package import GRUCore
import Kernels

extension ExchangeConfig {
  /// How many of the arena's first elements, which the embedding fills, may be exchanged row by
  /// row: its whole blocks of 4,096, or none.
  package func rowElements(of shape: ModelShape, table: ParameterTable) -> Int {
    guard sparse != .never, compression == .none, shape.task.readsTokens, !shape.tiesWeights
    else { return 0 }
    let embedding = table.embeddingWeight
    if sparse == .auto, embedding.count < 1 << 18 { return 0 }
    return embedding.range.upperBound / canonicalBlock * canonicalBlock
  }

  /// The bucket size to use: that of the config, or one that suits the network. Every rank calls
  /// it.
  package func bucketBytes(on communicator: any Communicator) throws(CollectiveError) -> Int {
    try communicator.requireThreads(for: self)
    if bucketBytes > 0 || communicator.worldSize == 1 { return max(1, bucketBytes) }
    return try LinkMeasurement(communicator).bucketBytes
  }
}

extension Communicator {
  fileprivate func requireThreads(for config: ExchangeConfig) throws(CollectiveError) {
    if config.progress != .thread || canChangeThreads || worldSize == 1 { return }
    throw CollectiveError(
      operation: "exchange.progress = \"thread\"", rank: rank,
      reason: "this MPI library serves only the thread that started it",
      hint: "set exchange.progress to \"poll\"")
  }
}
