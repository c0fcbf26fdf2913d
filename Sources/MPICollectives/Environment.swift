internal import CMPI
import Collectives

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The start and end of MPI in this process.
enum Environment {
  /// The corresponding MPI function is `MPI_Init_thread` (MPI 3.1, section 12.4.3).
  ///
  /// - Returns: whether several threads may call MPI, one at a time.
  static func initialise() throws(CollectiveError) -> Bool {
    let operation = "start of MPI"
    var flag: Int32 = 0
    try unsafe check(MPI_Initialized(&flag), "MPI_Initialized", operation)
    if flag != 0 {
      throw CollectiveError(
        operation: operation, rank: -1, reason: "MPI is already initialised in this process",
        hint: "make one MPICommunicator and share it")
    }
    preferEagerMessages()
    let wanted = cmpi_thread_serialized()
    let needed = cmpi_thread_funneled()
    var provided: Int32 = 0
    try unsafe check(
      MPI_Init_thread(nil, nil, wanted, &provided), "MPI_Init_thread", operation,
      hint: "start the job with mpirun, or without it to train in one process")
    if provided < needed {
      throw CollectiveError(
        operation: operation, rank: -1,
        reason: "MPI_Init_thread: expected thread support level \(needed) (funneled), "
          + "found \(provided)", hint: "use an MPI library that is built with threads")
    }
    return provided >= wanted
  }

  /// Lets Open MPI send messages of up to a mebibyte over TCP without asking first: an answer takes
  /// until the receiver looks after its messages, between two time steps, and receives are started
  /// ahead anyway. Values that are set stay; other libraries do not know the names.
  private static func preferEagerMessages() {
    for name in ["eager_limit", "rndv_eager_limit", "max_send_size"] {
      unsafe setenv("OMPI_MCA_btl_tcp_\(name)", "\(1 << 20)", 0)
    }
  }

  /// A communicator of all ranks whose errors come back as codes, how many of the ranks are on this
  /// host, and the number in the world of the first of these.
  ///
  /// Hosts are in the order of their first ranks in the world, and the ranks of a host follow each
  /// other however the launcher dealt them out: neighbours, which meet first and exchange most,
  /// then share memory if any do. Rank 0 of the world stays rank 0. The corresponding MPI functions
  /// are `MPI_Comm_split_type` and `MPI_Comm_split` (MPI 3.1, section 6.4.2).
  static func joinByHost() throws(CollectiveError)
    -> (ranks: cmpi_comm, onHost: Int, hostNumber: Int)
  {
    let operation = "start of MPI"
    // What is made of the world inherits the handler; requests that belong to no communicator use
    // the world's.
    let world = cmpi_world()
    try check(cmpi_comm_return_errors(world), "MPI_Comm_set_errhandler", operation)
    var number = Int32(try rank(in: world))
    var host = cmpi_no_comm()
    try unsafe check(
      cmpi_comm_split_by_host(world, number, &host), "MPI_Comm_split_type", operation)
    let onHost = try size(of: host)
    try unsafe check(
      cmpi_bcast(&number, Int32(MemoryLayout<Int32>.size), 0, host), "MPI_Bcast", operation)
    try unsafe check(cmpi_comm_free(&host), "MPI_Comm_free", operation)
    // Among equal keys, which are those of one host, the order is that of the world.
    var ranks = cmpi_no_comm()
    try unsafe check(cmpi_comm_split(world, 0, number, &ranks), "MPI_Comm_split", operation)
    try check(cmpi_comm_return_errors(ranks), "MPI_Comm_set_errhandler", operation)
    return (ranks, onHost, Int(number))
  }

  static func rank(in handle: cmpi_comm) throws(CollectiveError) -> Int {
    var rank: Int32 = 0
    try unsafe check(cmpi_comm_rank(handle, &rank), "MPI_Comm_rank", "start of MPI")
    return Int(rank)
  }

  static func size(of handle: cmpi_comm) throws(CollectiveError) -> Int {
    var size: Int32 = 0
    try unsafe check(cmpi_comm_size(handle, &size), "MPI_Comm_size", "start of MPI")
    return Int(size)
  }

  /// The corresponding MPI function is `MPI_Get_processor_name` (MPI 3.1, section 8.1.2).
  static func processorName(rank: Int) throws(CollectiveError) -> String {
    let capacity = Int(cmpi_max_processor_name()) + 1
    return try unsafe text(capacity: capacity) { (name, length) throws(CollectiveError) in
      try unsafe check(
        MPI_Get_processor_name(name, &length), "MPI_Get_processor_name", "start of MPI",
        rank: rank)
    }
  }

  static func libraryVersion() -> String {
    let words = try? unsafe text(capacity: Int(cmpi_max_library_version())) { text, length in
      if unsafe MPI_Get_library_version(text, &length) != MPI_SUCCESS { unsafe text[0] = 0 }
    }
    return words ?? ""
  }

  static func abort(_ handle: cmpi_comm, status: Int32) -> Never {
    fflush(nil)
    _ = cmpi_abort(handle, status)
    exit(status)
  }

  /// The text that MPI writes into a buffer of at least `capacity` characters.
  static func text(
    capacity: Int,
    _ fill: (UnsafeMutablePointer<CChar>, inout Int32) throws(CollectiveError) -> Void
  ) throws(CollectiveError) -> String {
    let characters = UnsafeMutablePointer<CChar>.allocate(capacity: capacity + 1)
    defer { unsafe characters.deallocate() }
    unsafe characters.initialize(repeating: 0, count: capacity + 1)
    var length: Int32 = 0
    try unsafe fill(characters, &length)
    return unsafe String(cString: characters)
  }
}

/// Throws unless an MPI function returned success.
func check(
  _ code: Int32, _ function: StaticString, _ operation: @autoclosure () -> String, rank: Int = -1,
  peer: Int? = nil, hint: String? = nil
) throws(CollectiveError) {
  if code == MPI_SUCCESS { return }
  throw mpiError(code, function, operation(), rank: rank, peer: peer, hint: hint)
}

/// The error for a code that an MPI function returned, in MPI's words.
///
/// The corresponding MPI function is `MPI_Error_string` (MPI 3.1, section 8.4).
func mpiError(
  _ code: Int32, _ function: StaticString, _ operation: String, rank: Int, peer: Int? = nil,
  hint: String? = nil
) -> CollectiveError {
  let capacity = Int(cmpi_max_error_string()) + 1
  let words = try? unsafe Environment.text(capacity: capacity) { text, length in
    if unsafe MPI_Error_string(code, text, &length) != MPI_SUCCESS { unsafe text[0] = 0 }
  }
  let reason = words.map { $0.isEmpty ? "error code \(code)" : $0 } ?? "error code \(code)"
  return CollectiveError(
    operation: operation, rank: rank, peer: peer, reason: "\(function): \(reason)", hint: hint)
}
