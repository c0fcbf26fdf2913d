import ArgumentParser
import Collectives
import Engine
import Foundation
import Kernels
import MPICollectives
import Records
import Runs
import Supervision

struct DoctorCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Say what of this machine and its MPI hinders a job.",
    discussion: """
      The MPI library that the program was built with and runs with, the launcher and its \
      settings, cores, memory and their limits, shared memory, room for temporary files, open \
      files, clocks, vector instructions; then it starts a few ranks, and says which cores each \
      may use. What is wrong stands below its line, with how to mend it.

      Started by mpirun it looks at the ranks of that job, on all their hosts.

      Exit status: 0 where nothing is wrong, 3 where something is.

      EXAMPLES
        gru-dist doctor
        gru-dist doctor --np 4
        mpirun -np 8 --hostfile hosts gru-dist doctor
        gru-dist doctor --json | jq -r 'select(.problem != null) | .remedy'
      """)

  @Option(help: "The number of ranks to start; 0 starts none.")
  var np = 2

  @Option(help: .hidden)
  var cores: Int?

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if !(0...65_536 ~= np) { throw ValidationError("--np: expected 0 to 65536, found \(np)") }
    if let cores, cores < 1 {
      throw ValidationError("--cores: expected at least 1, found \(cores)")
    }
  }

  func run(on communicator: any Communicator) throws -> Int32 {
    let findings =
      communicator.worldSize > 1 || cores != nil
      ? try ofJob(communicator) : try ofHost(communicator)
    let status = try runOnce(json: output.json, on: communicator) { console in
      for finding in findings { Self.tell(finding, on: console) }
      let count = findings.count { $0.problem != nil }
      console.say(
        count == 0
          ? "nothing is wrong" : Format.count(count, "thing is wrong", plural: "things are wrong"))
    }
    let isWrong: UInt8 = findings.contains { $0.problem != nil } ? 1 : 0
    return try communicator.share([isWrong]) == [1] ? ExitStatus.no : status
  }

  private static func tell(_ finding: Finding, on console: Console) {
    let name = finding.name.replacing("_", with: " ")
    let blanks = String(repeating: " ", count: max(1, 20 - name.count))
    console.say("\(name)\(blanks)\(finding.found)")
    if let problem = finding.problem { console.say("  wrong:   \(problem)") }
    if let remedy = finding.remedy { console.say("  to mend: \(remedy)") }
    console.record(finding.json)
  }

  /// The vector instructions that a run would take.
  private static func instructions() throws -> Finding {
    let kernels = try Kernels.selected(ComputeOptions.defaultInstructionSet, .bf16)
    let set = kernels.instructionSet.rawValue
    return Finding(
      "instructions",
      kernels.emulatesPairs
        ? "\(set); products of bf16 numbers by fp32 arithmetic" : "\(set) with AVX512-BF16",
      values: ["isa": .string(set), "bf16": .bool(!kernels.emulatesPairs)],
      problem: kernels.lastResort?.problem, remedy: kernels.lastResort?.remedy)
  }

  /// In a single process: this host, the launcher, and a job that it starts.
  private func ofHost(_ communicator: any Communicator) throws -> [Finding] {
    let usable = try UsableCores.threadsPerRank(communicator)
    let checkup = LauncherCheckup(
      built: MPICommunicator.headerVersion, library: MPICommunicator.libraryVersion)
    var findings = checkup.findings()
    findings += HostCheckup(ranks: np, cores: usable).findings() + [try Self.instructions()]
    let canStart = !findings.contains { $0.name == "launcher" && $0.problem != nil }
    guard np > 0, canStart, let program = Bundle.main.executablePath else { return findings }
    return findings
      + checkup.start(
        ranks: np, program: program, arguments: ["doctor", "--json", "--cores", "\(usable)"])
  }

  /// In a job: its ranks, and what is wrong on the other hosts.
  private func ofJob(_ communicator: any Communicator) throws -> [Finding] {
    let usable = cores ?? ProcessInfo.processInfo.processorCount
    let names = try communicator.hostNames()
    let numbers = try communicator.allGather([UInt64(communicator.hostNumber)]).map { $0[0] }
    let hosts = Set(numbers).count
    let most = numbers.map { number in numbers.count { $0 == number } }.max() ?? 1
    var findings = [
      Finding(
        "start",
        "\(Format.count(communicator.worldSize, "rank")) on \(Format.count(hosts, "host"))",
        values: ["ranks": .integer(communicator.worldSize), "hosts": .integer(hosts)])
    ]
    let binding = try CoreBinding(communicator, threads: max(1, usable / most))
    let places = binding.bindings.enumerated().map { rank, place in
      "rank \(rank) on \(place.host): \(CoreBinding.words(place.cores))"
    }
    // What is wrong there, and what to do.
    let parts = binding.warning?.split(separator: "; ", maxSplits: 1).map(String.init)
    findings.append(
      Finding(
        "cores_of_ranks",
        places.prefix(8).joined(separator: "; ") + (places.count > 8 ? "; ..." : ""),
        values: ["ranks": .array(places.map { .string($0) })],
        problem: parts?.first, remedy: parts?.dropFirst().first))
    if hosts > 1 {
      findings.append(try clocks(communicator, names))
      // Each host's first rank looks around.
      let isFirst = numbers.firstIndex(of: numbers[communicator.rank]) == communicator.rank
      var own: [Finding] = []
      if isFirst, communicator.rank > 0 {
        own = HostCheckup(ranks: most, cores: usable).findings() + [try Self.instructions()]
        own.removeAll { $0.problem == nil }
      }
      findings += try gathered(own, communicator, names)
    }
    return findings
  }

  /// How far the clocks of the ranks' hosts lie apart.
  private func clocks(_ communicator: any Communicator, _ names: [String]) throws -> Finding {
    try communicator.barrier()
    let times = try communicator.allGather([Date().timeIntervalSince1970]).map { $0[0] }
    let last = times.indices.max { times[$0] < times[$1] } ?? 0
    let first = times.indices.min { times[$0] < times[$1] } ?? 0
    let apart = times[last] - times[first]
    let isFar = apart > 5
    return Finding(
      "clocks_of_hosts", "at most \(Format.fixed(apart, 2)) s apart",
      values: ["seconds_apart": .number((apart * 1e3).rounded() / 1e3)],
      problem: isFar
        ? "\(names[last]) is \(Format.fixed(apart, 1)) s ahead of \(names[first]): times of logs "
          + "and of the dashboard do not agree" : nil,
      remedy: isFar ? "let an NTP service set the clocks" : nil)
  }

  /// The findings of all ranks, with their hosts' names.
  private func gathered(
    _ own: [Finding], _ communicator: any Communicator, _ names: [String]
  ) throws -> [Finding] {
    let text = Array(OrderedJSON.array(own.map(\.json)).line.utf8)
    let lengths = try communicator.allGather([text.count]).map { $0[0] }
    let longest = lengths.max() ?? 0
    let all = try communicator.allGather(
      text + [UInt8](repeating: 0, count: longest - text.count))
    return try zip(all.indices, lengths).flatMap { rank, length -> [Finding] in
      let json = try OrderedJSON(parsing: String(decoding: all[rank][..<length], as: UTF8.self))
      guard case .array(let values) = json else { return [] }
      return values.compactMap(Finding.init).map {
        var finding = $0
        finding.found = "\(names[rank]): \(finding.found)"
        return finding
      }
    }
  }
}
