import Collectives
import GRUCore
import Kernels

/// A copy of the state of training, from which a checkpoint is written while training goes on.
///
/// Rank 0's copy is whole: it copies what it has, and the other ranks' moments and hidden vectors
/// come to it from their own copies during the following steps. All memory is taken, and touched,
/// by `init`.
final class CheckpointSnapshot {
  /// The whole state on rank 0; a rank's own part of moments and hidden vectors elsewhere.
  let tensors: TrainingTensors
  private let replica: Replica
  private let communicator: any Communicator
  let parameters: AlignedBuffer
  let moments: AlignedBuffer
  let hidden: AlignedBuffer
  /// What groups have of their own: of all groups on rank 0; of a rank's own elsewhere.
  let groupArenas: AlignedBuffer
  private var transfers: TransferQueue

  init(
    replica: Replica, communicator: any Communicator, ownership: Ownership, momentNames: [String],
    groupArenaNames: [String] = [], groupCount: Int = 0
  ) {
    self.replica = replica
    self.communicator = communicator
    let isCoordinator = communicator.rank == 0
    let count = replica.table.elementCount
    parameters = AlignedBuffer(count: isCoordinator ? count : 0)
    let owned = ownership.count(ofRank: communicator.rank)
    moments = AlignedBuffer(count: momentNames.count * (isCoordinator ? count : owned))
    hidden = AlignedBuffer(count: replica.stateCount)
    let ownGroups = groupCount / replica.plan.ranks
    let arenasOfGroup = groupArenaNames.count
    groupArenas = AlignedBuffer(
      count: count * arenasOfGroup * (isCoordinator ? groupCount : ownGroups))
    tensors = TrainingTensors(
      replica: replica, momentNames: momentNames, parameters: parameters.pointer,
      moments: moments.pointer, hidden: hidden.pointer, groupArenas: groupArenas.pointer,
      groupArenaNames: groupArenaNames, groups: isCoordinator ? groupCount : ownGroups)
    let parts =
      momentNames.count * ownership.buckets.count + replica.shape.layerCount
      + ownGroups * arenasOfGroup
    transfers = TransferQueue(
      capacity: isCoordinator ? parts * (communicator.worldSize - 1) : parts)
    // A page that is touched first while a step waits would cost more than its copy.
    for (pointer, count) in [
      (parameters.pointer, parameters.count), (moments.pointer, moments.count),
      (hidden.pointer, hidden.count), (groupArenas.pointer, groupArenas.count),
    ] {
      for place in stride(from: 0, to: count, by: 1024) { pointer[place] = 0 }
    }
  }

  /// A transfer that an error left under way must not outlive its buffers.
  deinit { transfers.cancelAll(on: communicator) }

  /// Copies the state and hashes its parameters for `Trainer.compareHashes`. Every rank calls it,
  /// after the transfers of the last copy were finished.
  func copy(_ trainer: Trainer) {
    precondition(transfers.count == 0, "\(transfers.count) transfers are under way")
    let isCoordinator = communicator.rank == 0
    let optimizer = trainer.optimizer
    let names = optimizer.config.momentNames
    let stride = isCoordinator ? replica.table.elementCount : optimizer.count
    let hidden = hidden.pointer
    optimizer.beginMaster(from: replica.parameters.pointer)
    replica.team.run { thread in
      if isCoordinator {
        trainer.verification.copyAndHash(thread: thread, to: parameters.pointer)
      } else {
        trainer.verification.hash(thread: thread)
      }
      for index in names.indices {
        for slice in optimizer.slices {
          let start = isCoordinator ? slice.elements.lowerBound : slice.place
          copyShare(
            thread, optimizer.moment(index) + slice.place, slice.elements.count,
            to: moments.pointer + index * stride + start)
        }
      }
      // Rank 0 has the first groups.
      let count = replica.table.elementCount
      let arenasOfGroup = trainer.groupArenaNames.count
      for index in 0..<trainer.groupsOfRank * arenasOfGroup {
        let (group, name) = index.quotientAndRemainder(dividingBy: arenasOfGroup)
        copyShare(
          thread, trainer.groupArena(name, ofOwn: group), count,
          to: groupArenas.pointer + index * count)
      }
      trainer.readState(ofThread: thread, into: hidden)
    }
  }

  /// Starts to bring the other ranks' parts of the copy to rank 0. Every rank calls it.
  func startTransfers(_ trainer: Trainer) throws(CollectiveError) {
    let count = replica.table.elementCount
    let optimizer = trainer.optimizer
    let names = optimizer.config.momentNames
    let hidden = hidden.pointer
    if communicator.rank == 0 {
      for rank in 1..<max(1, communicator.worldSize) {
        for index in names.indices {
          for slice in trainer.ownership.slices(ofRank: rank) {
            let place = moments.pointer + index * count + slice.elements.lowerBound
            transfers.append(
              try communicator.startReceive(bytes(place, slice.elements.count), from: rank))
          }
        }
        for layer in 0..<replica.shape.layerCount {
          let slice = trainer.stateSlice(of: rank, layer: layer, in: hidden)
          transfers.append(try communicator.startReceive(slice, from: rank))
        }
        let own = trainer.groupsOfRank * trainer.groupArenaNames.count
        for index in rank * own..<(rank + 1) * own {
          transfers.append(
            try communicator.startReceive(
              bytes(groupArenas.pointer + index * count, count), from: rank))
        }
      }
    } else {
      for index in names.indices {
        for slice in optimizer.slices {
          let place = moments.pointer + index * optimizer.count + slice.place
          let own = bytes(place, slice.elements.count)
          transfers.append(try communicator.startSend(UnsafeRawBufferPointer(own), to: 0))
        }
      }
      for layer in 0..<replica.shape.layerCount {
        let slice = trainer.stateSlice(of: communicator.rank, layer: layer, in: hidden)
        transfers.append(try communicator.startSend(UnsafeRawBufferPointer(slice), to: 0))
      }
      for index in 0..<trainer.groupsOfRank * trainer.groupArenaNames.count {
        let own = bytes(groupArenas.pointer + index * count, count)
        transfers.append(try communicator.startSend(UnsafeRawBufferPointer(own), to: 0))
      }
    }
  }

  /// Lets transfers progress; returns whether none is left. Does not wait.
  func advance() throws(CollectiveError) -> Bool {
    try transfers.finishReady(on: communicator)
    return transfers.count == 0
  }

  /// Waits for all transfers.
  func finishTransfers() throws(CollectiveError) { try transfers.finishAll(on: communicator) }

  /// The first value that is not finite; such a state must never be saved.
  func firstNonFinite() -> String? {
    for tensor in tensors.model + tensors.optimizer {
      let count = tensor.shape.reduce(1, *)
      // The magnitudes of infinities and NaN, as integers, are those of infinity and above.
      var largest: UInt32 = 0
      for element in 0..<count {
        largest = max(largest, tensor.floats[element].bitPattern & 0x7FFF_FFFF)
      }
      if largest < Float.infinity.bitPattern { continue }
      let element = (0..<count).first { !tensor.floats[$0].isFinite } ?? 0
      return "\(tensor.name), element \(element): \(tensor.floats[element])"
    }
    return nil
  }

  /// Copies one thread's share.
  private func copyShare(
    _ thread: Int, _ from: UnsafeMutablePointer<Float>, _ count: Int,
    to target: UnsafeMutablePointer<Float>
  ) {
    let part = NodeFold.elements(ofThread: thread, of: replica.threads, elementCount: count)
    (target + part.lowerBound).update(from: from + part.lowerBound, count: part.count)
  }

  private func bytes(
    _ floats: UnsafeMutablePointer<Float>, _ count: Int
  ) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(start: floats, count: count))
  }
}
