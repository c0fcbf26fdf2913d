import Datasets
import Foundation
import Records
import Tasks
import Testing

/// Seasons are found where there are some, and nowhere else.
@Suite struct SeasonTests {
  private func frame(
    _ values: [Double], window: Int = 60, season: Int? = nil
  ) throws -> TaskFrame {
    let folder = try DataFolder(
      "series.csv", "x\n" + values.map { "\($0)\n" }.joined())
    var request = folder.request(.forecasting)
    request.window = window
    request.season = season
    return try #require(try SequenceData(request).frame)
  }

  private func noise(seed: UInt64, _ count: Int) -> [Double] {
    var random = SeededNumbers(seed: seed)
    return (0..<count).map { _ in Double.random(in: -1...1, using: &random) }
  }

  @Test(arguments: [4, 7, 12, 24])
  func seasonsAreFound(season: Int) throws {
    let noise = noise(seed: 5, 600)
    let values = noise.indices.map { step in
      3 * sin(2 * Double.pi * Double(step) / Double(season)) + 0.3 * noise[step]
    }
    #expect(try frame(values).season == season)
    // What a window does not hold cannot be repeated.
    #expect(try frame(values, window: season - 1).season == nil)
    #expect(try frame(values, season: 9).season == 9)
    #expect(try frame(values, season: 1).season == nil)
  }

  @Test func walksAndNoiseHaveNoSeason() throws {
    let noise = noise(seed: 9, 600)
    var sum = 0.0
    let walk = noise.map { step -> Double in
      sum += step
      return sum
    }
    let found = try frame(walk)
    #expect(found.season == nil)
    let steps = zip(walk.dropFirst(), walk).map { abs($0 - $1) }
    let mean = steps.reduce(0, +) / Double(steps.count)
    #expect(abs(try #require(found.naiveErrors?.first) - mean) < 1e-12)
    #expect(try frame(noise).season == nil)
  }

  @Test func framesKeepThem() throws {
    let frame = try frame((0..<200).map { Double($0 % 7) })
    #expect(frame.season == 7)
    #expect(try TaskFrame(json: try JSONFields(frame.json)) == frame)
    var damaged = frame
    damaged.naiveErrors = [1, 2]
    #expect(throws: JSONFieldError.self) {
      try damaged.check(task: TaskName.forecasting.description, horizon: 1, normalizes: false)
    }
  }
}
