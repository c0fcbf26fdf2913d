import Configuration
import Engine
import Foundation
import Testing

@Suite struct LearningRateScheduleTests {
  private func schedule(
    _ name: String, warmup: Int, steps: Int, final: Double = 0.1, more: String = ""
  ) throws -> LearningRateSchedule {
    let json = """
      {"data": {"train": "t"}, "optimizer": {"schedule": {"name": "\(name)", \
      "warmup_steps": \(warmup), "final_fraction": \(final)\(more)}}}
      """
    let config = try Config(json: Array(json.utf8), file: "c")
    return LearningRateSchedule(peak: 0.002, config: config.optimizer.schedule, steps: steps)
  }

  @Test(arguments: ["constant", "linear", "cosine", "step", "plateau", "warmup_stable_decay"])
  func warmUpRisesLinearlyToThePeak(name: String) throws {
    let schedule = try schedule(name, warmup: 10, steps: 100)
    for step in 1...10 {
      #expect(abs(schedule.rate(atStep: step) - 0.0002 * Double(step)) < 1e-18)
    }
    #expect(schedule.rate(atStep: 10) == 0.002)
  }

  @Test func constantStays() throws {
    let schedule = try schedule("constant", warmup: 0, steps: 100)
    #expect((1...100).allSatisfy { schedule.rate(atStep: $0) == 0.002 })
  }

  @Test func linearAndCosineEndAtTheFinalFraction() throws {
    for name in ["linear", "cosine"] {
      let schedule = try schedule(name, warmup: 20, steps: 120)
      #expect(abs(schedule.rate(atStep: 120) - 0.0002) < 1e-16)
      #expect(abs(schedule.rate(atStep: 70) - 0.0011) < 1e-16)
      let rates = (20...120).map { schedule.rate(atStep: $0) }
      #expect(zip(rates, rates.dropFirst()).allSatisfy { $0 > $1 })
      // Beyond the end, where a resumed run may stand, the last rate stays.
      #expect(schedule.rate(atStep: 500) == schedule.rate(atStep: 120))
    }
  }

  @Test func cosineFollowsTheFormula() throws {
    let schedule = try schedule("cosine", warmup: 5, steps: 50)
    for step in 6...50 {
      let progress = Double(step - 5) / 45
      let expected = 0.002 * (0.1 + 0.9 * 0.5 * (1 + cos(Double.pi * progress)))
      // Double rounding in a handful of operations.
      #expect(abs(schedule.rate(atStep: step) - expected) < 1e-17)
    }
  }

  @Test func warmUpMayLastTheWholeRun() throws {
    let schedule = try schedule("cosine", warmup: 100, steps: 10)
    #expect(abs(schedule.rate(atStep: 10) - 0.0002) < 1e-18)
    let equal = try self.schedule("linear", warmup: 10, steps: 10)
    #expect(equal.rate(atStep: 10) == 0.002)
    #expect(equal.rate(atStep: 11).isFinite)
  }

  @Test func stepScheduleMultipliesByTheFactor() throws {
    let schedule = try schedule(
      "step", warmup: 4, steps: 30, more: ", \"factor\": 0.5, \"step_every\": 10")
    #expect((5...14).allSatisfy { schedule.rate(atStep: $0) == 0.002 })
    #expect((15...24).allSatisfy { schedule.rate(atStep: $0) == 0.001 })
    #expect(schedule.rate(atStep: 25) == 0.0005)
  }

  @Test func plateauScheduleFallsOnlyWhenValidationStalls() throws {
    let schedule = try schedule("plateau", warmup: 0, steps: 30)
    for step in [1, 17, 1000] {
      #expect(schedule.rate(atStep: step) == 0.002)
      #expect(schedule.rate(atStep: step, decays: 1) == 0.0005)
      #expect(schedule.rate(atStep: step, decays: 3) == 0.002 / 64)
    }
    // Other schedules know nothing of it.
    let constant = try self.schedule("constant", warmup: 0, steps: 30)
    #expect(constant.rate(atStep: 3, decays: 2) == 0.002)
  }

  @Test func stablePhaseEndsInDecay() throws {
    let schedule = try schedule(
      "wsd", warmup: 10, steps: 100, final: 0, more: ", \"decay_steps\": 20")
    #expect((10...80).allSatisfy { schedule.rate(atStep: $0) == 0.002 })
    #expect(abs(schedule.rate(atStep: 90) - 0.001) < 1e-18)
    #expect(schedule.rate(atStep: 100) == 0)
    #expect(schedule.rate(atStep: 101) == 0)
  }
}
