package import Collectives
import GRUCore
import Kernels

/// The way back: what rank 0 has read lies spread over ranks in training, moments by elements,
/// state vectors by sequences, groups as wholes.
extension CheckpointSnapshot {
  /// Brings what rank 0's copy holds to where it belongs on every rank. Every rank calls it.
  package func restore() throws(CollectiveError) {
    let count = replica.table.elementCount
    if communicator.rank == 0 {
      unsafe replica.parameters.pointer.update(from: parameters.pointer, count: count)
    }
    try unsafe communicator.broadcast(
      StateMemory.bytes(replica.parameters.pointer, replica.parameters.count), from: 0)
    replica.repack()
    for index in state.momentNames.indices { try scatterMoment(index) }
    for index in 0..<state.groupCount * state.groupArenaNames.count {
      try scatterGroupArena(index)
    }
    try unsafe communicator.broadcast(StateMemory.bytes(hidden.pointer, hidden.count), from: 0)
    unsafe state.writeState(from: hidden.pointer)
    state.forgetUpdates()
  }

  /// Takes this rank's part of one moment out of rank 0's.
  private func scatterMoment(_ index: Int) throws(CollectiveError) {
    let optimizer = state.engine.optimizer
    let own = unsafe optimizer.moment(index)
    if communicator.rank != 0 {
      for slice in optimizer.slices {
        try unsafe communicator.receive(
          StateMemory.bytes(own + slice.place, slice.elements.count), from: 0)
      }
      return
    }
    let whole = unsafe moments.pointer + index * replica.table.elementCount
    for slice in optimizer.slices {
      unsafe (own + slice.place)
        .update(from: whole + slice.elements.lowerBound, count: slice.elements.count)
    }
    for rank in 1..<max(1, communicator.worldSize) {
      for slice in state.engine.ownership.slices(ofRank: rank) {
        let part = unsafe StateMemory.bytes(whole + slice.elements.lowerBound, slice.elements.count)
        try unsafe communicator.send(UnsafeRawBufferPointer(part), to: rank)
      }
    }
  }

  /// Gives one arena, by its place among those of all groups, to the rank that has the group.
  private func scatterGroupArena(_ index: Int) throws(CollectiveError) {
    let count = replica.table.elementCount
    let (owner, place) = index.quotientAndRemainder(dividingBy: state.groupArenasOfRank)
    if communicator.rank == 0 {
      let arena = unsafe groupArenas.pointer + index * count
      if owner == 0 {
        unsafe state.groupArena(place).update(from: arena, count: count)
      } else {
        let bytes = unsafe UnsafeRawBufferPointer(StateMemory.bytes(arena, count))
        try unsafe communicator.send(bytes, to: owner)
      }
    } else if communicator.rank == owner {
      try unsafe communicator.receive(StateMemory.bytes(state.groupArena(place), count), from: 0)
    }
  }
}
