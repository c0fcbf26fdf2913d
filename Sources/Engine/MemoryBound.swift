import Configuration
import GRUCore
import Kernels

/// More bytes than a memory plan can come to, in floating point, so that sizes whose products are
/// no integers are refused before any of these is computed.
struct MemoryBound {
  /// Of all ranks.
  let bytes: Double

  /// What no machine has; every sum and product of a plan below it is an integer.
  static let most = 0x1p60

  init(shape: ModelShape, config: Config, plan: ShardPlan, ranksOnHost: Int, slots: Int) {
    // Sizes with their padding; cells have at most four gates and two state vectors.
    let hidden = Double(shape.hiddenSize) + 32
    let embedding = Double(shape.embeddingSize) + 32
    let clusters = Double(shape.adaptiveSoftmax?.cutoffs.count ?? 0)
    let vocabulary =
      Double(max(shape.vocabularySize, shape.inputVocabularySize)) + clusters + 32
    let directions = Double(shape.layerDirectionCount)
    let feature = Double(shape.directionCount) * hidden
    let layers = directions * hidden * (4 * max(embedding, feature) + 4 * hidden + 64)
    let arena =
      vocabulary * embedding + layers + 2 * vocabulary * (feature + 1)
      + clusters * feature * feature

    let sequences = Double(plan.sequences)
    let rows = (Double(config.batch.longestWindow) + 1) * sequences
    let outputRows = max(rows, Double(slots) * sequences)
    let row =
      20 * directions * hidden + 16 * (feature + embedding) + 8 * vocabulary + 4096
    let scratch = Double(plan.shards) * 4096 * (hidden + embedding + feature)
    let workspaces = 4 * (outputRows * row + rows * vocabulary + scratch)
      + 4 * Double(plan.workers) * vocabulary * hidden

    let groups =
      Double(config.exchange.isLocal ? config.exchange.localGroups : 0)
      + (config.exchange.compression == .none ? 0 : Double(config.exchange.compressionGroups))
    // Parameters, packed weights, partial sums, moments, residuals and copies for checkpoints.
    let arenas = 32 * (1 + groups) + 4 * Double(plan.shards)
    let states = (8 + groups) * 2 * directions * sequences * hidden
    let ranks = Double(max(plan.ranks, ranksOnHost))
    bytes = ranks * (4 * (arenas * arena + 2 * workspaces + states) + 0x1p30)
  }
}
