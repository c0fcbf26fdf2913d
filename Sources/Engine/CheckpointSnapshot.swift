package import Collectives
import GRUCore
import Kernels

/// A copy of the state of training, from which a checkpoint is written while training goes on, and
/// into which one is read.
///
/// Rank 0's copy is whole: it copies what it has, and the other ranks' moments and state vectors
/// come to it from their own copies during the following steps. All memory is taken, and touched,
/// by `init`.
package final class CheckpointSnapshot {
  /// The whole state on rank 0; a rank's own part of moments and state vectors elsewhere.
  package let tensors: TrainingTensors
  let state: StateMemory
  let replica: Replica
  let communicator: any Communicator
  let parameters: AlignedBuffer
  let moments: AlignedBuffer
  let hidden: AlignedBuffer
  /// What groups have of their own: of all groups on rank 0; of a rank's own elsewhere.
  let groupArenas: AlignedBuffer
  private var transfers: TransferQueue

  package init(of state: StateMemory) {
    self.state = state
    let engine = state.engine
    replica = engine.replica
    communicator = engine.communicator
    let ownership = engine.ownership
    let isCoordinator = communicator.rank == 0
    let count = replica.table.elementCount
    parameters = AlignedBuffer(count: isCoordinator ? count : 0)
    let owned = ownership.count(ofRank: communicator.rank)
    let momentCount = state.momentNames.count
    moments = AlignedBuffer(count: momentCount * (isCoordinator ? count : owned))
    hidden = AlignedBuffer(count: replica.stateCount)
    let groups = isCoordinator ? state.groupCount : state.groupsOfRank
    groupArenas = AlignedBuffer(count: count * state.groupArenaNames.count * groups)
    tensors = unsafe TrainingTensors(
      replica: replica, momentNames: state.momentNames, parameters: parameters.pointer,
      moments: moments.pointer, hidden: hidden.pointer, groupArenas: groupArenas.pointer,
      groupArenaNames: state.groupArenaNames, groups: groups)
    let parts =
      momentCount * ownership.buckets.count + replica.shape.carriedVectorCount
      + state.groupArenasOfRank
    transfers = TransferQueue(
      capacity: isCoordinator ? parts * (communicator.worldSize - 1) : parts)
    // A page that is touched first while a step waits would cost more than its copy.
    parameters.touch()
    moments.touch()
    hidden.touch()
    groupArenas.touch()
  }

  /// A transfer that an error left under way must not outlive its buffers.
  deinit { transfers.cancelAll(on: communicator) }

  // MARK: - Taking a copy

  /// Copies the state. Every rank calls it, after the transfers of the last copy were finished.
  ///
  /// - Returns: the fingerprint of the parameters.
  /// - Throws: `CorruptionError` on every rank where the ranks' parameters differ.
  package func capture() throws -> String {
    precondition(transfers.count == 0, "\(transfers.count) transfers are under way")
    unsafe state.engine.optimizer.beginMaster(from: replica.parameters.pointer)
    replica.team.run { copy(thread: $0) }
    return try state.engine.compareHashes()
  }

  /// Copies one thread's share, and hashes its share of the parameters.
  private func copy(thread: Int) {
    let isCoordinator = communicator.rank == 0
    let verification = state.engine.verification
    let optimizer = state.engine.optimizer
    let count = replica.table.elementCount
    if isCoordinator {
      unsafe verification.copyAndHash(thread: thread, to: parameters.pointer)
    } else {
      verification.hash(thread: thread)
    }
    let stride = isCoordinator ? count : optimizer.count
    for index in state.momentNames.indices {
      for slice in optimizer.slices {
        let start = isCoordinator ? slice.elements.lowerBound : slice.place
        unsafe copyShare(
          thread, optimizer.moment(index) + slice.place, slice.elements.count,
          to: moments.pointer + index * stride + start)
      }
    }
    // Rank 0 has the first groups.
    for index in 0..<state.groupArenasOfRank {
      unsafe copyShare(
        thread, state.groupArena(index), count, to: groupArenas.pointer + index * count)
    }
    unsafe state.readState(ofThread: thread, into: hidden.pointer)
  }

  private func copyShare(
    _ thread: Int, _ from: UnsafeMutablePointer<Float>, _ count: Int,
    to target: UnsafeMutablePointer<Float>
  ) {
    let part = NodeFold.elements(ofThread: thread, of: replica.threads, elementCount: count)
    unsafe (target + part.lowerBound).update(from: from + part.lowerBound, count: part.count)
  }

  /// Starts to bring the other ranks' parts of the copy to rank 0. Every rank calls it.
  package func startTransfers() throws(CollectiveError) {
    if communicator.rank != 0 { return try startSends() }
    for rank in 1..<max(1, communicator.worldSize) { try startReceives(from: rank) }
  }

  private func startReceives(from rank: Int) throws(CollectiveError) {
    let count = replica.table.elementCount
    for index in state.momentNames.indices {
      for slice in state.engine.ownership.slices(ofRank: rank) {
        let place = unsafe moments.pointer + index * count + slice.elements.lowerBound
        try unsafe startReceive(StateMemory.bytes(place, slice.elements.count), from: rank)
      }
    }
    for vector in 0..<replica.shape.carriedVectorCount {
      try unsafe startReceive(
        state.stateSlice(of: rank, vector: vector, in: hidden.pointer), from: rank)
    }
    let own = state.groupArenasOfRank
    for index in rank * own..<(rank + 1) * own {
      try unsafe startReceive(
        StateMemory.bytes(groupArenas.pointer + index * count, count), from: rank)
    }
  }

  private func startSends() throws(CollectiveError) {
    let optimizer = state.engine.optimizer
    let count = replica.table.elementCount
    for index in state.momentNames.indices {
      for slice in optimizer.slices {
        let place = unsafe moments.pointer + index * optimizer.count + slice.place
        try unsafe startSend(StateMemory.bytes(place, slice.elements.count))
      }
    }
    for vector in 0..<replica.shape.carriedVectorCount {
      try unsafe startSend(
        state.stateSlice(of: communicator.rank, vector: vector, in: hidden.pointer))
    }
    for index in 0..<state.groupArenasOfRank {
      try unsafe startSend(StateMemory.bytes(groupArenas.pointer + index * count, count))
    }
  }

  private func startReceive(
    _ bytes: UnsafeMutableRawBufferPointer, from rank: Int
  ) throws(CollectiveError) {
    unsafe transfers.append(try communicator.startReceive(bytes, from: rank))
  }

  private func startSend(_ bytes: UnsafeMutableRawBufferPointer) throws(CollectiveError) {
    unsafe transfers.append(try communicator.startSend(UnsafeRawBufferPointer(bytes), to: 0))
  }

  /// Lets transfers progress; returns whether none is left. Does not wait.
  package func advance() throws(CollectiveError) -> Bool {
    try transfers.finishReady(on: communicator)
    return transfers.count == 0
  }

  /// Waits for all transfers.
  package func finishTransfers() throws(CollectiveError) {
    try transfers.finishAll(on: communicator)
  }

  /// The first value that is not finite; such a state must never be saved.
  package func firstNonFinite() -> String? {
    for tensor in tensors.model + tensors.optimizer {
      let count = tensor.shape.reduce(1, *)
      // The magnitudes of infinities and NaN, as integers, are those of infinity and above.
      var largest: UInt32 = 0
      for element in 0..<count {
        largest = unsafe max(largest, tensor.floats[element].bitPattern & 0x7FFF_FFFF)
      }
      if largest < Float.infinity.bitPattern { continue }
      let element = (0..<count).first { unsafe !tensor.floats[$0].isFinite } ?? 0
      return unsafe "\(tensor.name), element \(element): \(tensor.floats[element])"
    }
    return nil
  }
}
