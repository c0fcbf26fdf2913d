import Foundation
import Testing

/// A folder with stand-ins for what a script of `launch` calls.
final class ScriptFolder {
  let folder: URL
  /// Further variables of the scripts.
  var environment: [String: String] = [:]
  static let launch = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("launch")

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("launchers-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  func write(_ name: String, _ script: String) throws {
    let path = path(name)
    try FileManager.default.createDirectory(
      atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path,
      withIntermediateDirectories: true)
    try Data("#!/bin/bash\n\(script)\n".utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  /// Runs a script to its end, in the folder; `meanwhile` gets its process once `marker` exists.
  func run(
    _ script: String, _ arguments: [String], marker: String? = nil,
    meanwhile: (Process) -> Void = { _ in }
  ) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    let copy = path("launch/\(script)")
    let original = Self.launch.appendingPathComponent(script).path
    process.arguments =
      [FileManager.default.fileExists(atPath: copy) ? copy : original] + arguments
    process.environment = [
      "PATH": "\(folder.path):/usr/bin:/bin", "MARKER": path("marker"),
    ].merging(environment) { $1 }
    process.currentDirectoryURL = folder
    let file = path("output")
    _ = FileManager.default.createFile(atPath: file, contents: nil)
    let output = try #require(FileHandle(forWritingAtPath: file))
    process.standardOutput = output
    process.standardError = output
    // Threads of the test runner block signals, and what they start would go on doing so.
    var none = sigset_t()
    var before = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try process.run()
    if let marker {
      let end = ContinuousClock.now + .seconds(30)
      while !FileManager.default.fileExists(atPath: path(marker)), ContinuousClock.now < end {
        usleep(5_000)
      }
      meanwhile(process)
    }
    process.waitUntilExit()
    let text = String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
    return (process.terminationStatus, text)
  }
}
