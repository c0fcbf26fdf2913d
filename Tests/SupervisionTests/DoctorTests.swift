import Foundation
import Records
import Testing

@testable import Supervision

/// What `gru-dist doctor` makes of versions, settings and figures.
@Suite struct DoctorTests {
  @Test(arguments: [
    ("Open MPI v5.0.11, package: Open MPI, ident: 5.0.11", MPIFamily.openMPI, "5.0.11"),
    ("mpirun (Open MPI) 4.1.4\n\nReport bugs to", .openMPI, "4.1.4"),
    ("HYDRA build details:\n    Version:                                 4.3.2\n", .mpich, "4.3.2"),
    ("MPICH Version:      5.0.2\nMPICH Release date: 2025", .mpich, "5.0.2"),
    ("Intel(R) MPI Library for Linux* OS, Version 2021.17 Build 2025", .mpich, "2021.17"),
  ])
  func versionsAreReadFromTheirOwnWords(_ words: String, _ family: MPIFamily, _ number: String) {
    #expect(MPIVersion(words).family == family)
    #expect(MPIVersion(words).number == number)
    #expect(MPIVersion("Open MPI").major == 0)
  }

  @Test func librariesAndLaunchersThatDoNotSuitAreNamed() {
    let four = MPIVersion("Open MPI v4.1.4")
    let five = MPIVersion("Open MPI v5.0.11")
    let mpich = MPIVersion("MPICH Version: 4.3.2")
    #expect(four.problem(builtWith: four) == nil)
    #expect(five.problem(builtWith: four) == nil)
    #expect(four.problem(builtWith: five)?.contains("older library") == true)
    #expect(mpich.problem(builtWith: four)?.contains("built with Open MPI 4.1.4") == true)
    #expect(four.problem(startingRanksOf: four) == nil)
    #expect(five.problem(startingRanksOf: four)?.contains("mpirun is of Open MPI 5.0.11") == true)
    #expect(mpich.problem(startingRanksOf: five)?.contains("each rank would be alone") == true)
    #expect(mpich.problem(startingRanksOf: MPIVersion("MPICH 5.0.2")) == nil)
  }

  @Test func settingsAreThoseThatTheLauncherReads() throws {
    var checkup = LauncherCheckup(built: "Open MPI 4.1.4", library: "Open MPI v4.1.4")
    checkup.isRoot = true
    checkup.environment = [
      "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
      "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_hwloc_base_binding_policy": "none",
    ]
    #expect(checkup.settings(of: MPIVersion("mpirun (Open MPI) 4.1.4"))?.problem == nil)
    // Open MPI 5 reads none of these.
    let five = try #require(checkup.settings(of: MPIVersion("mpirun (Open MPI) 5.0.11")))
    let problem = try #require(five.problem)
    for words in ["as root", "more ranks than cores", "binds ranks to single cores"] {
      #expect(problem.contains(words), "\(problem)")
    }
    #expect(five.remedy == ". launch/env")
    #expect(checkup.settings(of: MPIVersion("HYDRA build details: Version: 4.3.2")) == nil)
  }

  @Test func shortResourcesAreFoundWithWhatMendsThem() throws {
    var checkup = HostCheckup(ranks: 4, cores: 2)
    checkup.limits = ContainerLimits(cores: 0.5, memoryBytes: 300 << 20)
    checkup.sharedMemory = "/nowhere/shm"
    checkup.temporary = "/nowhere/tmp"
    let found = checkup.findings()
    func finding(_ name: String) throws -> Finding {
      try #require(found.first { $0.name == name }, "\(found)")
    }
    let resources = try finding("resources")
    #expect(resources.problem?.hasPrefix("4 ranks are to share 2 cores") == true)
    #expect(resources.values["memory_bytes"] == .integer(300 << 20))
    #expect(resources.values["core_quota"] == .number(0.5))
    #expect(try finding("shared_memory").remedy == "mount a tmpfs there")
    #expect(try finding("temporary_files").problem == "mpirun does not start")
    // Nothing of it is wrong for a rank on a machine like this one.
    let sound = HostCheckup(ranks: 1, cores: 2).findings()
    #expect(sound.first { $0.name == "resources" }?.problem == nil)
    #expect(sound.contains { $0.name == "clock" } && sound.contains { $0.name == "open_files" })
  }

  @Test func longTemporaryPathsAreFound() throws {
    let scripts = try ScriptFolder()
    let name = String(repeating: "a", count: 60)
    try FileManager.default.createDirectory(
      atPath: scripts.path(name), withIntermediateDirectories: true)
    var checkup = HostCheckup(ranks: 1, cores: 1)
    checkup.temporary = scripts.path(name)
    let finding = try #require(checkup.findings().first { $0.name == "temporary_files" })
    #expect(finding.problem?.contains("names of sockets below it get too long") == true)
  }

  @Test func findingsRoundTrip() {
    let finding = Finding(
      "clock", "fine", values: ["seconds": 1.5], problem: "none", remedy: "wait")
    #expect(Finding(finding.json) == finding)
    #expect(Finding(["check": "clock"]) == nil)
  }
}
