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

  @Test(arguments: InstructionSet.available) func peakIsMeasured(set: InstructionSet) {
    let kernels = Kernels(set)
    #expect(kernels.measurePeak(seconds: 0.01) > 0)
    #expect(kernels.panelWidth == 2 * kernels.vectorWidth)
  }
}
