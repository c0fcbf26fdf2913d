import Checkpoints
import Foundation
import Testing

@testable import Training

@Suite struct ValidationMemoryTests {
  private func schedule(_ patience: Int) throws -> ScheduleConfig {
    let json = """
      {"data": {"train": "t"}, "optimizer": {"schedule": {"name": "plateau", \
      "patience": \(patience)}}}
      """
    return try Config(json: Array(json.utf8), file: "c").optimizer.schedule
  }

  private func falls(_ losses: [Double], patience: Int) throws -> [Bool] {
    let schedule = try schedule(patience)
    var memory = ValidationMemory()
    return losses.map { memory.note(loss: $0, schedule: schedule) }
  }

  @Test func theRateFallsWhenTheLossDoesNot() throws {
    #expect(try falls([5, 4, 4, 3, 3.5, 3.5], patience: 1) == [
      false, false, true, false, true, true,
    ])
  }

  @Test func patienceStartsAnewAfterAFallAndALowerLoss() throws {
    #expect(try falls([5, 6, 6, 6, 6, 4, 5, 5], patience: 2) == [
      false, false, true, false, true, false, false, true,
    ])
  }

  @Test func aLossThatIsNotFiniteIsNoProgress() throws {
    #expect(try falls([.nan, 5, .infinity, 4], patience: 1) == [true, false, true, false])
  }

  @Test func theMemorySurvivesJSON() throws {
    var memory = ValidationMemory()
    let schedule = try schedule(1)
    for loss in [5.1234567890123456, 0.1 + 0.2, 7] { _ = memory.note(loss: loss, schedule: schedule) }
    let text = try JSONCoding.encodeCompact(memory, file: "m")
    #expect(try JSONCoding.decode(ValidationMemory.self, from: text, path: "m") == memory)
    #expect(memory.best == 0.1 + 0.2)
    #expect(memory.stalled == 1)
    #expect(memory.decays == 1)
  }
}
