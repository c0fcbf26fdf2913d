import Foundation
import Kernels
import Testing

@Suite struct InstructionSetTests {
  @Test func everyMachineHasThePortableSet() throws {
    #expect(InstructionSet.available.first == .portable)
    let portable = try InstructionSet.select("portable")
    #expect(portable == .portable)
    let best = try InstructionSet.select("auto")
    #expect(best == InstructionSet.available.last)
  }

  @Test func unknownNameErrorListsTheKnownOnes() {
    let error = #expect(throws: InstructionSetError.self) { try InstructionSet.select("sse9") }
    #expect(
      error?.description
        == "unknown instruction set 'sse9'; expected one of auto, portable, avx2, avx512")
  }

  @Test func absentSetErrorListsThePresentOnes() {
    for set in InstructionSet.allCases where !InstructionSet.available.contains(set) {
      let error = #expect(throws: InstructionSetError.self) {
        try InstructionSet.select(set.rawValue)
      }
      #expect(error?.description.contains("no '\(set.rawValue)' instructions") == true)
    }
  }

  @Test(arguments: InstructionSet.available, Precision.allCases)
  func slowKernelsSayWhy(set: InstructionSet, precision: Precision) {
    let kernels = Kernels(set, precision: precision)
    let isLastResort = Self.isX86 && set == .portable
    #expect(kernels.remarks.contains { $0.contains("portable instructions") } == isLastResort)
    #expect(kernels.remarks.contains { $0.contains("bf16 pairs") } == kernels.emulatesPairs)
    #expect(kernels.emulatesPairs == (precision == .bf16 && !precision.hasInstructions(in: set)))
  }

  private static var isX86: Bool {
    #if arch(x86_64)
      true
    #else
      false
    #endif
  }

  @Test(.enabled(if: isX86, "arm64 has no better instructions than its portable ones"))
  func portableInstructionsOfX86AreALastResort() {
    let old = Kernels.lastResort(.portable, available: [.portable])
    #expect(
      old?.problem
        == "without AVX2 and FMA training is tens of times slower: portable instructions are a "
        + "last resort")
    #expect(old?.remedy.contains("virtual machine") == true)
    let chosen = Kernels.lastResort(.portable, available: [.portable, .avx2])
    #expect(
      chosen?.problem == "portable instructions were chosen; avx2 is tens of times faster here")
    #expect(chosen?.remedy == "leave out --isa and GRU_DIST_ISA")
    #expect(Kernels.lastResort(.avx2, available: [.portable, .avx2]) == nil)
  }

  @Test(arguments: InstructionSet.available) func peakIsMeasured(set: InstructionSet) {
    let kernels = Kernels(set)
    #expect(kernels.measurePeak(seconds: 0.01) > 0)
    #expect(kernels.panelWidth == 2 * kernels.vectorWidth)
  }
}

/// Runs `Tests/check-kernels` on the objects of this build.
@Suite struct ObjectCodeTests {
  private static var canLook: Bool {
    #if os(Linux) && (arch(x86_64) || arch(arm64))
      return ["/usr/bin/nm", "/usr/bin/objdump", "/usr/bin/awk", "/bin/bash"].allSatisfy {
        FileManager.default.isExecutableFile(atPath: $0)
      }
    #else
      return false
    #endif
  }

  @Test(.enabled(if: canLook, "needs x86-64 or arm64 Linux with binutils, awk and bash"))
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
