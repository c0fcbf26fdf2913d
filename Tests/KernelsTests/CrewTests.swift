import Foundation
import Kernels
import Testing

/// Kernels that several threads share: each output is computed once, to the bits of one thread.
@Suite struct CrewTests {
  /// Calls `body` with kernels that a crew shares; all of its helpers come, or none.
  ///
  /// - Returns: how many kernels were shared.
  private func share(
    _ set: InstructionSet, members: Int, come: Bool = true, _ body: (Kernels) -> Void
  ) -> Int {
    let kernels = Kernels(set, leastShared: 0)
    nonisolated(unsafe) let crew = Crew(
      memberCount: members,
      scratchCount: weightGradientScratch(rowsPerShard: Self.rows, columns: 32, stackDepth: 1))
    let helpers = come ? 1..<members : 1..<1
    let gone = DispatchSemaphore(value: 0)
    for member in helpers {
      Thread {
        crew.serve(member: member, kernels)
        gone.signal()
      }.start()
    }
    crew.open()
    body(kernels.shared(by: crew))
    crew.close()
    for _ in helpers { gone.wait() }
    return crew.taskCount
  }

  private static let rows = 24

  /// Kernels of many parts and of few in turn: who is late for one must take no part of the next.
  @Test(arguments: InstructionSet.available, 2...4)
  func productsOfManyPartsAndOfFew(set: InstructionSet, members: Int) {
    let large = ProductProblem(
      rows: 24, columns: 208, segments: 1, segmentLength: 64, start: .matrix)
    let small = ProductProblem(rows: 7, columns: 16, segments: 1, segmentLength: 3, start: .bias)
    let expected = [large, small].map { $0.reference() }
    for come in [true, false] {
      let shared = share(set, members: members, come: come) { kernels in
        let packed = [
          large.packed(columns: 208, panelWidth: kernels.panelWidth),
          small.packed(columns: 16, panelWidth: kernels.panelWidth),
        ]
        for round in 0..<600 {
          let isLarge = round % 3 == 0
          let problem = isLarge ? large : small
          let difference = problem.difference(
            kernels, packed: packed[isLarge ? 0 : 1], rows: problem.rows,
            columns: problem.columns, expected: expected[isLarge ? 0 : 1])
          #expect(difference == nil, "round \(round)")
        }
      }
      #expect(shared == 600)
    }
  }

  /// Outputs enough for several parts of each member.
  @Test(arguments: InstructionSet.available, 2...3)
  func weightGradientsOfManyRows(set: InstructionSet, members: Int) {
    let outputs = 777
    var random = SeededRandom(5)
    let left = GuardedFloats(random.floats(Self.rows * outputs))
    let right = GuardedFloats(random.floats(Self.rows * 32))
    func gradient(_ kernels: Kernels) -> [Float] {
      let packed = GuardedFloats(outputCount: Self.rows * 32)
      let scratch = GuardedFloats(
        outputCount: weightGradientScratch(
          rowsPerShard: Self.rows, columns: 32, stackDepth: 1))
      let sum = GuardedFloats(outputCount: outputs * 33)
      func shardRows(_ base: UnsafePointer<Float>, _ stride: Int) -> ShardRows {
        ShardRows(
          base: base, stride: stride, timeSteps: Self.rows, sequences: 1, sequencesPerShard: 1)
      }
      kernels.packShardColumns(shardRows(right.pointer, 32), columns: 32, to: packed.pointer)
      withUnsafePointer(to: 0) { noFolds in
        withUnsafePointer(to: sum.pointer) { sums in
          kernels.weightGradient(
            WeightGradientArguments(
              left: shardRows(left.pointer, outputs), outputs: outputs, operands: 1,
              right0: packed.pointer, columns0: 32, right1: packed.pointer, columns1: 32,
              folds: noFolds, partialSumCount: 1, partialSums: sums, offset0: 0, width0: 32,
              offset1: 0, width1: 32, biasOffset: outputs * 32, scratch: scratch.pointer,
              stackDepth: 1))
        }
      }
      #expect(sum.guardsAreIntact && scratch.guardsAreIntact && packed.guardsAreIntact)
      return sum.values
    }
    let alone = gradient(Kernels(set))
    let shared = share(set, members: members) { kernels in
      for _ in 0..<20 { #expect(firstDifference(gradient(kernels), alone) == nil) }
    }
    #expect(shared == 40)
  }
}
