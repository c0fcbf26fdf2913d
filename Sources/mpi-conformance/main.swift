// Runs the self-test of the communicators on one rank of an MPI job, or alone without a launcher.
//
//   mpi-conformance                 all checks; one line of result from each rank
//   mpi-conformance --limit BYTES   the same with messages of at most BYTES
//   mpi-conformance --mismatch      rank 1 expects more than rank 0 sends: must fail, with status 3
//   mpi-conformance --abort         the last rank ends the job while the others wait: status 4
import Collectives
import Kernels
import MPICollectives

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The communicator of this process.
func join(messageLimit: Int?) throws -> any Communicator {
  guard MPICommunicator.isLaunchedByMPI else { return SoloCommunicator() }
  if let messageLimit { return try MPICommunicator(messageLimit: messageLimit) }
  return try MPICommunicator()
}

func selfTest(on communicator: any Communicator) throws -> Bool {
  let report = SelfTest.run(
    communicator: communicator, kernels: Kernels(try InstructionSet.select("auto")))
  let place =
    "rank \(communicator.rank) of \(communicator.worldSize), "
    + "\(communicator.ranksOnHost) on this host"
  if report.failures.isEmpty {
    print("\(place): passed, digest \(report.digest)")
  } else {
    print("\(place): failed")
    for failure in report.failures { print("  \(failure)") }
  }
  return report.failures.isEmpty
}

/// Sends 8 bytes to a rank that expects 16.
func mismatch(on communicator: any Communicator) throws {
  var bytes = [UInt8](repeating: 0, count: communicator.rank == 0 ? 8 : 16)
  try unsafe bytes.withUnsafeMutableBytes { bytes in
    switch communicator.rank {
    case 0: try unsafe communicator.send(UnsafeRawBufferPointer(bytes), to: 1)
    case 1: try unsafe communicator.receive(bytes, from: 0)
    default: break
    }
  }
  try communicator.barrier()
}

let arguments = Array(CommandLine.arguments.dropFirst())
let limit = arguments.first == "--limit" && arguments.count == 2 ? Int(arguments[1]) : nil
guard arguments.isEmpty || limit != nil || ["--mismatch", "--abort"].contains(arguments[0]) else {
  print("usage: mpi-conformance [--limit BYTES | --mismatch | --abort]")
  exit(2)
}
let communicator = try join(messageLimit: limit)
do {
  switch arguments.first {
  case "--mismatch":
    try mismatch(on: communicator)
  case "--abort":
    if communicator.rank == communicator.worldSize - 1 { communicator.abort(status: 4) }
    try communicator.barrier()
  default:
    if try !selfTest(on: communicator) { communicator.abort(status: 1) }
  }
  try communicator.finalize()
} catch {
  print(error)
  communicator.abort(status: 3)
}
