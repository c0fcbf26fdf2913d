import Foundation
package import Records

/// The hosts of a job, as Open MPI's hostfiles name them: a name and `slots=N` a line.
package struct Hostfile: Sendable, Equatable {
  package struct Host: Sendable, Equatable {
    package var name: String
    /// Nil where the file does not say.
    package var slots: Int?
    /// As it stands in the file.
    package var line: String
  }

  package var hosts: [Host]
  /// Whether the lines end as launchers know it.
  private var isPlain = true

  package init(file path: String) throws {
    let data: [UInt8]
    do { data = try InputFile.bytes(of: path) } catch {
      throw UsageError("--hostfile \(path): cannot be read: \(error)")
    }
    try self.init(parsing: String(decoding: data, as: UTF8.self), place: "--hostfile \(path)")
  }

  package init(parsing text: String, place: String) throws {
    hosts = []
    isPlain = !text.utf8.contains(UInt8(ascii: "\r"))
    // "\r\n" is one character, and a line end as well.
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, raw) in lines.enumerated() {
      let line = raw.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
      let words = line.split { $0 == " " || $0 == "\t" }
      guard let name = words.first else { continue }
      var host = Host(name: String(name), slots: nil, line: line)
      for word in words where word.hasPrefix("slots=") {
        guard let slots = Int(word.dropFirst(6)), slots > 0 else {
          throw UsageError(
            "\(place):\(index + 1): expected slots=N with N of at least 1, found \(word)")
        }
        host.slots = slots
      }
      hosts.append(host)
    }
    if hosts.isEmpty { throw UsageError("\(place): names no host") }
  }

  /// The hosts, but this machine, that a launcher's words name.
  package func named(in words: String) -> Set<String> {
    let found = Set(
      words.split { !($0.isLetter || $0.isNumber || $0 == "." || $0 == "-" || $0 == "_") }
        .map { $0.last == "." ? String($0.dropLast()) : String($0) })
    return Set(hosts.map(\.name).filter { found.contains($0) && !Self.isLocal($0) })
  }

  /// As the launcher of a family reads it.
  package func text(for family: MPIFamily) -> String {
    hosts.map { family.hostLine($0.name, slots: $0.slots, asWritten: $0.line) + "\n" }.joined()
  }

  /// Whether a launcher of a family reads the file as it is.
  package func isPlain(for family: MPIFamily) -> Bool { isPlain && family == .openMPI }

  /// Whether a name means this machine, which needs no probe.
  package static func isLocal(_ name: String) -> Bool {
    let own = ProcessInfo.processInfo.hostName
    let short = own.split(separator: ".").first.map(String.init) ?? own
    return ["localhost", "127.0.0.1", "::1", own, short].contains(name)
  }

  /// The number of ranks for what is left of `all` hosts: the same part of `wanted` as the slots
  /// that are left are of all, rounded down, and at least 1. Where not every host names its slots,
  /// each counts for the same.
  ///
  /// Fewer ranks than slots shrink too: one rank for each of four hosts becomes one for each of
  /// three.
  package func ranks(wanted: Int, ofAll all: Hostfile) -> Int {
    let slots = hosts.compactMap(\.slots)
    let allSlots = all.hosts.compactMap(\.slots)
    let (left, whole) =
      allSlots.count == all.hosts.count
      ? (slots.reduce(0, +), allSlots.reduce(0, +)) : (hosts.count, all.hosts.count)
    return left >= whole ? wanted : max(1, wanted * left / whole)
  }
}

/// Finds out which hosts can take ranks now.
struct HostProbe {
  /// A shell command with `{host}`.
  let command: String

  static let secondsAllowed = 10.0

  /// The hosts that answer; the others' names.
  ///
  /// - Parameter suspects: hosts to be left out whether they answer or not.
  func reachable(
    _ all: Hostfile, without suspects: Set<String> = []
  ) -> (hosts: Hostfile, gone: [String]) {
    let remote = all.hosts.map(\.name).filter { !Hostfile.isLocal($0) && !suspects.contains($0) }
    let commands = remote.map { command.replacing("{host}", with: Self.quoted($0)) }
    let answers = Spawn.succeed(commands, seconds: Self.secondsAllowed)
    let gone = suspects.union(zip(remote, answers).filter { !$0.1 }.map(\.0))
    var left = all
    left.hosts = all.hosts.filter { !gone.contains($0.name) }
    return (left, all.hosts.map(\.name).filter(gone.contains))
  }

  /// The name as one word of the shell's.
  private static func quoted(_ name: String) -> String {
    "'" + name.replacing("'", with: "'\\''") + "'"
  }
}
