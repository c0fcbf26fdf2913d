internal import CMPI
package import Collectives

extension MPICommunicator {
  /// The corresponding MPI function is `MPI_Barrier` (MPI 3.1, section 5.3).
  package func barrier() throws(CollectiveError) {
    try check(cmpi_barrier(handle), "MPI_Barrier", "barrier", rank: rank)
  }

  /// The corresponding MPI function is `MPI_Bcast` (MPI 3.1, section 5.4).
  package func broadcast(
    _ bytes: UnsafeMutableRawBufferPointer, from root: Int
  ) throws(CollectiveError) {
    try checkPeer(root, "broadcast of \(bytes.count) bytes")
    var start = 0
    while start < bytes.count {
      let count = min(messageLimit, bytes.count - start)
      try unsafe check(
        cmpi_bcast(
          bytes.baseAddress.map { unsafe $0 + start }, Int32(count), Int32(root), handle),
        "MPI_Bcast", "broadcast of \(bytes.count) bytes", rank: rank, peer: root)
      start += count
    }
  }

  /// The corresponding MPI function is `MPI_Allgather` (MPI 3.1, section 5.7).
  package func allGather(
    _ mine: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer
  ) throws(CollectiveError) {
    precondition(
      all.count == mine.count * worldSize,
      "room for \(all.count) bytes != \(worldSize) x \(mine.count)")
    // Longer ones do not fit MPI's counts; the ring cuts them into messages.
    guard mine.count <= messageLimit else { return try unsafe ringAllGather(mine, into: all) }
    try unsafe check(
      cmpi_allgather(mine.baseAddress, Int32(mine.count), all.baseAddress, handle),
      "MPI_Allgather", "all-gather of \(mine.count) bytes a rank", rank: rank)
  }

  /// Sums floats over all ranks in an order that MPI chooses; for comparison only.
  ///
  /// The corresponding MPI function is `MPI_Allreduce` (MPI 3.1, section 5.9.6).
  package func allReduceSum(_ floats: UnsafeMutableBufferPointer<Float>) throws(CollectiveError) {
    precondition(floats.count <= Int(Int32.max), "\(floats.count) floats are too many")
    try unsafe check(
      cmpi_allreduce_sum(floats.baseAddress, Int32(floats.count), handle),
      "MPI_Allreduce", "sum of \(floats.count) floats", rank: rank)
  }

  /// Waits for the other ranks and leaves MPI; nothing may follow.
  ///
  /// The corresponding MPI function is `MPI_Finalize` (MPI 3.1, section 8.7).
  package func finalize() throws(CollectiveError) {
    var own = handle
    try unsafe check(cmpi_comm_free(&own), "MPI_Comm_free", "end of MPI", rank: rank)
    try check(MPI_Finalize(), "MPI_Finalize", "end of MPI", rank: rank)
  }

  /// The corresponding MPI function is `MPI_Abort` (MPI 3.1, section 8.7).
  package func abort(status: Int32) -> Never { Environment.abort(handle, status: status) }
}
