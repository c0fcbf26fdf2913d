import Foundation
import Testing

/// What is meant for one processor reaches no other: the package compiles for arm64 too.
@Suite struct ProcessorTests {
  private static let hasSwift = (ProcessInfo.processInfo.environment["PATH"] ?? "")
    .split(separator: ":").contains { FileManager.default.isExecutableFile(atPath: "\($0)/swift") }

  @Test(.enabled(if: hasSwift, "needs swift in PATH"))
  func flagsOfX86AreForX86Alone() throws {
    let features = ["-march=x86-64-v3", "-march=x86-64-v4", "-mavx512bf16"]
    let x86 = try Self.package(for: "x86_64")
    for flag in features { #expect(x86.contains("\"\(flag)\""), "x86_64 lacks \(flag)") }
    let arm64 = try Self.package(for: "aarch64")
    #expect(arm64.contains("\"KernelsAVX2\""))
    for match in arm64.matches(of: /"-m[a-z0-9-]+[=a-z0-9-]*"/) {
      Issue.record("aarch64 is compiled with \(match.0)")
    }
  }

  /// What the package manager makes of the manifest, as JSON, for programs of `architecture`.
  private static func package(for architecture: String) throws -> String {
    let scratch = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: scratch) }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      "swift", "package", "--package-path", Repository.root.path(), "--scratch-path",
      scratch.path(), "dump-package",
    ]
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["GRU_DIST_ARCHITECTURE": architecture]) { $1 }
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "swift package dump-package")
    return String(decoding: output, as: UTF8.self)
  }

  @Test func modulesOfX86AreEmptyElsewhere() throws {
    for module in ["KernelsAVX2", "KernelsAVX512", "KernelsBF16"] {
      let files = Repository.files(in: "Sources/\(module)", ending: ".swift")
      #expect(!files.isEmpty)
      for file in files {
        let text = try Repository.text(file)
        #expect(text.hasPrefix("#if arch(x86_64)"), "\(file)")
        #expect(text.hasSuffix("\n#endif\n"), "\(file)")
        #expect(text.matches(of: /(?m)^#(if|else|elseif)/).count == 1, "\(file)")
      }
    }
  }

  @Test func instructionsOfX86StandUnderACondition() throws {
    let names = /__builtin_ia32_|\b_mm[0-9]*_|immintrin\.h|cpuid|xgetbv/
    var found = 0
    for file in try Repository.cFiles() {
      var conditions: [Substring] = []
      for line in file.lines {
        if line.hasPrefix("#if") { conditions.append(line) }
        if line.hasPrefix("#el"), !conditions.isEmpty { conditions[conditions.count - 1] = line }
        if line.hasPrefix("#endif") { conditions.removeLast() }
        guard line.firstMatch(of: names) != nil else { continue }
        found += 1
        #expect(
          conditions.contains { $0.contains("__x86_64__") || $0.contains("__AVX512") },
          "\(file.path): \(line)")
      }
    }
    #expect(found > 20)
  }
}
