import Checkpoints
import Collectives
import Configuration
import Foundation
import GRUCore
import Runs
import Scoring
import Testing

/// Models of runs that go on, and so remove checkpoints while others read them.
@Suite struct LoadedModelTests {
  private func trained(_ assignments: String...) throws -> TrainingProblem {
    let problem = try TrainingProblem(
      "run.steps=4", "run.validate_every=2", "run.checkpoint_every=0")
    var options = try problem.options(threads: 1)
    options.overrides += assignments.map { ConfigOverride(set: $0) }
    _ = try TrainingRun(options, on: SoloCommunicator(), launchedByMPI: false).perform()
    return problem
  }

  private func parameters(of model: LoadedModel) throws -> [Float] {
    var values = [Float](repeating: 0, count: ParameterTable(shape: model.shape).elementCount)
    try values.withUnsafeMutableBufferPointer { try model.readParameters(into: $0.baseAddress!) }
    return values
  }

  @Test(arguments: ["optimizer.ema_decay=0", "optimizer.ema_decay=0.9"])
  func parametersAreReadAfterTheirCheckpointWasRemoved(option: String) throws {
    let problem = try trained(option)
    defer { problem.remove() }
    let run = problem.folder.path + "/run"
    let model = try LoadedModel(path: run, wanting: nil)
    let before = try parameters(of: model)
    #expect(before.contains { $0 != 0 })
    try FileManager.default.removeItem(atPath: model.checkpoint.path)
    #expect(!model.checkpoint.isThere)
    #expect(try parameters(of: model) == before)
  }

  @Test func theNextBestIsTakenWhereTheBestVanished() throws {
    let problem = try trained()
    defer { problem.remove() }
    let run = problem.folder.path + "/run"
    let best = try LoadedModel(path: run, wanting: .best)
    #expect(best.state.step == 4)
    try FileManager.default.removeItem(atPath: best.checkpoint.path)
    #expect(try LoadedModel(path: run, wanting: nil).state.step == 2)
  }
}
