import Collectives
import Configuration
import GRUCore
import Kernels
import Testing

@testable import Engine

@Suite struct LazyUpdateTests {
  /// Windows of so few tokens that each leaves some out.
  private static let few = ["batch.sequences=8", "batch.window=2", "optimizer.learning_rate=0.01"]

  @Test(arguments: ["adam", "adamw"])
  func trajectoryIsBitIdenticalAtAnyWorkerCount(name: String) throws {
    var problem = try TrainingProblem()
    defer { problem.remove() }
    problem.assignments += Self.few + ["optimizer.name=\(name)", "optimizer.weight_decay=0.1"]
    let dense = try problem.trajectory(ranks: 1, threads: 1, steps: 8)
    problem.assignments += ["optimizer.lazy=true", "optimizer.ema_decay=0.9"]
    let alone = try problem.trajectory(ranks: 1, threads: 1, steps: 8)
    #expect(alone != dense)
    problem.assignments += ["batch.accumulate=2", "batch.window_jitter=1"]
    let accumulated = try problem.trajectory(ranks: 1, threads: 1, steps: 8)
    #expect(try problem.trajectory(ranks: 3, threads: 1, steps: 8) == accumulated)
    problem.assignments.removeLast(2)
    for (ranks, threads) in [(1, 3), (2, 1), (3, 2), (4, 2)] {
      #expect(
        try problem.trajectory(ranks: ranks, threads: threads, steps: 8, bucketBytes: 1) == alone,
        "\(ranks) ranks x \(threads) threads")
    }
  }

  @Test func rowsWithoutLookupsAreNotUpdated() throws {
    var problem = try TrainingProblem()
    defer { problem.remove() }
    problem.assignments += Self.few + ["optimizer.lazy=true"]
    let trainer = try problem.trainer(on: SoloCommunicator()).0
    // Every row has had gradients by then, so that a dense update would move it.
    for _ in 0..<20 { _ = try trainer.performStep() }
    let shape = trainer.replica.shape
    let table = trainer.replica.table.embeddingWeight
    var left = 0
    for _ in 0..<5 {
      let before = snapshot(trainer)
      _ = try trainer.performStep()
      let after = snapshot(trainer)
      let worker = trainer.replica.workers[0]
      let tokens = Set((0..<16).map { Int(worker.inputs[$0]) })
      for token in 0..<shape.inputVocabularySize {
        let row = table.offset + token * shape.embeddingSize
        let range = row..<row + shape.embeddingSize
        for (old, new) in zip(before, after) {
          #expect((Array(old[range]) == Array(new[range])) == !tokens.contains(token))
        }
        left += tokens.contains(token) ? 0 : 1
      }
      let rest = table.range.upperBound
      #expect(before[0][rest...] != after[0][rest...])
    }
    #expect(left > 0)
  }

  private func snapshot(_ trainer: Trainer) -> [[Float]] {
    let count = trainer.replica.table.elementCount
    let arenas = [trainer.replica.parameters.pointer, trainer.optimizer.moment(0)]
    return arenas.map { (arena: UnsafeMutablePointer<Float>) in
      Array(UnsafeBufferPointer(start: arena, count: count))
    }
  }

  @Test func touchedRangesCoverEveryTouchedRow() throws {
    var problem = try TrainingProblem()
    defer { problem.remove() }
    problem.assignments += Self.few + ["optimizer.lazy=true"]
    let trainer = try problem.trainer(on: SoloCommunicator()).0
    _ = try trainer.performStep()
    let touched = try #require(trainer.engine.touched?.step)
    let worker = trainer.replica.workers[0]
    let tokens = Set((0..<16).map { Int(worker.inputs[$0]) })
    let count = trainer.replica.table.elementCount
    for number in 0..<200 {
      let first = number < 150 ? number : number * 37 % count
      let range = first..<min(count, first + number * 13 % 900)
      let expected = range.filter {
        $0 >= touched.elementEnd || tokens.contains($0 / touched.rowLength)
      }
      var found: [Int] = []
      var run = touched.nextRun(from: range.lowerBound, in: range)
      while !run.isEmpty {
        found += run
        run = touched.nextRun(from: run.upperBound, in: range)
      }
      #expect(found == expected, "\(range)")
    }
  }

  @Test func rejectsUnsupportedCombinations() throws {
    func message(_ assignments: String...) -> String {
      do {
        _ = try Config(
          json: Array(#"{"data": {"train": "t"}}"#.utf8), file: "c.json",
          overrides: assignments.map { ConfigOverride(set: $0) })
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(message("optimizer.lazy=true").isEmpty)
    #expect(
      message("optimizer.lazy=true", "optimizer.name=sgd").contains(
        "optimizer.lazy: is for adam and adamw, and optimizer.name is \"sgd\""))
    #expect(
      message("optimizer.lazy=true", "model.tie_weights=true", "model.embedding=512").contains(
        "optimizer.lazy: leaves rows of the embedding alone"))
  }
}
