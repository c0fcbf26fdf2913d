import Checkpoints
import Configuration
import Foundation
import Records
import Runs
import Tasks
import Testing

@Suite struct ValidationMemoryTests {
  private func optimizer(_ patience: Int) throws -> OptimizerConfig {
    let json = """
      {"data": {"train": "t"}, "optimizer": {"name": "asgd", "average_patience": \(patience),
      "schedule": {"name": "plateau", "patience": \(patience)}}}
      """
    return try Config(json: Array(json.utf8), file: "c").optimizer
  }

  private func falls(_ losses: [Double], patience: Int) throws -> [Bool] {
    let optimizer = try optimizer(patience)
    var memory = ValidationMemory()
    return losses.map {
      memory.note(loss: $0, value: $0, by: .loss, optimizer: optimizer).rateFalls
    }
  }

  @Test func rateFallsWhenTheLossDoesNot() throws {
    #expect(
      try falls([5, 4, 4, 3, 3.5, 3.5], patience: 1) == [
        false, false, true, false, true, true,
      ])
  }

  @Test func patienceRestartsAfterAFallOrALowerLoss() throws {
    #expect(
      try falls([5, 6, 6, 6, 6, 4, 5, 5], patience: 2) == [
        false, false, true, false, true, false, false, true,
      ])
  }

  @Test func nonFiniteLossIsNoImprovement() throws {
    #expect(try falls([.nan, 5, .infinity, 4], patience: 1) == [true, false, true, false])
  }

  @Test func roundTripsThroughJSON() throws {
    var memory = ValidationMemory()
    let optimizer = try optimizer(1)
    for loss in [5.1234567890123456, 0.1 + 0.2, 7, .nan] {
      _ = memory.note(loss: loss, value: loss, by: .loss, optimizer: optimizer)
    }
    let json = try OrderedJSON(parsing: try memory.json.sortedLine())
    #expect(try ValidationMemory(json: try JSONFields(json)) == memory)
    #expect(memory.best == 0.1 + 0.2)
    #expect(memory.stalled == 2)
    #expect(memory.decays == 2)
    #expect(memory.recent == [.greatestFiniteMagnitude])
    #expect(memory.earlierBest == 0.1 + 0.2)
    #expect(memory.isAveraging)
  }

  /// Patience goes by the measure, learning rate and averaging by the loss.
  @Test func patienceCountsByTheMeasure() throws {
    let optimizer = try optimizer(1)
    let accuracy = TaskMetric("accuracy", .lossMetric(.higher))
    var memory = ValidationMemory()
    var falls: [Bool] = []
    var stalled: [Int] = []
    for (loss, value) in [(2, 0.5), (3, 0.6), (1, 0.6), (1.5, 0.4), (9, 0.7), (8, .nan)] {
      let decisions = memory.note(loss: loss, value: value, by: accuracy, optimizer: optimizer)
      falls.append(decisions.rateFalls)
      stalled.append(memory.stalled)
    }
    #expect(falls == [false, true, false, true, true, true])
    #expect(stalled == [0, 0, 1, 2, 0, 1])
    #expect(memory.bestValue == 0.7)
    #expect(memory.best == 1)
    #expect(try ValidationMemory(json: try JSONFields(memory.json)) == memory)
  }

  /// Switched on at a resume, all that depends on validations knows the best loss so far.
  @Test func lowestLossIsKnownWhereNothingDependedOnIt() throws {
    let optimizer = try optimizer(1)
    var memory = ValidationMemory(lowestLoss: 2)
    let first = memory.note(loss: 3, value: 3, by: .loss, optimizer: optimizer)
    #expect(first.rateFalls && !first.startsAveraging)
    #expect(memory.stalled == 1)
    let second = memory.note(loss: 2.5, value: 2.5, by: .loss, optimizer: optimizer)
    #expect(second.rateFalls && second.startsAveraging)
    #expect(memory.stalled == 2)
    #expect(ValidationMemory(lowestLoss: nil) == ValidationMemory())
  }

  @Test func averagingStartsWhenTheLossStopsImproving() throws {
    let optimizer = try optimizer(2)
    func starts(_ losses: [Double]) -> Int? {
      var memory = ValidationMemory()
      let decisions = losses.map {
        memory.note(loss: $0, value: $0, by: .loss, optimizer: optimizer).startsAveraging
      }
      #expect(decisions.filter { $0 }.count <= 1)
      return decisions.firstIndex(of: true)
    }
    #expect(starts([5, 4, 3, 2, 1]) == nil)
    // Worse than the last two is not enough: 4.5 is no worse than what came before them.
    #expect(starts([5, 4, 3, 4.5, 4.5]) == 4)
    #expect(starts([5, 4, 3, 4.5]) == nil)
    #expect(starts([5, 6, 7, 8]) == 3)
    #expect(starts([5, 6]) == nil)
    #expect(starts([5, 4, 4, .nan, 9]) == 3)
  }
}
