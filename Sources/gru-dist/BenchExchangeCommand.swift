import ArgumentParser
import Collectives
import Engine
import Kernels
import MPICollectives
import Records

struct BenchExchangeCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "exchange",
    abstract: "Time the gradient exchange beside MPI_Allreduce on the same buffers.",
    discussion: """
      Started by mpirun, with at least two ranks. Both leave the sum of all ranks' buffers on \
      every rank. Above 1 in the last column, the exchange is faster than MPI_Allreduce.

      EXAMPLES
        mpirun -np 4 gru-dist bench exchange
        mpirun -np 3 gru-dist bench exchange --shards 8 --json
      """)

  @Option(help: "Bytes of the smallest buffer; sizes grow fourfold.") var smallest = 4 << 10
  @Option(help: "Bytes of the largest buffer.") var largest = 64 << 20
  @Option(help: "How long to measure each size, about.") var seconds = 1.0
  @Option(
    help: "Shards of the batch; by default as many as ranks, so that each rank has one buffer.")
  var shards: Int?
  @OptionGroup var compute: ComputeOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    let most = 1 << 32
    if !(4...most ~= smallest) {
      throw ValidationError("--smallest: expected 4 to \(most) bytes, found \(smallest)")
    }
    if !(smallest...most ~= largest) {
      throw ValidationError("--largest: expected \(smallest) to \(most) bytes, found \(largest)")
    }
    if !(seconds > 0 && seconds <= 3600) {
      throw ValidationError("--seconds: expected up to 3600, found \(seconds)")
    }
  }

  func run(on communicator: any Communicator) throws -> Int32 {
    let ranks = communicator.worldSize
    let mpi = try communicator.agree {
      guard let mpi = communicator as? MPICommunicator, ranks > 1 else {
        throw UsageError(
          "bench exchange needs at least two ranks: mpirun -np 2 gru-dist bench exchange")
      }
      if let shards, !(ranks...4096 ~= shards) {
        throw UsageError("--shards: expected \(ranks) (the ranks) to 4096, found \(shards)")
      }
      return mpi
    }
    let kernels = try communicator.agree { try Kernels.selected(compute.instructionSet, .fp32) }
    var benchmark = ExchangeBenchmark()
    benchmark.sizes = Array(sequence(first: smallest) { $0 * 4 <= largest ? $0 * 4 : nil })
    benchmark.shards = shards
    benchmark.seconds = seconds
    let rows = try benchmark.run(on: mpi, kernels: kernels)
    let console = Console(isJSON: output.json, isCoordinator: communicator.rank == 0)
    console.say("| bytes | exchange | MPI_Allreduce | Allreduce / exchange, median of pairs |")
    console.say("|---:|---:|---:|---:|")
    for row in rows {
      console.say(
        "| \(Format.grouped(row.bytes)) | \(Format.fixed(row.seconds * 1e6, 1)) us "
          + "| \(Format.fixed(row.mpiSeconds * 1e6, 1)) us | \(Format.fixed(row.ratio, 2)) |")
      console.record([
        "bench": "exchange", "ranks": .integer(ranks),
        "ranks_on_host": .integer(mpi.ranksOnHost), "shards": .integer(shards ?? ranks),
        "bytes": .integer(row.bytes), "repetitions": .integer(row.repetitions),
        "seconds": .number(row.seconds), "allreduce_seconds": .number(row.mpiSeconds),
        "allreduce_over_exchange": .number((row.ratio * 1e4).rounded() / 1e4),
      ])
    }
    try communicator.coordinate { try console.requireWritten() }
    return ExitStatus.done
  }
}
