import ArgumentParser
import Collectives
import Engine
import Records
import Runs
import Studies

struct PlanCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Predict the speed of a config on a cluster.",
    discussion: """
      Times steps of the config's model on one core of this machine, and computes from that, the \
      bandwidth and the latency what a step takes on the cluster, and on others up to 1,024 ranks. \
      docs/scaling.md has the formulas.

      EXAMPLES
        gru-dist plan configs/lm.json --hosts 4 --bandwidth 1gbit --latency 0.2ms
        gru-dist plan configs/lm.json --hosts 2 --cores 4 --bandwidth 10gbit --latency 20us --json
        gru-dist plan configs/lm.json --hosts 4 --laboratory --threads 1
      """)

  @OptionGroup var config: ConfigOptions
  @OptionGroup var compute: ComputeOptions

  @Option(help: "The number of hosts.") var hosts = 4
  @Option(help: "Cores of each host, 1 by default; 0.5 where two hosts share one.")
  var cores: Double?
  @Flag(
    help: """
      The hosts are those of launch/lab on this machine: they and the switch between them share \
      its cores.
      """)
  var laboratory = false
  @Option(
    help: "CPU time of the laboratory's switch for a byte, in nanoseconds, where it was measured.")
  var switchNanoseconds: Double?
  @Option(help: "Ranks of each host; --threads is those of each, by default the rest of the cores.")
  var ranksPerHost = 1
  @Option(help: "What a host sends, and at the same time receives: 100mbit, 1gbit.")
  var bandwidth = "1gbit"
  @Option(help: "The time from host to host: 0.2ms, 50us, 0.") var latency = "0.2ms"
  @Option(help: "How long to measure each size of a step, about.") var seconds = 2.0
  @Flag(
    inversion: .prefixedNo,
    help: "Whether the exchange of a layer goes on while others compute.")
  var overlap = true
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if !(1...1024 ~= hosts) {
      throw ValidationError("--hosts: expected 1 to 1024, found \(hosts)")
    }
    if let cores, laboratory {
      throw ValidationError("--cores: --laboratory says how many, expected none, found \(cores)")
    }
    if let nanoseconds = switchNanoseconds, !(laboratory && nanoseconds >= 0 && nanoseconds <= 1e6)
    {
      throw ValidationError(
        "--switch-nanoseconds: expected 0 to 1000000 with --laboratory, found \(nanoseconds)"
          + (laboratory ? "" : " without it"))
    }
    if let cores, !(cores >= 0.001 && cores <= 1024) {
      throw ValidationError("--cores: expected 0.001 to 1024, found \(cores)")
    }
    if !(1...1024 ~= ranksPerHost) {
      throw ValidationError("--ranks-per-host: expected 1 to 1024, found \(ranksPerHost)")
    }
    if Quantity.bitsPerSecond(bandwidth) == nil {
      throw ValidationError(
        "--bandwidth: expected a rate such as 100mbit or 1gbit, found \(bandwidth)")
    }
    if Quantity.seconds(latency) == nil {
      throw ValidationError("--latency: expected a time such as 0.2ms or 50us, found \(latency)")
    }
    if !(seconds >= 0 && seconds <= 3600) {
      throw ValidationError("--seconds: expected 0 to 3600, found \(seconds)")
    }
  }

  func run(on communicator: any Communicator) throws -> Int32 {
    var options = config.options()
    options.instructionSet = compute.instructionSet
    let machineCores =
      try laboratory ? UsableCores.threadsPerRank(SoloCommunicator()) : nil
    let cores = cores ?? machineCores.map { Double($0) / Double(hosts) } ?? 1
    var cluster = Cluster(
      hosts: hosts, ranksPerHost: ranksPerHost,
      threads: options.threads ?? max(1, Int(cores) / ranksPerHost), cores: cores,
      bandwidth: Quantity.bitsPerSecond(bandwidth) ?? 0, latency: Quantity.seconds(latency) ?? 0)
    cluster.laboratoryCores = machineCores
    cluster.measuredSwitchSecondsPerByte = switchNanoseconds.map { $0 * 1e-9 }
    var plan = ScalePlan(options: options, cluster: cluster, overlaps: overlap)
    plan.seconds = seconds
    return try runOnce(json: output.json, on: communicator) { try plan.run(console: $0) }
  }
}

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
    try requireOneProcess(
      "memory is a single process; start it without mpirun, with --threads N", communicator)
    var options = config.options()
    options.instructionSet = compute.instructionSet
    options.overwrite = overwrite
    let study = MemoryStudy(options: options)
    return try runOnce(json: output.json, on: communicator) { try study.run(console: $0) }
  }
}
