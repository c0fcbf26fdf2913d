import Batches
import Datasets
import Tables
import Records
import Tasks
import Testing

/// What trains, validates and tests.
@Suite struct SplitTests {
  /// Two series of 20 days, whose numbers tell series and day.
  private func days(_ number: (_ series: Int, _ day: Int) -> Int = { 100 * $0 + $1 }) -> String {
    let rows = (0..<2).flatMap { series in
      (1...20).map { "s\(series),2020-01-\($0 < 10 ? "0" : "")\($0),\(number(series, $0))" }
    }
    return "series,date,x\n" + rows.joined(separator: "\n")
  }

  private func request(_ folder: DataFolder, _ split: DataSplit) -> SequenceRequest {
    var request = folder.request(.forecasting)
    request.sequenceColumn = "series"
    request.columns = ["x"]
    (request.window, request.horizon, request.rows) = (3, 2, 1)
    request.split = split
    return request
  }

  private func byTime(
    _ valid: String?, _ test: String?, _ end: String? = nil
  ) -> DataSplit {
    var split = DataSplit()
    (split.by, split.column) = (.time, "date")
    func bound(_ text: String?) -> DataSplit.Bound { text.map { .time($0) } ?? .none }
    (split.valid, split.test, split.end) = (bound(valid), bound(test), bound(end))
    return split
  }

  /// First steps of windows, counted over all rows of the file.
  private func starts(_ batches: TaskBatches?) throws -> [Int] {
    guard case .windows(let windows) = try #require(batches) else { return [] }
    return (0..<windows.count).map { windows.start(of: $0) }
  }

  @Test func timesCutEverySeriesAndNoTargetIsInTwoParts() throws {
    let folder = try DataFolder("a.csv", days())
    var request = request(folder, byTime("2020-01-11", "2020-01-15", "2020-01-19 00:00"))
    let data = try SequenceData(request)
    // Days 1 to 10 train: windows of 3 and what they forecast begin at days 1 to 6.
    #expect(try starts(data.training) == Array(0...5) + Array(20...25))
    // Days 11 to 14 are forecast from days 8 to 10 on.
    #expect(try starts(data.validation) == [7, 8, 9, 27, 28, 29])
    #expect(data.summary.json["training_steps"] == 20)
    #expect(data.summary.json["validation_steps"] == 8)
    #expect(data.summary.json["test_steps"] == 8)
    #expect(data.summary.json["unused_steps"] == 4)
    #expect(data.summary.json["test_windows"] == 6)
    let said = data.summary.lines.first { $0.label == "split" }?.text
    #expect(
      said
        == "by time (\"date\"): steps to train on 20, validate on 8, test on 8, unused 4; "
        + "validation from 2020-01-11, test from 2020-01-15, unused from 2020-01-19 00:00")
    request.measuresTest = true
    let tested = try SequenceData(request, frame: data.frame)
    #expect(try starts(tested.validation) == [11, 12, 13, 31, 32, 33])
    #expect(tested.fingerprint == data.fingerprint)
  }

  /// Scales come from what trains alone, whatever the rest is like.
  @Test func nothingIsLearntFromOtherParts() throws {
    let split = byTime("2020-01-11", "2020-01-15")
    let plain = try DataFolder("a.csv", days())
    let other = try DataFolder("a.csv", days { $1 <= 10 ? 100 * $0 + $1 : 7 * $1 * $1 })
    func frame(_ folder: DataFolder) throws -> TaskFrame? {
      var request = request(folder, split)
      (request.normalizes, request.scale) = (true, .series)
      return try SequenceData(request).frame
    }
    let learnt = try #require(try frame(plain))
    #expect(try frame(other) == learnt)
    #expect(learnt.seriesMeans == [5.5, 105.5])
  }

  @Test func rowsCutAsTheirTimesDo() throws {
    let folder = try DataFolder("a.csv", days())
    var split = DataSplit()
    split.by = .row
    (split.valid, split.test, split.end) = (.row(10), .row(14), .row(18))
    let (rows, times) = (
      request(folder, split), request(folder, byTime("2020-01-11", "2020-01-15", "2020-01-19"))
    )
    for measuresTest in [false, true] {
      var (rows, times) = (rows, times)
      (rows.measuresTest, times.measuresTest) = (measuresTest, measuresTest)
      let (a, b) = (try SequenceData(rows), try SequenceData(times))
      #expect(try starts(a.training) == starts(b.training))
      #expect(try starts(a.validation) == starts(b.validation))
    }
  }

  @Test func fractionsOfSeriesLieOneAfterAnother() throws {
    var request = request(try DataFolder("a.csv", days()), DataSplit())
    (request.validFraction, request.testFraction) = (0.2, 0.3)
    let source = SequenceParts.Source(starts: [0, 20, 40], path: "x")
    let parts = try SequenceParts(source, request)
    #expect(parts.trainingSteps == [0..<10, 20..<30])
    #expect(parts.validationSteps == [7..<14, 27..<34])
    #expect(parts.testSteps == [11..<20, 31..<40])
    #expect(
      parts.steps
        == SequenceParts.Counts(training: 20, validation: 8, test: 12, unused: 0))
  }

  @Test func seriesAreHeldOutByName() throws {
    let folder = try DataFolder("a.csv", days())
    var split = DataSplit()
    (split.by, split.test) = (.sequence, .names(["s1"]))
    var request = request(folder, split)
    let data = try SequenceData(request)
    #expect(try starts(data.training) == Array(0...15))
    #expect(data.validation == nil)
    request.measuresTest = true
    #expect(try starts(SequenceData(request).validation) == Array(20...35))
    request.split.test = .names(["s2"])
    #expect {
      try SequenceData(request)
    } throws: {
      "\($0)".contains("there is no sequence \"s2\", which data.split.test names")
    }
  }

  @Test func fallingTimesDoNotSplit() throws {
    let folder = try DataFolder(
      "a.csv", "date,x\n2020-01-02,1\n2020-01-01,2\n2020-01-03,3\n2020-01-04,4")
    var request = request(folder, byTime("2020-01-03", nil))
    request.sequenceColumn = nil
    #expect {
      try SequenceData(request)
    } throws: {
      "\($0)".contains("row 2 is earlier than the row before it")
    }
    request.split.valid = .time("March")
    #expect {
      try SequenceData(request)
    } throws: {
      "\($0)".contains("data.split.valid is \"March\", expected a date or time")
    }
  }

  /// 12 sequences of class a, 8 of b, and one of c.
  private func classes() throws -> DataFolder {
    let labels = (0..<21).map { $0 == 20 ? "c" : $0 % 5 < 3 ? "a" : "b" }
    return try DataFolder(
      "a.csv",
      "sequence,x,label\n"
        + labels.enumerated().map { "\($0),1,\($1)\n\($0),2,\($1)" }.joined(separator: "\n"))
  }

  @Test func eachClassGivesItsFraction() throws {
    let folder = try classes()
    var request = folder.request(.classification)
    (request.validFraction, request.testFraction) = (0.25, 0.25)
    request.split.by = .classes
    let labels = (0..<21).map { $0 == 20 ? "c" : $0 % 5 < 3 ? "a" : "b" }
    let parts = try SequenceParts(
      SequenceParts.Source(starts: (0...21).map { 2 * $0 }, labels: labels, path: "x"), request)
    func counts(_ part: [Int]) -> [String: Int] {
      part.reduce(into: [:]) { $0[labels[$1], default: 0] += 1 }
    }
    #expect(counts(parts.validation) == ["a": 3, "b": 2])
    #expect(counts(parts.test) == ["a": 3, "b": 2])
    #expect(counts(parts.training) == ["a": 6, "b": 4, "c": 1])
    #expect((parts.training + parts.validation + parts.test).sorted() == Array(0..<21))
  }

  /// A test part leaves the choice of what validates as it is.
  @Test func aTestPartTakesFromWhatTrains() throws {
    var request = try classes().request(.classification)
    request.validFraction = 0.25
    let source = SequenceParts.Source(starts: (0...21).map { 2 * $0 }, path: "x")
    let without = try SequenceParts(source, request)
    request.testFraction = 0.25
    let with = try SequenceParts(source, request)
    #expect(with.validation == without.validation)
    #expect(with.test.count == 6)
    #expect((with.training + with.test).sorted() == without.training)
    #expect(!without.holdsTest)
  }

  @Test func classesAreThoseThatTrain() throws {
    let folder = try DataFolder(
      "a.csv", "sequence,x,label\n1,1,a\n2,1,b\n3,1,strange\n4,1,a")
    var request = folder.request(.classification)
    request.split.by = .sequence
    request.split.test = .names(["3"])
    #expect {
      try SequenceData(request)
    } throws: {
      "\($0)".contains("class \"strange\" does not occur in the training data")
    }
    request.split.test = .names(["4"])
    #expect(try SequenceData(request).frame?.classes == ["a", "b", "strange"])
  }

  @Test func classesOfStepsAreThoseThatTrain() throws {
    let folder = try DataFolder(
      "a.csv", "sequence,x,label\n1,1,a\n1,2,b\n2,1,strange\n2,3,a\n3,1,b\n3,2,a")
    var request = folder.request(.classification)
    request.task.readout = .every
    request.task.targets = .everyStep
    request.split.by = .sequence
    request.split.test = .names(["2"])
    #expect {
      try SequenceData(request)
    } throws: {
      "\($0)".contains("strange")
    }
    request.split.test = .names(["3"])
    #expect(try SequenceData(request).frame?.classes == ["a", "b", "strange"])
  }

  @Test func aPartWithoutAnythingToTestOnIsAnError() throws {
    let folder = try DataFolder(
      "a.csv", "x\n" + (0..<40).map { "\($0 * 7 % 5)" }.joined(separator: "\n"))
    var request = folder.request(.forecasting)
    (request.rows, request.window, request.horizon) = (2, 4, 2)
    request.split.by = .row
    request.split.test = .row(39)
    #expect {
      try SequenceData(request)
    } throws: {
      "\($0)".contains("there is no window to test on")
    }
    request.split.test = .row(30)
    #expect(try SequenceData(request).summary.json["test_windows"] != 0)
  }
}
