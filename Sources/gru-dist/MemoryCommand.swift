import ArgumentParser
import Collectives
import Records
import Runs
import Studies

struct MemoryCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "memory",
    abstract: "Show how far back cells remember, and gradients reach.",
    discussion: """
      Trains each of the config's memory.cells on the adding problem and the copy task over \
      growing memory.lengths, and writes how much of the gradient reaches back to memory.svg, \
      memory.md and memory.json of the run directory. Example: gru-dist memory \
      configs/memory.json --set 'memory.lengths=[50, 400]'
      """)

  @OptionGroup var config: ConfigOptions
  @OptionGroup var compute: ComputeOptions

  @Flag(help: "Write over the results that are there.")
  var overwrite = false

  @OptionGroup var output: OutputOptions

  func run(on communicator: any Communicator) throws -> Int32 {
    guard communicator.worldSize == 1 else {
      throw UsageError("memory is a single process; start it without mpirun, with --threads N")
    }
    var options = config.options()
    options.instructionSet = compute.instructionSet
    options.overwrite = overwrite
    let study = MemoryStudy(options: options)
    return try runOnce(json: output.json, on: communicator) { try study.run(console: $0) }
  }
}
