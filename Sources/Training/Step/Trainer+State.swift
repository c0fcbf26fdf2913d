package import Checkpoints
package import Collectives
import GRUCore
import Kernels

/// What a checkpoint holds beside the parameters lies spread over ranks: moments by elements,
/// hidden vectors by sequences. These bring both from rank 0 to where they belong.
extension Trainer {
  /// Goes by what was decided after validations.
  package func take(_ memory: ValidationMemory) {
    rateDecays = memory.decays
    isAveraging = optimizer.config.emaDecay > 0 || memory.isAveraging
  }

  /// Takes this rank's part of one moment out of the arena that rank 0 holds.
  package func scatterMoment(
    _ index: Int, from arena: UnsafeMutablePointer<Float>?
  ) throws(CollectiveError) {
    let own = optimizer.moment(index)
    touched?.forgetUpdates()
    if optimizer.config.momentNames[index] == OptimizerConfig.masterName {
      optimizer.hasMaster = true
    }
    if communicator.rank != 0 {
      for slice in optimizer.slices {
        try communicator.receive(rawBytes(own + slice.place, slice.elements.count), from: 0)
      }
      return
    }
    guard let arena else { preconditionFailure("rank 0 needs an arena to scatter from") }
    for slice in optimizer.slices {
      (own + slice.place)
        .update(from: arena + slice.elements.lowerBound, count: slice.elements.count)
    }
    for rank in 1..<max(1, communicator.worldSize) {
      for slice in ownership.slices(ofRank: rank) {
        let part = rawBytes(arena + slice.elements.lowerBound, slice.elements.count)
        try communicator.send(UnsafeRawBufferPointer(part), to: rank)
      }
    }
  }

  /// Sets all hidden vectors from the [L, B, H] of rank 0; overwrites `all` on the others.
  package func scatterState(from all: UnsafeMutablePointer<Float>) throws(CollectiveError) {
    try communicator.broadcast(rawBytes(all, replica.stateCount), from: 0)
    writeState(from: all)
  }

  /// Gives every rank the parameters of rank 0.
  package func broadcastParameters() throws(CollectiveError) {
    try communicator.broadcast(
      rawBytes(replica.parameters.pointer, replica.parameters.count), from: 0)
    replica.repack()
  }

  /// The run of `[L, B, H]` that holds one rank's sequences of one layer.
  func stateSlice(
    of rank: Int, layer: Int, in all: UnsafeMutablePointer<Float>
  ) -> UnsafeMutableRawBufferPointer {
    let plan = replica.plan
    let sequences = plan.sequences(of: plan.shards(ofRank: rank))
    let offset = (layer * plan.sequences + sequences.lowerBound) * replica.shape.hiddenSize
    return rawBytes(all + offset, sequences.count * replica.shape.hiddenSize)
  }

  func rawBytes(
    _ floats: UnsafeMutablePointer<Float>, _ count: Int
  ) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(start: floats, count: count))
  }
}
