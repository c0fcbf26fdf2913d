import NumericContract
import Records
import Tasks
import Testing

@testable import Datasets
@testable import Tables

/// What windows of series hold: gaps, calendars, columns known in the future, scales and origins.
@Suite struct SeriesWindowTests {
  /// A window as a worker would see it.
  private struct Window: Equatable {
    var inputs: [[Float]]
    var targets: [Float]
    var counts: Bool
  }

  /// Every window of the training part in the order of time.
  private func windows(
    _ content: String, horizon: Int = 2, window: Int = 3, change: (inout SequenceRequest) -> Void
  ) throws -> (data: SequenceData, windows: [Window]) {
    let file = try DataFolder("a.csv", content)
    var request = file.request(.forecasting)
    (request.rows, request.window, request.horizon) = (1, window, horizon)
    change(&request)
    let data = try SequenceData(request)
    guard case .windows(let batches) = data.training else { throw Failure() }
    let width = try #require(data.features)
    var order: [(start: Int, window: Window)] = []
    for batch in 0..<batches.batchCount {
      var inputs = [Int32](repeating: 0, count: window)
      var values = [Float](repeating: 9, count: window * 32)
      var targets: [Int32] = [7]
      var numbers = [Float](repeating: 9, count: 64)
      var (starts, ends): ([Int32], [Int32]) = ([0], [0])
      batches.fill(
        BatchBuffers(
          sequences: 0..<1, window: window, inputs: &inputs, inputValues: &values, inputStride: 32,
          targets: &targets, targetValues: &numbers, targetStride: 64, slotCount: 1,
          slotStarts: &starts, slotEnds: &ends, isEveryStepRead: false), batch: batch)
      let count = batches.plan.targets.count * horizon
      order.append(
        (
          batches.start(of: batch),
          Window(
            inputs: (0..<window).map { Array(values[$0 * 32..<$0 * 32 + width]) },
            targets: Array(numbers.prefix(count)), counts: targets[0] == 0)
        ))
    }
    return (data, order.map(\.window))
  }

  private struct Failure: Error {}

  private func table(_ rows: [String]) -> String { rows.joined(separator: "\n") + "\n" }

  @Test func aMaskSaysWhatIsMissing() throws {
    let content = table(["x,y", "1,1", "NA,2", "3,3", "4,4", "NA,5", "6,6", "7,7"])
    let (data, windows) = try windows(content) {
      $0.missing = .mask
      $0.task.masksTargets = true
    }
    let frame = try #require(data.frame)
    #expect(frame.masked == ["x"])
    #expect(data.features == 3)
    #expect(windows.count == 3)
    let first = try #require(
      windows.first { $0.inputs == [[1, 1, 0], [0, 2, 1], [3, 3, 0]] })
    #expect(first.targets[0] == 4)
    #expect(first.targets[2].isNaN)
    #expect(first.targets[3] == 5)
    #expect(first.counts)
  }

  @Test func windowsWithNothingToForecastAreLeftOut() throws {
    let rows = (0..<12).map { "\($0 < 5 || $0 > 8 ? "\($0)" : "NA")" }
    let (data, windows) = try windows(table(["x"] + rows)) {
      $0.missing = .mask
      $0.task.masksTargets = true
    }
    // Of eight windows those that begin at 3, 4 and 5 have two missing targets each.
    #expect(windows.count == 5)
    #expect(windows.allSatisfy { $0.targets.contains { !$0.isNaN } })
    #expect(data.training.targetCount(beforeBatch: 5) == 5)
  }

  @Test func knownColumnsAreReadAheadAndNotForecast() throws {
    let (data, windows) = try windows(table(["x,p"] + (0..<6).map { "\($0),\(10 * $0)" })) {
      $0.knownColumns = ["p"]
    }
    #expect(data.frame?.targets == ["x"])
    #expect(data.features == 3)
    let first = try #require(windows.first { $0.inputs[0][0] == 0 })
    #expect(first.inputs == [[0, 0, 20], [1, 10, 30], [2, 20, 40]])
    #expect(first.targets == [3, 4])
  }

  @Test func staticColumnsHaveOneNumberASequence() throws {
    let rows = ["s,x,area"] + (0..<10).map { "\($0 / 5),\($0),\(100 + $0 / 5)" }
    let (data, windows) = try windows(table(rows)) {
      $0.sequenceColumn = "s"
      $0.staticColumns = ["area"]
    }
    #expect(data.frame?.targets == ["x"])
    #expect(windows.allSatisfy { $0.inputs.allSatisfy { $0[1] == ($0[0] < 5 ? 100 : 101) } })
    let error = #expect(throws: DataFileError.self) {
      _ = try self.windows(table(rows + ["1,9,7"])) {
        $0.sequenceColumn = "s"
        $0.staticColumns = ["area"]
      }
    }
    #expect("\(try #require(error))".contains("sequence \"1\", column \"area\""))
  }

  @Test func calendarsGoInAsSineAndCosine() throws {
    let rows = (0..<6).map { "2024-02-2\($0) 06:00,\($0)" }
    let (data, windows) = try windows(table(["when,x"] + rows)) { $0.calendarColumns = ["when"] }
    #expect(data.features == 7)
    let first = try #require(windows.first { $0.inputs[0][0] == 0 })
    // Six o'clock, Tuesday, February.
    let row = first.inputs[0]
    #expect(abs(row[1] - 1) < 1e-6)
    #expect(abs(row[2]) < 1e-6)
    #expect(abs(row[3] - 0.781_831_5) < 1e-6)
    #expect(abs(row[4] - 0.623_489_8) < 1e-6)
    #expect(abs(row[5] - 0.5) < 1e-6)
    #expect(abs(row[6] - 0.866_025_4) < 1e-6)
    let error = #expect(throws: DataFileError.self) {
      _ = try self.windows(table(["when,x"] + rows + ["tomorrow,3"])) {
        $0.calendarColumns = ["when"]
      }
    }
    #expect("\(try #require(error))".contains("line 8, column \"when\""))
  }

  @Test(arguments: [
    ("2016-07-01", 0, 4, 6), ("2016-07-01 00:00:00", 0, 4, 6),
    ("2000-02-29T23:59:59.5Z", 86_399, 1, 1),
    ("1970-01-01T08:30+02:00", 30_600, 3, 0), (" 2024-12-31 24:00 ", 0, 1, 11),
  ])
  func datesOfISOAreRead(text: String, seconds: Int, weekday: Int, month: Int) throws {
    let time = try #require(CalendarTime(text.utf8))
    #expect(Int(time.seconds) == seconds)
    #expect(Int(time.weekday) == weekday)
    #expect(Int(time.month) == month)
  }

  @Test(arguments: [
    "", "2016", "2016-13-01", "2015-02-29", "01.07.2016", "2016-07-01x", "2016-07-01 25:00",
    "2016-07-01 08:61", "2016-07-01 08:00 noon", "2016-7-1", "2016-07-01T",
  ])
  func otherDatesAreNot(text: String) { #expect(CalendarTime(text.utf8) == nil) }

  @Test(arguments: [
    (["2024-02-28", "2024-02-29", "2024-03-01"], nil),
    (["2023-12-31 23:00", "2024-01-01 00:00", "2024-01-01 01:00:00"], nil),
    (["2023-12-31 23:00", "2023-12-31 24:00", "2024-01-01 01:00"], nil),
    (["2024-03-02", "2024-03-01", "2024-02-29"], "the newest rows come first"),
    (["2024-03-01", "2024-03-02", "2024-02-29"], "rows earlier than the row before: 1; sort"),
    (["2024-03-01", "2024-03-01", "2024-03-02"], "rows with the time of the row before: 1"),
    (
      ["2024-02-28 06:00", "2024-02-28 07:00", "2024-03-01 07:00"],
      "steps of another length than the first, 3600 s: 1; all count as one step"
    ),
  ])
  func timesThatAreNoEvenStepsAreRemarkedOn(times: [String], remark: String?) throws {
    let rows = times.enumerated().map { "\($1),\($0)" }.joined(separator: "\n")
    let file = try DataFolder("a.csv", "date,x\n" + rows + "\n")
    var request = file.request(.forecasting)
    request.calendarColumns = ["date"]
    let remarks = try DataFile(path: file.path).sequences(request).remarks
      .filter { $0.hasPrefix("column \"date\"") }
    #expect(remarks.count == (remark == nil ? 0 : 1), "\(remarks)")
    if let remark { #expect(remarks.first?.contains(remark) == true, "\(remarks)") }
  }

  @Test func numbersAreRelativeToTheWindow() throws {
    let content = table(["x,a"] + (0..<6).map { "\($0 * $0),\($0)" })
    let last = try windows(content) {
      $0.origin = .last
      $0.knownColumns = ["a"]
    }
    let first = try #require(last.windows.first { $0.inputs[0][1] == 0 })
    #expect(first.inputs == [[-4, 0, 2], [-3, 1, 3], [0, 2, 4]])
    #expect(first.targets == [5, 12])
    let mean = try windows(content) {
      $0.origin = .mean
      $0.columns = ["x"]
    }
    #expect(
      mean.windows.contains { $0.inputs == [[-5], [-1], [6]].map { $0.map { Float($0) / 3 * 1 } } }
        || mean.windows.allSatisfy { abs($0.inputs.reduce(0) { $0 + $1[0] }) < 1e-5 })
    guard case .windows(let batches) = last.data.training else { throw Failure() }
    let units = (0..<2).compactMap { batches.units(batch: $0, row: 0) }
    #expect(Set(units.map { $0[0].origin }) == [4, 9])
    #expect(units.allSatisfy { $0.count == 1 && $0[0].name == "x" && $0[0].deviation == 1 })
  }

  @Test func everySeriesHasItsOwnScale() throws {
    let rows =
      ["s,x"] + [0, 2, 0, 2, 0, 2].map { "low,\($0)" }
      + [100, 300, 100, 300, 100, 300].map { "high,\($0)" }
    let (data, windows) = try windows(table(rows)) {
      $0.sequenceColumn = "s"
      $0.normalizes = true
      $0.scale = .series
    }
    let frame = try #require(data.frame)
    #expect(frame.series == ["low", "high"])
    #expect(frame.seriesMeans == [1, 200])
    #expect(frame.seriesDeviations == [1, 100])
    #expect(
      windows.allSatisfy { ($0.inputs.flatMap { $0 } + $0.targets).allSatisfy { abs($0) == 1 } })
    let again = try TaskFrame(
      json: try JSONFields(try OrderedJSON(parsing: Array(frame.json.line.utf8))))
    #expect(again == frame)
    // Another file: a series that is known keeps its scale, another one has its own numbers'.
    let other = try DataFolder(
      "b.csv",
      "s,x\n"
        + ["high", "new"].map { name in
          [400, 600, 400, 600, 400, 600].map { "\(name),\($0)\n" }.joined()
        }.joined())
    var request = other.request(.forecasting)
    (request.rows, request.window, request.horizon) = (1, 3, 2)
    (request.sequenceColumn, request.normalizes, request.scale) = ("s", true, .series)
    let read = try SequenceData(request, frame: frame)
    guard case .windows(let batches) = read.training else { throw Failure() }
    let units = (0..<batches.batchCount).compactMap { batches.units(batch: $0, row: 0)?[0] }
    #expect(Set(units.map(\.mean)) == [200, 500])
  }

  @Test func everyColumnCanBeASeries() throws {
    let content = table(["x,y,p"] + (0..<6).map { "\($0),\(100 + $0),\(10 * $0)" })
    let (data, windows) = try windows(content) {
      $0.seriesForm = .columns
      $0.knownColumns = ["p"]
    }
    #expect(data.outputs == 2)
    #expect(data.features == 3)
    #expect(windows.count == 4)
    #expect(
      windows.contains(
        Window(inputs: [[0, 0, 20], [1, 10, 30], [2, 20, 40]], targets: [3, 4], counts: true)))
    #expect(
      windows.contains(
        Window(
          inputs: [[101, 10, 30], [102, 20, 40], [103, 30, 50]], targets: [104, 105], counts: true))
    )
    guard case .windows(let batches) = data.training else { throw Failure() }
    let names = (0..<4).compactMap { batches.units(batch: $0, row: 0)?[0].name }
    #expect(names.sorted() == ["x", "x", "y", "y"])
  }

  /// Held-out steps of every column stay those of the file.
  @Test func everyColumnIsSplitAsItsRowsAre() throws {
    let content = table(["x,y"] + (0..<40).map { "\($0),\(1000 + $0)" })
    let (data, windows) = try windows(content) {
      $0.seriesForm = .columns
      $0.validFraction = 0.25
    }
    #expect(
      windows.allSatisfy { $0.targets.allSatisfy { $0.truncatingRemainder(dividingBy: 1000) < 30 } }
    )
    guard case .windows(let held)? = data.validation else { throw Failure() }
    #expect(held.count == 2 * 9)
    #expect(held.start(of: 0) == 27)
    #expect(held.start(of: 9) == 67)
  }
}
