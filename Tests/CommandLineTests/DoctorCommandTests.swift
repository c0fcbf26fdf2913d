import Foundation
import Records
import Testing

@Suite(.serialized) struct DoctorCommandTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  private func checks(_ program: Program) throws -> [String: OrderedJSON] {
    let lines = try program.lines.map { try OrderedJSON(parsing: $0) }
    return Dictionary(
      lines.map { ($0["check"]?.stringValue ?? "", $0) }, uniquingKeysWith: { $1 })
  }

  @Test func machineIsLookedAtAndRanksAreStarted() throws {
    let doctor = try place.run("doctor", "--json")
    let checks = try checks(doctor)
    for name in [
      "mpi_library", "launcher", "resources", "shared_memory", "temporary_files", "open_files",
      "locked_memory", "clock", "instructions", "start",
      "cores_of_ranks",
    ] {
      #expect(checks[name] != nil, "\(name): \(doctor)")
    }
    #expect(checks["mpi_library"]?["problem"] == .null, "\(doctor)")
    #expect(checks["launcher"]?["problem"] == .null, "\(doctor)")
    #expect(checks["start"]?["values"]?["ranks"] == 2, "\(doctor)")
    let isWrong = checks.values.contains { $0["problem"] != .null }
    #expect(doctor.status == (isWrong ? 3 : 0), "\(doctor)")
    let words = try place.run("doctor", "--np", "0")
    #expect(words.output.contains("mpi library         runs with"), "\(words)")
    #expect(!words.output.contains("\nstart "), "\(words)")
  }

  @Test func slowInstructionsAreSaid() throws {
    let chosen = try place.run(
      "doctor", "--np", "0", "--json", environment: ["GRU_DIST_ISA": "portable"])
    let finding = try checks(chosen)["instructions"]
    #expect(finding?["values"]?["isa"] == "portable", "\(chosen)")
    #if arch(x86_64)
      #expect(chosen.status == 3, "\(chosen)")
      #expect(
        finding?["problem"]?.stringValue?.contains("tens of times") == true, "\(chosen)")
      #expect(finding?["remedy"]?.stringValue?.isEmpty == false, "\(chosen)")
    #else
      #expect(finding?["problem"] == .null, "\(chosen)")
    #endif
  }

  @Test func ranksOfAJobAreLookedAt() throws {
    let doctor = try place.run("doctor", ranks: 3)
    #expect(doctor.output.contains("start               3 ranks on 1 host"), "\(doctor)")
    #expect(doctor.output.contains("rank 2 on "), "\(doctor)")
  }

  @Test func whatIsWrongIsSaidWithWhatMendsIt() throws {
    try place.write("mpirun", "#!/bin/sh\necho 'mpirun (Open MPI) 3.1.0'\n")
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: place.path("mpirun"))
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let other = try place.run(
      "doctor", environment: ["PATH": "\(place.folder.path):\(path)"])
    #expect(other.status == 3, "\(other)")
    #expect(other.output.contains("wrong:   mpirun is of Open MPI 3.1.0"), "\(other)")
    #expect(other.output.contains("to mend: put the mpirun of"), "\(other)")
    #expect(!other.output.contains("\nstart "), "\(other)")
    // One that starts no rank.
    try place.write(
      "mpirun", "#!/bin/sh\n[ \"$1\" = --version ] && exec \"$REAL\" --version\necho no; exit 9\n")
    let real = path.split(separator: ":").map { "\($0)/mpirun" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
    let broken = try place.run(
      "doctor", "--json",
      environment: ["PATH": "\(place.folder.path):\(path)", "REAL": try #require(real)])
    #expect(broken.status == 3, "\(broken)")
    let start = try checks(broken)["start"]
    #expect(start?["found"] == "mpirun -np 2 ended with status 9", "\(broken)")
    #expect(start?["problem"] == "ranks do not start; its last words: no", "\(broken)")
  }
}
