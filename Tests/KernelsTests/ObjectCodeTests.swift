import Foundation
import Testing

/// Runs `Tests/check-kernels` on the objects of this build.
@Suite struct ObjectCodeTests {
  private static var canLook: Bool {
    #if os(Linux) && arch(x86_64)
      return ["/usr/bin/nm", "/usr/bin/objdump", "/usr/bin/awk", "/bin/bash"].allSatisfy {
        FileManager.default.isExecutableFile(atPath: $0)
      }
    #else
      return false
    #endif
  }

  @Test(.enabled(if: canLook, "needs x86-64 Linux with nm and objdump (binutils), awk and bash"))
  func hotLoopsDoNotSpillRegisters() throws {
    // The test executable lies in the build directory, beside the objects of each module.
    let executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let process = Process()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = [
      tests.appending(path: "check-kernels").path(),
      URL(filePath: executable).deletingLastPathComponent().path(),
    ]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(String(decoding: output, as: UTF8.self))")
  }
}
