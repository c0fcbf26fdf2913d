package import Configuration
import Foundation
package import GRUCore
package import Kernels
package import Records

/// What a run will take of each host's memory, computed before any of it is taken.
package struct MemoryPlan: Sendable {
  /// One line of the plan, in bytes of one rank.
  package struct Item: Sendable {
    package var name: String
    package var bytes: Int
  }

  /// Of rank 0, which needs the most.
  package let items: [Item]
  package let ranksOnHost: Int
  /// Bytes that only rank 0 needs.
  private let coordinatorBytes: Int

  /// - Parameters:
  ///   - dataBytes: what each rank holds of its data, beyond files that are mapped.
  ///   - use: what a rank keeps at a time; nil for that of a run.
  /// - Throws: for sizes that no machine has.
  package init(
    shape: ModelShape, config: Config, plan: ShardPlan, ranksOnHost: Int, slots: Int = 1,
    dataBytes: Int = 0, use: MemoryUse? = nil, kernels: Kernels
  ) throws {
    let use = use ?? config.memoryUse(shape, plan, slots: slots)
    let bound = MemoryBound(
      shape: shape, config: config, plan: plan, ranksOnHost: ranksOnHost, slots: slots)
    guard bound.bytes < MemoryBound.most else {
      throw UsageError(
        "the model and its batch are larger than any machine's memory (1 EiB); \(Self.hint)")
    }
    let table = ParameterTable(shape: shape)
    let arena = table.elementCount * MemoryLayout<Float>.stride
    let nodes = (0..<plan.ranks).map { rank in
      (0..<plan.workersPerRank).reduce(0) { sum, place in
        let run = plan.shards(ofWorker: rank * plan.workersPerRank + place)
        return sum + plan.nodes(of: run).count
      }
    }
    let workspaces = (0..<plan.ranks).map { rank in
      (0..<plan.workersPerRank).reduce(0) { sum, place in
        sum
          + SequenceWorker.workspaceBytes(
            shape: shape, window: config.batch.longestWindow, plan: plan,
            worker: rank * plan.workersPerRank + place, slots: slots, use: use, kernels: kernels)
      }
    }
    let local = LocalMemory(
      shape: shape, config: config, plan: plan, slots: slots, use: use, kernels: kernels)
    // Of what is spread over ranks; with local updates that is the velocity of the outer step.
    let moments = local == nil ? UpdateRule(config).momentNames.count : 1
    let states = shape.stateCount(sequences: plan.sequences) * MemoryLayout<Float>.stride
    let rankNodes = (0..<plan.ranks).map { rank in
      plan.nodes(of: plan.shards(ofRank: rank)).count
    }
    let rows =
      plan.ranks == 1 || local != nil
      ? 0
      : config.exchange.rowElements(of: shape, table: table) / 2 * (rankNodes.max() ?? 1)
        * MemoryLayout<Float>.stride
    // Residuals twice, and words of half the size.
    let groups = config.exchange.compression == .none ? 0 : plan.groups
    let compressed = groups / plan.ranks * arena * 5 / 2
    // Arenas of all groups that checkpoints hold.
    let saved = groups + (local?.savedArenas ?? 0)
    // Its copy of the state for checkpoints is whole, the others' only of what they own.
    coordinatorBytes = arena + arena * (moments + saved) * (plan.ranks - 1) / plan.ranks
    items = [
      Item(name: "parameters", bytes: arena * (1 + (local?.groups ?? 0))),
      Item(
        name: "packed weights",
        bytes: PackedWeights.bytes(shape: shape, table: table, kernels: kernels, use: use)
          * (1 + (local?.groups ?? 0))),
      Item(
        name: "gradients",
        bytes: arena * (local?.gradientArenas ?? nodes.max() ?? 1)
          + (config.batch.accumulate > 1 && local == nil ? arena / plan.ranks : 0) + rows
          + compressed),
      Item(
        name: "optimizer moments",
        bytes: arena * moments / plan.ranks + arena * (local?.momentArenas ?? 0)),
      Item(
        name: "activations", bytes: (workspaces.max() ?? 0) + (local?.activationBytes ?? 0)),
      // The state on its way to the disk, and the state vectors that a step and validation put by.
      Item(name: "checkpoint buffers", bytes: arena * (1 + moments + saved) + 3 * states),
      Item(name: "data", bytes: dataBytes),
      Item(name: "program and libraries", bytes: plan.ranks > 1 ? 46 << 20 : 37 << 20),
    ]
    self.ranksOnHost = ranksOnHost
  }

  /// What the groups of one rank need that train apart.
  private struct LocalMemory {
    /// Groups of the rank.
    var groups: Int
    var gradientArenas: Int
    var momentArenas: Int
    var activationBytes: Int
    /// Arenas of the groups of all ranks that are saved.
    var savedArenas: Int

    /// Nil where none do.
    init?(
      shape: ModelShape, config: Config, plan: ShardPlan, slots: Int, use: MemoryUse,
      kernels: Kernels
    ) {
      guard config.exchange.isLocal else { return nil }
      let all = config.exchange.localGroups
      groups = all / plan.ranks
      let lanes = LocalRounds.lanes(
        groups: groups, threads: plan.threads, shardsOfGroup: plan.shards / all)
      let group = ShardPlan(
        sequences: plan.sequences, shards: plan.shards, ranks: all, threads: lanes.threads)
      let nodes = (0..<lanes.threads).reduce(0) {
        $0 + group.nodes(of: group.shards(ofWorker: $1)).count
      }
      let moments = UpdateRule(config).momentNames.count
      gradientArenas = groups * (nodes + (config.batch.accumulate > 1 ? 1 : 0))
      momentArenas = groups * moments
      savedArenas = all * moments
      let state = shape.stateCount(sequences: plan.sequences) * MemoryLayout<Float>.stride
      let workspaces = (0..<lanes.threads).reduce(0) {
        $0
          + SequenceWorker.workspaceBytes(
            shape: shape, window: config.batch.longestWindow, plan: group, worker: $1, slots: slots,
            use: use, kernels: kernels)
      }
      activationBytes = groups * (workspaces + state)
    }
  }

  package static let hint = "lower model.hidden, model.layers, batch.sequences or batch.window"

  /// Bytes of rank 0.
  package var totalBytes: Int { items.reduce(0) { $0 + $1.bytes } }

  /// Throws when the ranks of this host need more than the machine has, or than their container may
  /// take.
  package func checkFits(_ limits: ContainerLimits = .current) throws {
    let needed = totalBytes * ranksOnHost - coordinatorBytes * (ranksOnHost - 1)
    let available = limits.usableMemory
    guard needed <= available else {
      throw UsageError(
        "the model needs \(Format.bytes(needed)) of memory ("
          + Format.count(ranksOnHost, "rank") + " on this host, up to "
          + "\(Format.bytes(totalBytes)) each), \(limits.memoryOwner) "
          + "\(Format.bytes(available)); "
          + Self.hint)
    }
  }

  package var json: OrderedJSON {
    .object(
      items.map {
        .init(
          $0.name.split(separator: " ").joined(separator: "_") + "_bytes", .integer($0.bytes))
      } + [.init("total_bytes", .integer(totalBytes))])
  }
}

extension Config {
  /// What a rank of a run keeps in memory at a time. A run that is looked into keeps all.
  ///
  /// - Parameter slots: most sequences that a row of a batch holds.
  package func memoryUse(_ shape: ModelShape, _ plan: ShardPlan, slots: Int) -> MemoryUse {
    guard shape.canReuseActivations, slots == 1 else { return .apart }
    // Else weights would be packed more often than once an update, or gradients be none.
    let isPlain =
      batch.accumulate == 1 && run.recomputeEvery == 0 && (model.freeze ?? []).isEmpty
      && !exchange.isLocal && exchange.compression == .none
    return isPlain && plan.workersPerRank == 1 ? .inTurn : .reused
  }

  /// Throws where the model alone, whatever the data are, needs more memory than the machine has:
  /// before any of the data is read.
  package func requireModelFits(_ plan: ShardPlan, ranksOnHost: Int, kernels: Kernels) throws {
    guard taskDescription.hasTokenizer || !taskDescription.readsTokens else { return }
    let shape =
      taskDescription.writesText
      ? shape(vocabularySize: (model.adaptiveSoftmax.last ?? 1) + 1)
      : shape(outputs: 2, features: taskDescription.readsValues ? 1 : nil)
    try MemoryPlan(
      shape: shape, config: self, plan: plan, ranksOnHost: ranksOnHost, kernels: kernels
    ).checkFits()
  }
}
