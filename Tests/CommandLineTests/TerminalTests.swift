import Foundation
import LaunchEnvironment
import Testing

/// What a person sees of a job on a terminal.
@Suite(.serialized, .enabled(if: access("/usr/bin/script", X_OK) == 0, "script is missing"))
struct TerminalTests {
  /// A job of two ranks on a pseudo-terminal.
  private func output(_ environment: [String: String]) throws -> String {
    let place = try Workplace()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/script")
    let command =
      "mpirun -np 2 '\(Program.path)' config.json --threads 1 --steps 40 --set run.log_every=10"
    process.arguments = ["-qec", command, "/dev/null"]
    process.environment = LaunchEnvironment.values.merging(["TERM": "xterm"]) { $1 }
      .merging(environment) { $1 }
    process.currentDirectoryURL = place.folder
    process.standardInput = FileHandle.nullDevice
    let path = place.path("terminal.txt")
    _ = FileManager.default.createFile(atPath: path, contents: nil)
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    #expect(try process.runToItsEnd(within: 120))
    return try String(contentsOfFile: path, encoding: .utf8)
  }

  private static let redrawn = "\r\u{1B}[K"

  /// The launcher of Open MPI 5 keeps what it is given until a line ends, so that a line that is
  /// redrawn would not be seen before the end of the run.
  @Test func progressIsLinesWhereTheLauncherKeepsLinesBack() throws {
    let lines = try output(["PRTE_LAUNCHED": "1"])
    #expect(!lines.contains(Self.redrawn), "\(lines)")
    for step in [10, 20, 30, 40] { #expect(lines.contains("\nstep \(step)/40  loss "), "\(lines)") }
  }

  @Test(.enabled(if: isOpenMPI4, "other launchers are not known to show parts of lines"))
  func progressIsOneLineThatIsRedrawnUnderOpenMPI4() throws {
    let text = try output([:])
    #expect(text.contains("\(Self.redrawn)step 40/40  loss "), "\(text)")
    #expect(!text.contains("\nstep 10/40"), "\(text)")
  }

  private static let isOpenMPI4: Bool = {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["mpirun", "--version"]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    let words = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: words, as: UTF8.self).contains("(Open MPI) 4.")
  }()
}
