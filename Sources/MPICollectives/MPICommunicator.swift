internal import CMPI
package import Collectives

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The ranks of an MPI job. There is one in a process; making it initialises MPI, and it is used
/// from the thread that made it, or from one thread at a time if the library allows that.
///
/// MPI returns error codes instead of ending the job; every call is checked, and its error says
/// what was being done and names the C function. MPI's own reductions are not used, because their
/// order of summation is not ours.
package final class MPICommunicator: Communicator {
  package let rank: Int
  package let worldSize: Int
  package let hostName: String
  package let hostNumber: Int
  package let ranksOnHost: Int
  package let canChangeThreads: Bool

  /// All ranks of the world, host by host; a communicator of its own, so that nobody else's
  /// messages mix with ours.
  let handle: cmpi_comm
  /// The most bytes in one MPI message: the counts of MPI 3.1 are 32 bits wide.
  let messageLimit: Int
  private var pool = RequestPool()
  private static let tag: Int32 = 7

  /// Whether the environment is that of a process that mpirun or another MPI launcher started.
  package static var isLaunchedByMPI: Bool {
    ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"].contains { (name: String) in
      unsafe getenv(name) != nil
    }
  }

  /// What the MPI library says of itself, in or outside a job. The corresponding MPI function is
  /// `MPI_Get_library_version` (MPI 3.1, section 8.1.1).
  package static var libraryVersion: String { Environment.libraryVersion() }

  /// The library whose headers the program was built with.
  package static var headerVersion: String { unsafe String(cString: cmpi_header_version()) }

  /// Joins the job. The corresponding MPI function is `MPI_Init_thread` (MPI 3.1, section 12.4.3)
  /// with serialized threads, or else funneled ones.
  ///
  /// - Parameter messageLimit: longer transfers are cut into several messages; the same on all
  ///   ranks.
  package init(messageLimit: Int = 1 << 30) throws(CollectiveError) {
    precondition(messageLimit > 0, "messageLimit \(messageLimit) < 1")
    precondition(messageLimit <= Int(Int32.max), "messageLimit \(messageLimit) > \(Int32.max)")
    self.messageLimit = messageLimit
    canChangeThreads = try Environment.initialise()
    let joined = try Environment.joinByHost()
    handle = joined.ranks
    ranksOnHost = joined.onHost
    hostNumber = joined.hostNumber
    rank = try Environment.rank(in: handle)
    worldSize = try Environment.size(of: handle)
    hostName = try Environment.processorName(rank: rank)
  }

  // MARK: - Starting transfers

  /// The corresponding MPI function is `MPI_Isend` (MPI 3.1, section 3.7.2).
  package func startSend(
    _ bytes: UnsafeRawBufferPointer, to peer: Int
  ) throws(CollectiveError) -> Transfer {
    try start("MPI_Isend", isSend: true, peer, bytes.count) { offset, count, request in
      unsafe cmpi_isend(
        bytes.baseAddress.map { unsafe $0 + offset }, count, Int32(peer), Self.tag, handle,
        &request)
    }
  }

  /// The corresponding MPI function is `MPI_Irecv` (MPI 3.1, section 3.7.2).
  package func startReceive(
    _ bytes: UnsafeMutableRawBufferPointer, from peer: Int
  ) throws(CollectiveError) -> Transfer {
    try start("MPI_Irecv", isSend: false, peer, bytes.count) { offset, count, request in
      unsafe cmpi_irecv(
        bytes.baseAddress.map { unsafe $0 + offset }, count, Int32(peer), Self.tag, handle,
        &request)
    }
  }

  /// Starts as many messages as `byteCount` needs, at least one, and chains them.
  private func start(
    _ function: StaticString, isSend: Bool, _ peer: Int, _ byteCount: Int,
    _ message: (_ offset: Int, _ count: Int32, _ request: inout cmpi_request) -> Int32
  ) throws(CollectiveError) -> Transfer {
    try checkPeer(peer, "\(isSend ? "send" : "receive") of \(byteCount) bytes")
    var first = -1
    var last = -1
    var offset = 0
    repeat {
      let count = min(messageLimit, byteCount - offset)
      var request = cmpi_no_request()
      let code = message(offset, Int32(count), &request)
      if code != MPI_SUCCESS {
        if first >= 0 { cancelChain(first) }
        let operation = "\(isSend ? "send" : "receive") of \(byteCount) bytes"
        throw mpiError(code, function, operation, rank: rank, peer: peer)
      }
      let place = pool.add(.init(request: request, isSend: isSend, peer: peer, byteCount: count))
      if last >= 0 { pool[last].next = place } else { first = place }
      last = place
      offset += count
    } while offset < byteCount
    return Transfer(slot: first)
  }

  // MARK: - Finishing transfers

  /// The corresponding MPI function is `MPI_Request_get_status` (MPI 3.1, section 3.7.6).
  package func isFinished(_ transfer: borrowing Transfer) throws(CollectiveError) -> Bool {
    var place = transfer.slot
    while place >= 0 {
      var flag: Int32 = 0
      let code = unsafe cmpi_request_get_status(pool[place].request, &flag)
      // A message that failed is finished: `wait` says why.
      if code == MPI_SUCCESS, flag == 0 { return false }
      place = pool[place].next
    }
    return true
  }

  /// The corresponding MPI function is `MPI_Wait` (MPI 3.1, section 3.7.3).
  package func wait(_ transfer: consuming Transfer) throws(CollectiveError) {
    var place = transfer.release()
    while place >= 0 {
      var entry = pool.remove(place)
      place = entry.next
      var status = MPI_Status()
      var code = unsafe cmpi_wait(&entry.request, &status)
      var received: Int32 = 0
      var function: StaticString = "MPI_Wait"
      if code == MPI_SUCCESS, !entry.isSend {
        function = "MPI_Get_count"
        code = unsafe cmpi_get_count(&status, &received)
      }
      if code == MPI_SUCCESS, entry.isSend || Int(received) == entry.byteCount { continue }
      if place >= 0 { cancelChain(place) }
      throw failure(of: entry, code: code, function: function, received: Int(received))
    }
  }

  /// The corresponding MPI functions are `MPI_Cancel` and `MPI_Request_free` (MPI 3.1, sections
  /// 3.8.4 and 3.7.3). Sends are only let go: cancelling them is not dependable.
  package func cancel(_ transfer: consuming Transfer) { cancelChain(transfer.release()) }

  private func cancelChain(_ first: Int) {
    var place = first
    while place >= 0 {
      var entry = pool.remove(place)
      place = entry.next
      // The job is over because of an earlier error: the codes would tell nothing more.
      if !entry.isSend { _ = unsafe cmpi_cancel(&entry.request) }
      _ = unsafe cmpi_request_free(&entry.request)
    }
  }

  private func failure(
    of entry: RequestPool.Entry, code: Int32, function: StaticString, received: Int
  ) -> CollectiveError {
    let operation = "\(entry.isSend ? "send" : "receive") of \(entry.byteCount) bytes"
    if code != MPI_SUCCESS {
      return mpiError(code, function, operation, rank: rank, peer: entry.peer)
    }
    return CollectiveError(
      operation: operation, rank: rank, peer: entry.peer,
      reason: "\(function): expected \(entry.byteCount) bytes, found \(received)",
      hint: "all ranks must run the same program with the same configuration")
  }
}
