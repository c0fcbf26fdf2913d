import Foundation
import Records
import Testing

@Suite struct MPIFamilyTests {
  @Test(arguments: [
    ("Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4", MPIFamily.openMPI),
    ("Open MPI v5.0.11, package: Open MPI, ident: 5.0.11", .openMPI),
    ("MPICH Version:      4.3.2\nMPICH Release date: 2025", .mpich),
    ("Intel(R) MPI Library 2021.17 for Linux* OS\n", .mpich),
  ])
  func librariesAreToldByTheirOwnWords(_ words: String, _ family: MPIFamily) {
    #expect(MPIFamily(libraryVersion: words) == family)
  }

  @Test func eachLauncherGetsItsOwnOptionsAndSignal() {
    #expect(
      MPIFamily.openMPI.launcher(hasHostfile: true, exported: "A")
        == ["mpirun", "-np", "{np}", "-x", "A", "--hostfile", "{hostfile}"])
    #expect(
      MPIFamily.mpich.launcher(hasHostfile: true, exported: "A")
        == ["mpirun", "-np", "{np}", "-f", "{hostfile}"])
    #expect(MPIFamily.openMPI.stopSignal == SIGUSR2)
    #expect(MPIFamily.mpich.stopSignal == SIGTERM)
  }
}
