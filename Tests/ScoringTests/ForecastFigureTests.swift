import Cells
import Collectives
import Corpora
import Datasets
import Engine
import Foundation
import GRUCore
import Kernels
import Records
import Scoring
import Tasks
import Testing

/// Naive forecasts are what one gets from the file by hand.
@Suite struct ForecastFigureTests {
  private static let steps = 96
  private static let horizon = 5
  private static let window = 9

  /// A column with a season of 4 steps, and one that rises and falls.
  private static let rows = (0..<steps).map { step in
    [[10.0, 14, 11, 30][step % 4] + Double(step % 3), Double(step * step % 17) - 40]
  }

  private func score(folder: URL, ranks: Int, threads: Int) throws -> Score {
    let file = folder.appendingPathComponent("data.csv")
    let text = "a,b\n" + Self.rows.map { "\($0[0]),\($0[1])\n" }.joined()
    try Data(text.utf8).write(to: file)
    var request = SequenceRequest(
      task: TaskName.forecasting.description, rows: 8, window: Self.window, seed: 1)
    request.train = file.path
    request.valid = file.path
    request.normalizes = true
    request.horizon = Self.horizon
    request.sequenceColumn = nil
    let data = try SequenceData(request)
    let frame = try #require(data.frame)
    #expect(frame.season == 4)
    let naive = (4..<Self.steps).map { abs(Self.rows[$0][0] - Self.rows[$0 - 4][0]) }
    let errors = try #require(frame.naiveErrors)
    #expect(abs(errors[0] - naive.reduce(0, +) / Double(naive.count)) < 1e-12)
    let validation = try #require(data.validation)
    let task = request.task
    let results = try ThreadWorld.run(ranks: ranks) { communicator in
      var shape = ModelShape(
        cell: .gruResetBefore, vocabularySize: data.outputs, embeddingSize: 2, hiddenSize: 6,
        layerCount: 1)
      shape.task = task.shape()
      let replica = try Replica(
        shape: shape, kernels: Kernels(.portable), window: Self.window,
        plan: ShardPlan(sequences: 8, shards: 4, ranks: ranks, threads: threads),
        rank: communicator.rank)
      replica.initialize(seed: 3)
      return try Scorer(
        task: task,
        decoder: OutputDecoder(
          task: task, tokenizer: .byte, frame: frame, outputs: data.outputs, path: "test"),
        frame: frame, replica: replica, communicator: communicator
      ).score(on: .sequences(validation))
    }
    for result in results { #expect(result.measures == results[0].measures) }
    return results[0]
  }

  @Test func naiveForecastsEqualThoseByHand() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("forecasts-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let score = try score(folder: folder, ranks: 1, threads: 1)
    let json = score.measures
    let columns = (0..<2).map { column in Self.rows.map { $0[column] } }
    let means = columns.map { $0.reduce(0, +) / Double($0.count) }
    let deviations = zip(columns, means).map { values, mean in
      (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
    }
    func error(_ lag: (Int) -> Int, _ measure: (Double) -> Double) -> Double {
      var (sum, count) = (0.0, 0.0)
      for first in 0...Self.steps - Self.window - Self.horizon {
        for ahead in 0..<Self.horizon {
          for column in 0..<2 {
            let step = first + Self.window + ahead
            let naive = columns[column][step - lag(ahead)]
            sum += measure((naive - columns[column][step]) / deviations[column])
            count += 1
          }
        }
      }
      return sum / count
    }
    let last = { (ahead: Int) in ahead + 1 }
    let season = { (ahead: Int) in ahead < 4 ? 4 : 8 }
    for (key, expected) in [
      ("mse_of_last_value", error(last) { $0 * $0 }), ("mae_of_last_value", error(last, abs)),
      ("mse_of_seasonal_value", error(season) { $0 * $0 }),
      ("mae_of_seasonal_value", error(season, abs)),
    ] {
      let found = try #require(json[key]?.doubleValue)
      #expect(abs(found - expected) < 1e-6 * expected, "\(key): \(found), \(expected)")
    }
    // The error in units of the data, over the naive one of training.
    guard case .array(let rows)? = score.tables["columns"] else {
      Issue.record("no columns")
      return
    }
    #expect(rows.count == 2)
    #expect(rows[0]["column"] == "a")
    #expect(score.figures.tables[1].rows.count == Self.horizon)
    #expect(json["mase"]?.doubleValue?.isFinite == true)
    #expect(json["smape"]?.doubleValue ?? -1 > 0)
    // All means over columns and steps are the task's own metrics.
    let steps = score.figures.tables[1].rows
    let squares = steps.map { row in if case .number(let value?) = row[1] { value } else { 0.0 } }
    let mean = squares.reduce(0, +) / Double(Self.horizon)
    #expect(abs(mean - score.value(of: score.task.metrics[0])) < 1e-6 * mean)
  }

  @Test func figuresAreTheSameBitsAtAnyRankAndThreadCount() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("forecasts-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let alone = try score(folder: folder, ranks: 1, threads: 1)
    for (ranks, threads) in [(1, 3), (2, 1), (3, 1), (4, 1), (2, 2)] {
      let other = try score(folder: folder, ranks: ranks, threads: threads)
      #expect(other.measures == alone.measures, "\(ranks) x \(threads)")
      #expect(other.tables == alone.tables, "\(ranks) x \(threads)")
    }
  }
}
