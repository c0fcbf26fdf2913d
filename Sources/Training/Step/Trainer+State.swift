package import Collectives
import GRUCore
import Kernels

/// What a checkpoint holds beside the parameters lies spread over ranks: moments by elements,
/// hidden vectors by sequences. These bring both to rank 0 and back.
extension Trainer {
  /// Gives rank 0 the whole arena of one moment. `arena` is used on rank 0 only.
  package func gatherMoment(
    _ index: Int, into arena: UnsafeMutablePointer<Float>?
  ) throws(CollectiveError) {
    let own = optimizer.moment(index)
    if communicator.rank != 0 {
      return try communicator.send(
        UnsafeRawBufferPointer(rawBytes(own, optimizer.range.count)), to: 0)
    }
    guard let arena else { preconditionFailure("rank 0 needs an arena to gather into") }
    (arena + optimizer.range.lowerBound).update(from: own, count: optimizer.range.count)
    for rank in 1..<max(1, communicator.worldSize) {
      let range = ownedRanges[rank]
      try communicator.receive(rawBytes(arena + range.lowerBound, range.count), from: rank)
    }
  }

  /// Takes this rank's part of one moment out of the arena that rank 0 holds.
  package func scatterMoment(
    _ index: Int, from arena: UnsafeMutablePointer<Float>?
  ) throws(CollectiveError) {
    let own = optimizer.moment(index)
    if communicator.rank != 0 {
      return try communicator.receive(rawBytes(own, optimizer.range.count), from: 0)
    }
    guard let arena else { preconditionFailure("rank 0 needs an arena to scatter from") }
    own.update(from: arena + optimizer.range.lowerBound, count: optimizer.range.count)
    for rank in 1..<max(1, communicator.worldSize) {
      let range = ownedRanges[rank]
      try communicator.send(
        UnsafeRawBufferPointer(rawBytes(arena + range.lowerBound, range.count)), to: rank)
    }
  }

  /// Gives rank 0 all hidden vectors, [L, B, H]; `all` holds as many on every rank.
  package func gatherState(into all: UnsafeMutablePointer<Float>) throws(CollectiveError) {
    replica.readState(into: all)
    for rank in 1..<max(1, communicator.worldSize) {
      for layer in 0..<replica.shape.layerCount {
        let slice = stateSlice(of: rank, layer: layer, in: all)
        if communicator.rank == 0 {
          try communicator.receive(slice, from: rank)
        } else if communicator.rank == rank {
          try communicator.send(UnsafeRawBufferPointer(slice), to: 0)
        }
      }
    }
  }

  /// Sets all hidden vectors from the [L, B, H] of rank 0; overwrites `all` on the others.
  package func scatterState(from all: UnsafeMutablePointer<Float>) throws(CollectiveError) {
    try communicator.broadcast(rawBytes(all, replica.stateCount), from: 0)
    replica.writeState(from: all)
  }

  /// Gives every rank the parameters of rank 0.
  package func broadcastParameters() throws(CollectiveError) {
    try communicator.broadcast(
      rawBytes(replica.parameters.pointer, replica.parameters.count), from: 0)
    replica.repack()
  }

  /// The run of `[L, B, H]` that holds one rank's sequences of one layer.
  private func stateSlice(
    of rank: Int, layer: Int, in all: UnsafeMutablePointer<Float>
  ) -> UnsafeMutableRawBufferPointer {
    let plan = replica.plan
    let sequences = plan.sequences(of: plan.shards(ofRank: rank))
    let offset = (layer * plan.sequences + sequences.lowerBound) * replica.shape.hiddenSize
    return rawBytes(all + offset, sequences.count * replica.shape.hiddenSize)
  }

  private func rawBytes(
    _ floats: UnsafeMutablePointer<Float>, _ count: Int
  ) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(start: floats, count: count))
  }
}
