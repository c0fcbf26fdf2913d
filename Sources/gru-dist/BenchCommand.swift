import ArgumentParser
import Cells
import Collectives
import Configuration
import Engine
import GRUCore
import Kernels
import Records
import Studies

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measure this machine and training steps on it.",
    subcommands: [
      BenchPeakCommand.self, BenchStepCommand.self, BenchExchangeCommand.self,
      BenchEvaluateCommand.self, BenchSampleCommand.self,
    ])

  func run() throws {
    throw ValidationError(
      "name what to measure: peak, step, exchange, evaluate or sample; bench --help says more")
  }
}

struct BenchPeakCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "peak", abstract: "Measure a core's rate of multiply-adds.",
    discussion: """
      EXAMPLES
        gru-dist bench peak
        gru-dist bench peak --isa avx2 --seconds 3
      """)

  @Option(help: "How long to measure each instruction set.")
  var seconds = 1.0

  @OptionGroup var compute: ComputeOptions
  @OptionGroup var output: OutputOptions

  func run(on communicator: any Communicator) throws -> Int32 {
    let benchmark = PeakBenchmark(instructionSet: compute.instructionSet, seconds: seconds)
    return try runOnce(json: output.json, on: communicator) { try benchmark.run(console: $0) }
  }
}

extension ModelConfig.CellName: ExpressibleByArgument {}
extension ModelConfig.Reset: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
extension OptimizerConfig.Name: ExpressibleByArgument {}
extension ExchangeConfig.Sparse: ExpressibleByArgument {}

/// The sizes that benchmarks run with.
struct BenchSizes: ParsableArguments {
  @Option(help: "The cell.") var cell = ModelConfig.CellName.gru
  @Option(help: "Where a GRU applies its reset gate.") var reset = ModelConfig.Reset.before
  @Option(help: "Kinds of tokens.") var vocabulary = 256
  @Option(help: "Embedding size.") var embedding = 128
  @Option(help: "Hidden size.") var hidden = 512
  @Option(help: "Layers.") var layers = 2
  @Option(help: "Time steps of a batch.") var window = 64
  @Option(help: "Sequences of a batch, over all ranks.") var batch = 64
  @Option(help: "Shards; by default the largest number up to 8 that divides the batch.")
  var shards: Int?
  @Option(help: "Threads of each rank.") var threads = 1
  @Option(help: "Steps to time; the median counts.") var steps = 20
  @Option(help: "Steps before them.") var warmup = 5
  @Option(help: "Numbers that products multiply; bf16 anywhere, faster with AVX512-BF16.")
  var precision = Precision.fp32
  @OptionGroup var compute: ComputeOptions
  @Flag(help: "Accepted for symmetry: the output is JSON always.") var json = false

  func validate() throws {
    if reset != .before, cell != .gru {
      throw ValidationError("--reset is for cell gru, and --cell is \(cell.rawValue)")
    }
  }

  var benchmark: StepBenchmark {
    var benchmark = StepBenchmark()
    guard let cell = Cell(cell: cell.rawValue, reset: reset.rawValue) else {
      preconditionFailure("no cell \(cell.rawValue) of the form \(reset.rawValue)")
    }
    benchmark.cell = cell
    benchmark.vocabulary = vocabulary
    benchmark.embedding = embedding
    benchmark.hidden = hidden
    benchmark.layers = layers
    benchmark.window = window
    benchmark.batch = batch
    benchmark.shards = shards
    benchmark.threads = threads
    benchmark.steps = steps
    benchmark.warmup = warmup
    benchmark.precision = precision
    benchmark.instructionSet = compute.instructionSet
    return benchmark
  }
}

struct BenchStepCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "step",
    abstract: "Time whole training steps on random tokens; prints one line of JSON.",
    discussion: """
      EXAMPLES
        gru-dist bench step
        gru-dist bench step --vocabulary 10000 --hidden 650 --embedding 650 --window 35 --batch 20
        mpirun -np 2 gru-dist bench step --profile
        mpirun -np 4 gru-dist bench step --trace trace.json --trace-steps 6-10
      """)

  @OptionGroup var sizes: BenchSizes
  @Option(help: "The optimizer.") var optimizer = OptimizerConfig.Name.adam
  @Option(help: "Whether rows of the embedding that no token looks up are left out.")
  var sparse = ExchangeConfig.Sparse.auto
  @Option(help: "Groups of shards whose gradients travel as bf16; 0 for none.")
  var compressionGroups = 0
  @Flag(help: "Also say where the time goes, on the first thread of rank 0.") var profile = false
  @OptionGroup(title: "Timeline") var trace: TraceOptions

  func run(on communicator: any Communicator) throws -> Int32 {
    var benchmark = sizes.benchmark
    benchmark.optimizer = optimizer
    benchmark.sparse = sparse
    benchmark.compressionGroups = compressionGroups
    benchmark.profiled = profile
    benchmark.trace = trace.request
    try benchmark.run(on: communicator)
    return ExitStatus.done
  }
}

struct BenchEvaluateCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Time forward passes and losses on random tokens; prints one line of JSON.",
    discussion: """
      EXAMPLES
        gru-dist bench evaluate
        gru-dist bench evaluate --hidden 1024 --embedding 256 --threads 2
      """)

  @OptionGroup var sizes: BenchSizes

  func run(on communicator: any Communicator) throws -> Int32 {
    try InferenceBenchmark(sizes: sizes.benchmark).evaluate(on: communicator)
    return ExitStatus.done
  }
}

struct BenchSampleCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample",
    abstract: "Time the drawing of tokens beside reading the weights; prints one line of JSON.",
    discussion: """
      A step is a hundred tokens. Batch, window, shards and threads do not matter.

      EXAMPLES
        gru-dist bench sample
        gru-dist bench sample --vocabulary 33278 --hidden 200 --embedding 200
      """)

  @OptionGroup var sizes: BenchSizes

  func run(on communicator: any Communicator) throws -> Int32 {
    try InferenceBenchmark(sizes: sizes.benchmark).sample(on: communicator)
    return ExitStatus.done
  }
}

struct SelfTestCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "self-test", abstract: "Check how the ranks of this job communicate.",
    shouldDisplay: false)

  @OptionGroup var compute: ComputeOptions

  func run(on communicator: any Communicator) throws -> Int32 {
    let kernels = try communicator.agree { try Kernels.selected(compute.instructionSet, .fp32) }
    let report = SelfTest.run(communicator: communicator, kernels: kernels)
    for failure in report.failures {
      Console.complain("rank \(communicator.rank): \(failure)")
    }
    try communicator.agree {
      if !report.failures.isEmpty { throw SelfTestFailure(count: report.failures.count) }
    }
    return try runOnce(json: false, on: communicator) {
      $0.say("passed on \(communicator.worldSize) ranks, digest \(report.digest)")
    }
  }
}

/// A self-test that found faults, which are printed already.
struct SelfTestFailure: Error, CustomStringConvertible {
  let count: Int
  var description: String { "the self-test found \(count) faults" }
}
