import Cells
import Collectives
import Corpora
import Datasets
import Tables
import Engine
import Foundation
import GRUCore
import Kernels
import Records
import Tasks
import Testing

@testable import Scoring

/// Intervals, scores of distributions and backtests are what one gets by hand.
@Suite struct ForecastIntervalTests {
  @Test func massesAreThoseOfTables() {
    func normal(_ z: Double) -> Double { PredictiveDistribution.normalMass(within: z) }
    #expect(abs(normal(1) - 0.682_689_492_137_085_9) < 1e-14)
    #expect(abs(normal(1.959_963_984_540_054) - 0.95) < 1e-14)
    #expect(abs(normal(5) - 0.999_999_426_696_856_2) < 1e-14)
    #expect(normal(0) == 0)
    #expect(normal(40) == 1)
    func student(_ t: Double, _ freedom: Double) -> Double {
      PredictiveDistribution.studentMass(within: t, freedom: freedom)
    }
    for t in [0.01, 0.5, 1, 3, 30, 1e6] {
      // Of 2 and 4 degrees of freedom there are closed forms.
      #expect(abs(student(t, 2) - t / (2 + t * t).squareRoot()) < 1e-13)
      let x = t / (4 + t * t).squareRoot()
      #expect(abs(student(t, 4) - x * (1.5 - 0.5 * x * x)) < 1e-13)
    }
    #expect(abs(student(2.228_138_851_964_939, 10) - 0.95) < 1e-10)
    #expect(abs(student(1.3, 9e4) - normal(1.3)) < 1e-5)
    #expect(student(0, 7) == 0)
  }

  @Test func forecastsThatAreNoNumbersHaveNoScore() {
    for z in [Double.nan, .infinity, -.infinity] {
      #expect(PredictiveDistribution.normalScore(z).isNaN)
      for freedom in [2.5, 1e6, .nan] {
        #expect(PredictiveDistribution.studentScore(z, freedom: freedom).isNaN)
      }
    }
    #expect(PredictiveDistribution.studentScore(1, freedom: .nan).isNaN)
  }

  @Test func intervalsReachAsFarAsTablesSay() {
    let reach = IntervalReach(level: 0.95)
    #expect(abs(reach.ofNormal - 1.959_963_984_540_054) < 1e-12)
    for (freedom, expected) in [
      (2, 4.302_652_729_911), (3, 3.182_446_305_284), (4, 2.776_445_105_198),
      (10, 2.228_138_851_965), (100, 1.983_971_518_450),
    ] {
      // A cubic between neighbours; the steepest end is exact.
      #expect(abs(reach.ofStudent(freedom: Double(freedom)) - expected) < 1e-5, "\(freedom)")
    }
    #expect(abs(IntervalReach(level: 0.5).ofStudent(freedom: 2) - 0.816_496_580_928) < 1e-12)
  }

  /// The CRPS is the integral of (F(x) - [x >= y])².
  @Test(arguments: [nil, 2.5, 4, 30] as [Double?])
  func scoresAreTheIntegral(freedom: Double?) {
    for z in [0.0, 0.3, 2, 5] {
      func below(_ x: Double) -> Double {
        let mass =
          freedom.map { PredictiveDistribution.studentMass(within: abs(x), freedom: $0) }
          ?? PredictiveDistribution.normalMass(within: abs(x))
        return 0.5 + (x < 0 ? -0.5 : 0.5) * mass
      }
      var sum = 0.0
      let step = 1e-3
      for index in -100_000..<100_000 {
        let x = (Double(index) + 0.5) * step
        let distance = below(x) - (x >= z ? 1 : 0)
        sum += distance * distance * step
      }
      let score =
        freedom.map { PredictiveDistribution.studentScore(z, freedom: $0) }
        ?? PredictiveDistribution.normalScore(z)
      #expect(abs(score - sum) < 2e-4, "\(z): \(score), \(sum)")
    }
  }

  private static let (steps, window, horizon) = (60, 9, 5)
  private static let rows = (0..<steps).map { step in
    [[10.0, 14, 11, 30][step % 4] + Double(step % 3), Double(step * step % 17) - 40]
  }

  /// What is measured, and by column and number of forecast what the model says.
  private struct Result {
    var score: Score
    var frame: TaskFrame
    var outputs: [[NamedNumber]] = []
  }

  private func result(
    _ loss: TaskShape.Loss, ranks: Int = 1, threads: Int = 1, stride: Int = 1,
    intervals: [Double]? = nil, isBacktest: Bool = false, set: InstructionSet = .portable
  ) throws -> Result {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("intervals-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("data.csv")
    let text = "a,b\n" + Self.rows.map { "\($0[0]),\($0[1])\n" }.joined()
    try Data(text.utf8).write(to: file)
    var task = TaskName.forecasting.description(readout: .last, loss: loss)
    if loss == .quantile { task.quantiles = [0.1, 0.25, 0.5, 0.75, 0.9] }
    var request = SequenceRequest(task: task, rows: 8, window: Self.window, seed: 1)
    (request.train, request.valid) = (file.path, file.path)
    (request.normalizes, request.horizon, request.stride) = (true, Self.horizon, stride)
    request.sequenceColumn = nil
    let data = try SequenceData(request)
    let frame = try #require(data.frame)
    let validation = try #require(data.validation)
    let results = try ThreadWorld.run(ranks: ranks) { communicator in
      var shape = ModelShape(
        cell: .gruResetBefore, vocabularySize: data.outputs, embeddingSize: 2, hiddenSize: 6,
        layerCount: 1)
      shape.task = task.shape()
      let replica = try Replica(
        shape: shape, kernels: Kernels(set), window: Self.window,
        plan: ShardPlan(sequences: 8, shards: 4, ranks: ranks, threads: threads),
        rank: communicator.rank)
      replica.initialize(seed: 3)
      let scorer = Scorer(
        task: task,
        decoder: try OutputDecoder(
          task: task, tokenizer: .byte, frame: frame, outputs: data.outputs, path: "test"),
        frame: frame, replica: replica, communicator: communicator)
      if intervals != nil || isBacktest {
        scorer.measureForecasts(
          intervals: intervals, originsOf: isBacktest ? .sequences(validation) : nil)
      }
      var result = Result(score: try scorer.score(on: .sequences(validation)), frame: frame)
      if ranks == 1 {
        try scorer.forEachOutput(of: .sequences(validation)) { _, output in
          if case .values(let steps) = output { result.outputs.append(steps.flatMap { $0 }) }
        }
      }
      return result
    }
    for other in results {
      #expect(other.score.measures == results[0].score.measures)
      #expect(other.score.tables == results[0].score.tables)
    }
    return results[0]
  }

  /// Rows of a table of figures.
  private func rows(_ name: String, _ score: Score) throws -> [OrderedJSON] {
    guard case .array(let rows)? = score.tables[name] else {
      Issue.record("no table \(name)")
      return []
    }
    return rows
  }

  @Test(arguments: [TaskShape.Loss.gaussian, .studentT])
  func coverageWidthAndScoreAreThoseByHand(loss: TaskShape.Loss) throws {
    let result = try result(loss, intervals: [0.3, 0.9])
    let perTarget = loss == .gaussian ? 2 : 3
    let deviations = try #require(result.frame.deviations)
    let reaches = [0.3, 0.9].map { IntervalReach(level: $0) }
    var (covered, widths, score, count) = ([0.0, 0.0], [0.0, 0.0], 0.0, 0.0)
    for (window, numbers) in result.outputs.enumerated() {
      for ahead in 0..<Self.horizon {
        for column in 0..<2 {
          let place = (ahead * 2 + column) * perTarget
          let target = Self.rows[window + Self.window + ahead][column]
          let scale = numbers[place + 1].number / deviations[column]
          let distance = abs(numbers[place].number - target) / deviations[column] / scale
          let freedom = loss == .gaussian ? Double.infinity : numbers[place + 2].number
          for (index, reach) in reaches.enumerated() {
            let own = reach.ofStudent(freedom: freedom)
            covered[index] += distance <= own ? 1 : 0
            widths[index] += 2 * own * scale
          }
          score += scale * PredictiveDistribution.studentScore(distance, freedom: freedom)
          count += 1
        }
      }
    }
    let table = try rows("intervals", result.score)
    for index in 0..<2 {
      #expect(table[index]["level"]?.doubleValue == [0.3, 0.9][index])
      let coverage = try #require(table[index]["coverage"]?.doubleValue)
      #expect(abs(coverage - covered[index] / count) < 1e-9)
      let width = try #require(table[index]["width"]?.doubleValue)
      #expect(abs(width - widths[index] / count) < 1e-5)
    }
    let crps = try #require(result.score.measures["crps"]?.doubleValue)
    #expect(abs(crps - score / count) < 1e-5)
    // A point's is the size of its error.
    #expect(
      result.score.measures["crps_of_last_value"]
        == result.score.figures.baselines[0].values["mae"].map { .number($0) })
  }

  @Test func quantilesMakeIntervalsAroundTheMiddle() throws {
    let result = try result(.quantile)
    let table = try rows("intervals", result.score)
    #expect(table.map { $0["level"]?.doubleValue } == [0.5, 0.8])
    var (covered, count) = (0.0, 0.0)
    for (window, numbers) in result.outputs.enumerated() {
      for ahead in 0..<Self.horizon {
        for column in 0..<2 {
          let place = (ahead * 2 + column) * 5
          let target = Self.rows[window + Self.window + ahead][column]
          if numbers[place].number <= target, target <= numbers[place + 4].number { covered += 1 }
          count += 1
        }
      }
    }
    #expect(abs(try #require(table[1]["coverage"]?.doubleValue) - covered / count) < 1e-9)
    #expect(result.score.measures["crps"] == nil)
    #expect(try self.result(.squaredError).score.tables["intervals"] == nil)
  }

  @Test func originsAreMeasuredByThemselves() throws {
    let result = try result(.squaredError, stride: 5, isBacktest: true)
    let table = try rows("origins", result.score)
    // Windows of 9 and 5 steps to forecast: origins after 9, 14, ... and 54 of 60 rows.
    #expect(table.map { $0["after_row"] } == (0..<10).map { .integer(9 + 5 * $0) })
    #expect(table.allSatisfy { $0["targets"] == 10 })
    let deviations = try #require(result.frame.deviations)
    for (index, row) in table.enumerated() {
      let origin = 9 + 5 * index
      var sum = 0.0
      for ahead in 0..<Self.horizon {
        for column in 0..<2 {
          let error = Self.rows[origin - 1][column] - Self.rows[origin + ahead][column]
          sum += abs(error) / deviations[column] / 10
        }
      }
      let naive = try #require(row["mae_of_last_value"]?.doubleValue)
      #expect(abs(naive - sum) < 1e-6)
    }
    let mean = table.compactMap { $0["mse"]?.doubleValue }.reduce(0, +) / 10
    #expect(abs(mean - result.score.value(of: result.score.task.metrics[0])) < 1e-6)
  }

  @Test(arguments: [TaskShape.Loss.gaussian, .studentT, .quantile])
  func figuresAreTheSameBitsAnywhere(loss: TaskShape.Loss) throws {
    let one = try result(loss, stride: 2, isBacktest: true).score
    for (ranks, threads) in [(2, 1), (1, 4), (4, 1)] {
      let other = try result(
        loss, ranks: ranks, threads: threads, stride: 2, isBacktest: true
      ).score
      #expect(other.measures == one.measures)
      #expect(other.tables == one.tables)
    }
    for set in InstructionSet.available {
      let other = try result(loss, stride: 2, isBacktest: true, set: set).score
      #expect(other.measures == one.measures)
      #expect(other.tables == one.tables)
    }
  }
}
