import Collectives
import Foundation
import Kernels
import LaunchEnvironment
import Testing

/// The self-test under mpirun, on real processes.
@Suite(.serialized) struct MPITests {
  @Test func mpiConformsAndEqualsOneProcessAtAnyRankCount() throws {
    let alone = SelfTest.run(communicator: SoloCommunicator(), kernels: try sampleKernels())
    for ranks in 1...4 {
      let job = try Job(ranks: ranks, arguments: [])
      let expected = (0..<ranks).map {
        "rank \($0) of \(ranks), \(ranks) on this host: passed, digest \(alone.digest)"
      }
      #expect(job.lines.sorted() == expected, "\(job)")
      #expect(job.status == 0, "\(job)")
    }
  }

  @Test func longTransfersAreSplitIntoMessages() throws {
    let alone = SelfTest.run(communicator: SoloCommunicator(), kernels: try sampleKernels())
    let job = try Job(ranks: 3, arguments: ["--limit", "3000"])
    #expect(job.lines.count == 3, "\(job)")
    #expect(job.lines.allSatisfy { $0.hasSuffix("passed, digest \(alone.digest)") }, "\(job)")
    #expect(job.status == 0, "\(job)")
  }

  @Test func sizeMismatchFailsAndEndsTheJob() throws {
    let job = try Job(ranks: 3, arguments: ["--mismatch"])
    let error =
      "rank 1: receive of 16 bytes with rank 0 failed: MPI_Get_count: "
      + "expected 16 bytes, found 8"
    #expect(job.lines.contains { $0.hasPrefix(error) }, "\(job)")
    #expect(job.status == 3, "\(job)")
  }

  @Test func abortEndsWaitingRanks() throws {
    let job = try Job(ranks: 4, arguments: ["--abort"])
    #expect(job.lines == [], "\(job)")
    #expect(job.status == 4, "\(job)")
  }

  @Test func withoutALauncherThereIsOneRank() throws {
    let job = try Job(ranks: nil, arguments: [])
    #expect(job.lines.count == 1, "\(job)")
    #expect(job.lines.first?.hasPrefix("rank 0 of 1, 1 on this host: passed") == true, "\(job)")
    #expect(job.status == 0, "\(job)")
  }
}

/// A finished run of `mpi-conformance`.
private struct Job: CustomStringConvertible {
  let status: Int32
  /// Non-empty lines of standard output.
  let lines: [String]
  let description: String

  /// - Parameter ranks: nil to run without mpirun.
  init(ranks: Int?, arguments: [String], secondsAllowed: Double = 120) throws {
    let program = LaunchEnvironment.programs.appendingPathComponent("mpi-conformance").path
    try #require(FileManager.default.isExecutableFile(atPath: program), "\(program) is missing")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    let launcher = ranks.map { ["mpirun", "-np", "\($0)"] } ?? []
    process.arguments = launcher + [program] + arguments
    process.environment = LaunchEnvironment.values
    // Files, not pipes: a job that is ended early may leave a writer behind, which nobody awaits.
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("mpi-conformance-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let output = folder.appendingPathComponent("output")
    let errors = folder.appendingPathComponent("errors")
    for file in [output, errors] {
      _ = FileManager.default.createFile(atPath: file.path, contents: nil)
    }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let end = Date(timeIntervalSinceNow: secondsAllowed)
    while process.isRunning, Date() < end { Thread.sleep(forTimeInterval: 0.01) }
    let isLate = process.isRunning
    if isLate { process.terminate() }
    process.waitUntilExit()
    try #require(!isLate, "\(launcher + arguments) took more than \(secondsAllowed) s")
    status = process.terminationStatus
    let text = try String(contentsOf: output, encoding: .utf8)
    lines = text.split(separator: "\n").map(String.init)
    let complaints = try String(contentsOf: errors, encoding: .utf8)
    description = "status \(status), output: \(text), errors: \(complaints)"
  }
}
