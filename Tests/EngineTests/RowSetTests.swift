import Collectives
import Testing

@testable import Engine

extension RowSet {
  var count: Int {
    (0..<wordCount).reduce(0) { $0 + words[$1].nonzeroBitCount }
  }
}

@Suite struct RowSetTests {
  private func withSet(
    rows: Int, length: Int, density: Double, seed: UInt64, _ body: (RowSet, Set<Int>) throws -> Void
  ) rethrows {
    var random = SeededGenerator(state: seed)
    let words = UnsafeMutablePointer<UInt64>.allocate(capacity: RowSet.wordCount(ofRows: rows))
    defer { words.deallocate() }
    let set = RowSet(rowCount: rows, rowLength: length, words: words)
    set.removeAll()
    let members = Set((0..<rows).filter { _ in Double.random(in: 0..<1, using: &random) < density })
    for row in members { set.insert(row) }
    try body(set, members)
  }

  @Test(arguments: [(1, 3), (63, 5), (64, 1), (65, 7), (200, 2), (300, 11)])
  func rangesAndRowsEqualAPlainSet(rows: Int, length: Int) {
    for (seed, density) in [0, 0.03, 0.5, 0.97, 1].enumerated() {
      withSet(rows: rows, length: length, density: density, seed: UInt64(seed)) { set, members in
        #expect(set.count == members.count)
        for row in 0...rows {
          let next = (row..<max(row, rows)).first { members.contains($0) } ?? rows
          #expect(set.next(from: row, isMember: true) == next)
          let gap = (row..<max(row, rows)).first { !members.contains($0) } ?? rows
          #expect(set.next(from: row, isMember: false) == gap)
        }
        let end = rows * length + 20
        for number in 0..<60 {
          let first = number * 37 % end
          let range = first..<min(end, first + number * 13 % 97)
          var found: [Int] = []
          set.forEachRun(in: range) { found += $0 }
          #expect(found == range.filter { $0 >= set.elementEnd || members.contains($0 / length) })
        }
      }
    }
  }

  @Test(arguments: [(20, 3), (65, 16), (7, 90), (130, 1)])
  func elementsAreCountedUpToEveryBound(rows: Int, length: Int) {
    withSet(rows: rows, length: length, density: 0.4, seed: 9) { set, members in
      for step in [1, 16, 33] {
        let end = rows * length / step * step
        let starts = UnsafeMutablePointer<Int>.allocate(capacity: end / step + 1)
        defer { starts.deallocate() }
        set.countElements(upTo: end, every: step, into: starts)
        for part in 0...end / step {
          #expect(
            starts[part] == (0..<part * step).count { members.contains($0 / length) })
        }
      }
    }
  }

  @Test func updatesCountTheRowsOfThePreviousStep() throws {
    var problem = try TrainingProblem(
      "batch.sequences=8", "batch.window=1", "exchange.sparse=always", "model.embedding=400",
      "optimizer.name=sgd")
    defer { problem.remove() }
    problem.assignments.append("model.layers=1")
    let trainer = try problem.trainer(on: SoloCommunicator()).0
    let touched = try #require(trainer.engine.touched)
    func rows(_ set: RowSet) -> Set<Int> { Set((0..<set.rowCount).filter(set.contains)) }
    _ = try trainer.performStep()
    #expect(touched.recent.count == touched.recent.rowCount)
    for _ in 0..<5 {
      let before = rows(touched.step)
      _ = try trainer.performStep()
      #expect(rows(touched.recent) == before.union(rows(touched.step)))
      #expect(touched.step.count <= 8)
    }
  }
}
