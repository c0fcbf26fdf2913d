import Foundation
import Records
import Testing

@testable import Supervision

@Suite struct HostfileTests {
  private static func hosts(_ text: String) throws -> Hostfile {
    try Hostfile(parsing: text, place: "hosts")
  }

  @Test func namesAndSlotsAreReadAndCommentsAreNot() throws {
    let file = try Self.hosts("# cluster\n\na slots=4 max_slots=8  # first\n\tb\nc slots=2\n")
    #expect(file.hosts.map(\.name) == ["a", "b", "c"])
    #expect(file.hosts.map(\.slots) == [4, nil, 2])
    #expect(file.text(for: .openMPI) == "a slots=4 max_slots=8\nb\nc slots=2\n")
    #expect(file.text(for: .mpich) == "a:4\nb\nc:2\n")
    #expect(file.isPlain(for: .openMPI))
    #expect(!file.isPlain(for: .mpich))
  }

  @Test func linesMayEndAsOnWindows() throws {
    let file = try Self.hosts("# lab\r\na slots=4\r\n\r\nb slots=2  # last\r\n")
    #expect(file.hosts.map(\.name) == ["a", "b"])
    #expect(file.hosts.map(\.slots) == [4, 2])
    #expect(file.text(for: .openMPI) == "a slots=4\nb slots=2\n")
    // Launchers get a file of their own kind.
    #expect(!file.isPlain(for: .openMPI))
    #expect(try Self.hosts(file.text(for: .openMPI)).isPlain(for: .openMPI))
  }

  @Test(arguments: ["", "# nothing\n\n", "a slots=0\n", "a slots=many\n"])
  func rejectsFilesWithoutHostsOrWithBadSlots(_ text: String) {
    #expect(throws: UsageError.self) { try Self.hosts(text) }
  }

  @Test func ranksShrinkAsTheSlotsDo() throws {
    let all = try Self.hosts("a slots=4\nb slots=4\nc slots=2\n")
    #expect(all.ranks(wanted: 10, ofAll: all) == 10)
    #expect(try Self.hosts("a slots=4\nc slots=2\n").ranks(wanted: 10, ofAll: all) == 6)
    #expect(try Self.hosts("a slots=4\n").ranks(wanted: 3, ofAll: all) == 1)
    // More ranks than slots stay as many times as many.
    #expect(try Self.hosts("a slots=4\nc slots=2\n").ranks(wanted: 20, ofAll: all) == 12)
  }

  /// One rank a host, which leaves room for its threads: the others do not take two.
  @Test func oneRankAHostStaysOneRankAHost() throws {
    let all = try Self.hosts("a slots=8\nb slots=8\nc slots=8\nd slots=8\n")
    #expect(try Self.hosts("a slots=8\nb slots=8\nd slots=8\n").ranks(wanted: 4, ofAll: all) == 3)
    #expect(try Self.hosts("c slots=8\n").ranks(wanted: 4, ofAll: all) == 1)
    // A host without slots among them: all count for the same.
    let mixed = try Self.hosts("a slots=8\nb\n")
    #expect(try Self.hosts("a slots=8\n").ranks(wanted: 4, ofAll: mixed) == 2)
  }

  @Test func withoutSlotsEveryHostCountsTheSame() throws {
    let all = try Self.hosts("a\nb\nc\n")
    #expect(try Self.hosts("a\nb\n").ranks(wanted: 8, ofAll: all) == 5)
    #expect(try Self.hosts("a\n").ranks(wanted: 2, ofAll: all) == 1)
  }

  @Test func hostsAreFoundInLauncherErrors() throws {
    let all = try Self.hosts("localhost\nnode-1\nnode-10\nnode-2.site\n")
    #expect(all.named(in: "ssh: connect to host node-10 port 22: No route") == ["node-10"])
    #expect(all.named(in: "[localhost] unreachable: node-2.site.") == ["node-2.site"])
    #expect(all.named(in: "out of memory").isEmpty)
  }

  @Test func unreachableHostsAreLeftOut() throws {
    let all = try Self.hosts("localhost slots=1\nup slots=2\ndown slots=3\nit's slots=1\n")
    let probe = HostProbe(command: "test {host} = up")
    let (left, gone) = probe.reachable(all)
    #expect(left.hosts.map(\.name) == ["localhost", "up"])
    #expect(gone == ["down", "it's"])
  }
}
