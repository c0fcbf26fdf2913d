package import Collectives
import GRUCore
import Kernels

/// What each group of shards has of its own, beside what all share: residuals of compression, or
/// the moments of local updates. Checkpoints hold it for all groups.
extension Trainer {
  /// The names of a group's arenas.
  package var groupArenaNames: [String] {
    compression != nil ? ["residual"] : local?.momentNames ?? []
  }

  /// Groups of all ranks.
  package var groupCount: Int {
    compression != nil ? replica.plan.groups : local?.groupCount ?? 0
  }

  /// Groups of each rank; those of rank 0 come first.
  var groupsOfRank: Int { groupCount / replica.plan.ranks }

  /// An arena of one of this rank's groups, by its place among them.
  func groupArena(_ name: Int, ofOwn index: Int) -> UnsafeMutablePointer<Float> {
    if let compression { return compression.residual(index) }
    guard let local else { preconditionFailure("no groups") }
    return local.groups[index].trainer.optimizer.moment(name)
  }

  /// Takes the arenas of this rank's groups out of those of all groups, which rank 0 holds: group
  /// by group, in the order of their names.
  package func scatterGroups(from all: UnsafeMutablePointer<Float>?) throws(CollectiveError) {
    let count = replica.table.elementCount
    let names = groupArenaNames.count
    for group in local?.groups ?? [] { group.trainer.touched?.forgetUpdates() }
    for index in 0..<groupCount * names {
      let (group, name) = index.quotientAndRemainder(dividingBy: max(1, names))
      let owner = group / groupsOfRank
      if communicator.rank == 0 {
        guard let all else { preconditionFailure("rank 0 needs arenas to scatter") }
        let arena = all + index * count
        if owner == 0 {
          groupArena(name, ofOwn: group).update(from: arena, count: count)
        } else {
          try communicator.send(UnsafeRawBufferPointer(rawBytes(arena, count)), to: owner)
        }
      } else if communicator.rank == owner {
        let own = groupArena(name, ofOwn: group % groupsOfRank)
        try communicator.receive(rawBytes(own, count), from: 0)
      }
    }
  }

  /// Copies a thread's share of this rank's hidden vectors into their places in [L, B, H].
  func readState(ofThread thread: Int, into all: UnsafeMutablePointer<Float>) {
    guard let local else { return replica.readState(ofThread: thread, into: all) }
    for index in stride(from: thread, to: local.groups.count, by: replica.threads) {
      local.groups[index].trainer.replica.readState(into: all)
    }
  }

  /// Takes this rank's hidden vectors out of [L, B, H].
  func writeState(from all: UnsafePointer<Float>) {
    guard let local else { return replica.writeState(from: all) }
    for group in local.groups { group.trainer.replica.writeState(from: all) }
  }
}
