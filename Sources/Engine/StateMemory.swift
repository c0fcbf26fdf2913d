import Collectives
import Configuration
import GRUCore
import Kernels

/// Where the state of training lies on one rank, to make a checkpoint of it and to bring it back:
/// parameters and owned moments, state vectors, and what each group of shards has of its own.
package struct StateMemory {
  /// What holds the parameters, and the moments of the owned ones.
  package let engine: Engine
  /// The engines whose workers carry state vectors.
  let carriers: [Engine]
  /// Groups of shards of all ranks that have something of their own.
  package let groupCount: Int
  private let groups: Groups

  private enum Groups {
    case none
    /// What rounding has left out of a group's gradients.
    case residuals(GradientCompression)
    /// The moments of a group that trains apart.
    case moments([ShardedOptimizer])
  }

  init(_ updates: SynchronousUpdates) {
    engine = updates.engine
    carriers = [updates.engine]
    if let compression = engine.compression {
      groups = .residuals(compression)
      groupCount = engine.replica.plan.groups
    } else {
      groups = .none
      groupCount = 0
    }
  }

  init(_ rounds: LocalRounds) {
    engine = rounds.engine
    carriers = rounds.groups.map(\.engine)
    groups = .moments(carriers.map(\.optimizer))
    groupCount = rounds.groupCount
  }

  /// The names of the moments.
  var momentNames: [String] { engine.optimizer.rule.momentNames }

  /// The names of a group's arenas.
  package var groupArenaNames: [String] {
    switch groups {
    case .none: []
    case .residuals: ["residual"]
    case .moments(let optimizers): optimizers[0].rule.momentNames
    }
  }

  /// Groups of each rank; those of rank 0 come first.
  var groupsOfRank: Int { groupCount / engine.replica.plan.ranks }

  /// Arenas of each rank's groups.
  var groupArenasOfRank: Int { groupsOfRank * groupArenaNames.count }

  /// An arena of this rank's groups, by its place among them: group by group, in the order of
  /// their names.
  func groupArena(_ index: Int) -> UnsafeMutablePointer<Float> {
    switch groups {
    case .none: preconditionFailure("no groups")
    case .residuals(let compression): return unsafe compression.residual(index)
    case .moments(let optimizers):
      let names = optimizers[0].rule.momentNames.count
      return unsafe optimizers[index / names].moment(index % names)
    }
  }

  /// Copies a thread's share of this rank's state vectors into their places in [S, L, B, H].
  func readState(ofThread thread: Int, into all: UnsafeMutablePointer<Float>) {
    var number = 0
    for carrier in carriers {
      for worker in carrier.replica.workers.indices {
        if number % engine.replica.threads == thread {
          unsafe carrier.replica.readState(ofWorker: worker, into: all)
        }
        number += 1
      }
    }
  }

  /// Takes this rank's state vectors out of [S, L, B, H].
  func writeState(from all: UnsafePointer<Float>) {
    for carrier in carriers { unsafe carrier.replica.writeState(from: all) }
  }

  /// The run of `[S, L, B, H]` that holds one vector of one rank's sequences.
  func stateSlice(
    of rank: Int, vector: Int, in all: UnsafeMutablePointer<Float>
  ) -> UnsafeMutableRawBufferPointer {
    let replica = engine.replica
    let plan = replica.plan
    let sequences = plan.sequences(of: plan.shards(ofRank: rank))
    let offset = (vector * plan.sequences + sequences.lowerBound) * replica.shape.hiddenSize
    return unsafe Self.bytes(all + offset, sequences.count * replica.shape.hiddenSize)
  }

  /// Says that parameters and moments are others than the last update left.
  func forgetUpdates() {
    engine.touched?.forgetUpdates()
    for carrier in carriers { carrier.touched?.forgetUpdates() }
    // What has been brought here are the exact parameters, where these are kept.
    engine.optimizer.hasMaster = engine.optimizer.rule.keepsMaster
  }

  /// The bytes of `count` floats.
  static func bytes(
    _ floats: UnsafeMutablePointer<Float>, _ count: Int
  ) -> UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(start: floats, count: count))
  }
}
