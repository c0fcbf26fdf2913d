import Collectives
import Configuration
import Engine
import Foundation
import Kernels
import Records
import Testing

@testable import Runs

/// What a validation leaves for status pages: the same on any number of ranks, in the data's units.
@Suite struct ValidationReportTests {
  private static func scenario(_ task: String) throws -> TaskFiles {
    let found = TaskScenario.all.first { $0.task == task }
    return try #require(found).files()
  }

  private func report(
    _ files: TaskFiles, ranks: Int = 1, threads: Int = 1, _ sets: [String]
  ) throws -> OrderedJSON {
    var options = try files.options(threads: threads, ["run.steps=20"] + sets)
    options.overwrite = true
    let asked = options
    let statuses = try ThreadWorld.run(ranks: ranks) { communicator in
      try TrainingRun(asked, on: communicator, launchedByMPI: false).perform()
    }
    #expect(statuses.allSatisfy { $0 == 0 })
    return try #require(RunFiles.read("\(files.folder.path)/run/\(RunFiles.validation)"))
  }

  private func numbers(_ value: OrderedJSON?) -> [Double] {
    guard case .array(let values)? = value else { return [] }
    return values.map { $0.doubleValue ?? .nan }
  }

  /// Past and truth are a stretch of the file, and so is no other stretch.
  @Test(arguments: ["squared", "quantile", "gaussian"])
  func forecastsAreInUnitsOfTheData(loss: String) throws {
    let files = try Self.scenario("forecasting")
    let sets = ["output.loss=\(loss)"]
    let report = try report(files, sets)
    #expect(report["step"] == 20)
    guard case .array(let forecasts)? = report["examples"]?["forecasts"] else {
      Issue.record("no forecasts: \(report.line)")
      return
    }
    #expect(forecasts.count == 12)
    #expect(Set(forecasts.map { $0["column"]?.stringValue }) == ["a", "b"])
    for forecast in forecasts {
      let isFirst = forecast["column"] == "a"
      let came = numbers(forecast["past"]) + numbers(forecast["truth"])
      #expect(came.count == 24 + 3)
      func value(_ step: Int) -> Double {
        isFirst ? Elementary.sin(Double(step) / 3) : Elementary.cos(Double(step) / 3) * 5 + 2
      }
      let starts = (0..<300 - 26).filter { start in
        came.indices.allSatisfy { abs(came[$0] - value(start + $0)) < 2e-5 }
      }
      #expect(starts.count == 1, "\(forecast.line)")
      #expect(numbers(forecast["forecast"]).count == 3)
      guard case .array(let bands)? = forecast["bands"] else { continue }
      #expect(bands.isEmpty == (loss == "squared"))
      for band in bands where loss == "gaussian" {
        let (low, high) = (numbers(band["low"]), numbers(band["high"]))
        for step in 0..<3 {
          let middle = numbers(forecast["forecast"])[step]
          #expect(low[step] < middle && middle < high[step])
        }
      }
    }
    let other = try self.report(files, ranks: 3, threads: 2, sets)
    #expect(other == report)
  }

  @Test func tablesHaveHeadsAndRows() throws {
    let files = try Self.scenario("classification")
    let report = try report(files, [])
    let confusion = try #require(report["tables"]?["confusion"])
    #expect(confusion["columns"]?.line == #"["class","down","up"]"#)
    guard case .array(let rows)? = confusion["rows"] else { return }
    let counts = rows.flatMap { numbers($0) }.filter { !$0.isNaN }
    #expect(counts.reduce(0, +) == report["targets"]?.doubleValue)
    #expect(report["tables"]?["classes"]?["row_count"] == 2)
    #expect(report["unit"] == "sequences")
    #expect(report["accuracy"]?.doubleValue != nil)
    #expect(report["examples"] == .null)
  }

  @Test func numbersStandBesideTheTrueOnes() throws {
    let files = try Self.scenario("adding")
    let report = try report(files, [])
    guard case .array(let columns)? = report["examples"]?["numbers"] else {
      Issue.record("no numbers: \(report.line)")
      return
    }
    let truth = numbers(columns[0]["truth"])
    #expect(!truth.isEmpty && truth.allSatisfy { $0 > 0 && $0 < 2 })
    #expect(numbers(columns[0]["predicted"]).count == truth.count)
    #expect(try self.report(files, ranks: 2, []) == report)
  }

  @Test func tellsWhenRecordsWereWritten() throws {
    let files = try Self.scenario("adding")
    let before = Date().timeIntervalSince1970
    _ = try report(files, [])
    let text = try String(
      contentsOf: files.folder.appendingPathComponent("run/metrics.jsonl"), encoding: .utf8)
    var last = before - 0.001
    for line in text.split(separator: "\n") {
      let record = try OrderedJSON(parsing: String(line))
      guard ["train", "valid"].contains(record["kind"]?.stringValue) else { continue }
      let time = try #require(record["time"]?.doubleValue)
      #expect(time >= last)
      last = time
    }
    #expect(last > before)
  }

  /// A place that takes no file is told once, and ends nothing.
  @Test func lostReportsEndNothing() throws {
    let files = try Self.scenario("adding")
    let place = files.folder.appendingPathComponent("run/\(RunFiles.validation)")
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    var options = try files.options(["run.steps=60"])
    options.resume = true
    try Data("{}".utf8).write(to: files.folder.appendingPathComponent("run/config.json"))
    #expect(
      try TrainingRun(options, on: SoloCommunicator(), launchedByMPI: false).perform() == 0)
    let text = try String(
      contentsOf: files.folder.appendingPathComponent("run/metrics.jsonl"), encoding: .utf8)
    #expect(text.split(separator: "\n").count { $0.contains("validation_report_lost") } == 1)
  }
}
