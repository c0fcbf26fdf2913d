import Foundation
import Runs
import Testing

@Suite(.serialized) struct WorldSizeWalkTests {
  /// From stop to stop on other numbers of ranks and threads, with a killed run in between.
  @Test func resumesBitIdenticallyAtRandomWorldSizes() throws {
    let scenario = try TrainingScenario("run.steps=24", "run.validate_every=7")
    try scenario.train(scenario.options(run: "whole"), ranks: 1)
    let expected = try scenario.trajectory("whole")
    #expect(expected.count == 24)
    var random = SeededRandom(seed: 4)
    let walks = LongTests.areOn ? 200 : 6
    var legs = 0
    let started = ContinuousClock.now
    for walk in 0..<walks {
      let name = "walk-\(walk)"
      // The first walk is the one that everybody asks for.
      var sizes = walk == 0 ? [4, 2, 1, 3, 4] : []
      while sizes.count < 5 { sizes.append(Int.random(in: 1...8, using: &random)) }
      var step = 0
      for (leg, ranks) in sizes.enumerated() {
        let threads = Int.random(in: 1...max(1, 8 / ranks), using: &random)
        var options = scenario.options(run: name, threads: threads)
        options.resume = true
        step += Int.random(in: 1...5, using: &random)
        if leg < sizes.count - 1, step < 24 { options.stopAfter = step }
        let status = try scenario.train(options, ranks: ranks)
        #expect(status == (options.stopAfter == nil ? 0 : 75))
        legs += 1
        if leg == 2 { try loseNewestCheckpoint(of: scenario.path(name)) }
        if status == 0 { break }
      }
      #expect(try scenario.trajectory(name) == expected, "walk \(walk): \(sizes)")
      try FileManager.default.removeItem(atPath: scenario.path(name))
    }
    LongTests.report(
      "walks over world sizes: \(walks) of \(legs) legs, all to the same end, in "
        + "\(started.secondsUntilNow) s")
  }

  /// As a job that died after steps of which nothing was saved.
  private func loseNewestCheckpoint(of run: String) throws {
    let folder = run + "/checkpoints"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    if names.count > 1, let newest = names.last {
      try FileManager.default.removeItem(atPath: folder + "/" + newest)
    }
  }
}
