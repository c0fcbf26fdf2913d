import Kernels
import Testing

@testable import Engine

@Suite struct RehearsedPassTests {
  /// A pass over a file of some batches, in a run that has done `before` of them.
  private func pass(
    fileBatches: Int, share: Double, before: Int = 100, rehearsedBefore: Int = 70
  ) -> RehearsedPass {
    func source(_ words: Int) -> BatchSource {
      .random(vocabularySize: words, window: 4, Philox(seed: 1, purpose: .initialization))
    }
    return RehearsedPass(
      plan: RehearsedPass.Plan(fileBatches: fileBatches, share: share), before: before,
      targetsBefore: 1000, file: source(2), rehearsed: source(3),
      rehearsedBefore: rehearsedBefore)
  }

  private func isOfFile(_ source: BatchSource) -> Bool {
    if case .random(let words, _, _) = source { words == 2 } else { false }
  }

  @Test(arguments: [1, 7, 16, 24, 31, 32, 33, 64, 100, 1001], [0, 0.1, 0.25, 0.5, 0.9, 0.99])
  func everyBatchOfTheFileIsReadOnceAndInOrder(fileBatches: Int, share: Double) {
    let plan = RehearsedPass.Plan(fileBatches: fileBatches, share: share)
    let pass = pass(fileBatches: fileBatches, share: share)
    for perStep in [1, 3] {
      let count = plan.count(perStep: perStep)
      #expect(count.isMultiple(of: perStep))
      let places = (1...count).map { pass.place(of: 100 + $0) }
      let ofFile = places.filter { isOfFile($0.source) }.map(\.number)
      #expect(ofFile == Array(1...fileBatches))
      let rehearsed = places.filter { !isOfFile($0.source) }.map(\.number)
      #expect(rehearsed == Array(71..<71 + count - fileBatches))
      // The share, but for what fills up the last batches.
      let wanted = Double(fileBatches) * Double(plan.rehearsals) / Double(32 - plan.rehearsals)
      #expect(Double(rehearsed.count) >= wanted)
      #expect(Double(rehearsed.count) <= wanted + Double(plan.rehearsals + perStep))
      let targets = pass.targetCount(of: 100 + count, perBatch: 5)
      #expect(targets == 1000 + 5 * count)
      #expect(pass.targetCount(of: 100, perBatch: 5) == 1000)
    }
  }

  @Test func statesBeginAnewWhereTheKindOfBatchChanges() {
    let pass = pass(fileBatches: 60, share: 0.25)
    let starts = (1...80).filter { pass.startsAnew(at: 100 + $0) }
    // 24 batches of the file, 8 that are rehearsed, and so on; the first, and each change.
    #expect(starts == [1, 25, 33, 57, 65, 77])
  }
}
