import Foundation
import Records
import Testing

@Suite struct MetricsSurveyTests {
  private static let periods = MetricsSurvey.Periods(training: 2, validation: 4, samples: 4)

  private static func survey(_ lines: String...) throws -> MetricsSurvey {
    let path = NSTemporaryDirectory() + "metrics-\(UUID().uuidString)"
    defer { unlink(path) }
    try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
    return try MetricsSurvey(path: path)
  }

  private static func train(_ step: Int) -> String { #"{"kind":"train","step":\#(step),"loss":1}"# }

  @Test func lastStepsOfEachKindAreFound() throws {
    let survey = try Self.survey(
      Self.train(1), Self.train(2), #"{"kind":"checkpoint","step":2}"#,
      #"{"kind": "train", "step": 4}"#, #"{"kind":"valid","step":4}"#,
      #"{"kind":"sample","step":4,"text":"\"kind\":\"valid\""}"#,
      #"{"kind":"event","event":"averaging_starts","step":4}"#,
      #"{"kind":"checkpoint","step":4}"#, #"{"kind":"resume","step":4}"#, Self.train(6),
      #"{"kind":"train","st"#)
    #expect(survey.trainedStep == 6)
    #expect(survey.resumedStep == 4)
    #expect(survey.checkpointSteps == [2, 4])
    #expect(survey.newestCheckpoint == 4)
    #expect(survey.told(ofStep: 4) == ["valid", "sample", "averaging_starts"])
    #expect(survey.told(ofStep: 6) == [])
    #expect(try MetricsSurvey(path: "/nowhere/metrics.jsonl").newestCheckpoint == nil)
  }

  @Test func nothingIsMissingFromAWholeRecord() throws {
    let survey = try Self.survey(
      Self.train(1), Self.train(2), Self.train(4), #"{"kind":"valid","step":4}"#,
      #"{"kind":"sample","step":4}"#)
    #expect(survey.gaps(upTo: 5, isValidated: true, Self.periods) == [])
    let train = [MetricsSurvey.Gap(kind: "train", firstStep: 6)]
    #expect(survey.gaps(upTo: 6, isValidated: true, Self.periods) == train)
    // The validation of step 8 is still to be made.
    #expect(survey.gaps(upTo: 8, isValidated: false, Self.periods) == train)
  }

  @Test func gapsAreOfTheLastStartOnly() throws {
    let none = try Self.survey("")
    let all = [("train", 1), ("valid", 4), ("sample", 4)].map {
      MetricsSurvey.Gap(kind: $0, firstStep: $1)
    }
    #expect(none.gaps(upTo: 4, isValidated: true, Self.periods) == all)
    // The first step is always told of.
    #expect(none.gaps(upTo: 1, isValidated: true, Self.periods) == [all[0]])
    let resumed = try Self.survey(Self.train(1), #"{"kind":"resume","step":8}"#)
    #expect(resumed.gaps(upTo: 9, isValidated: true, Self.periods) == [])
    let told = try Self.survey(#"{"kind":"event","event":"records_missing","step":8}"#)
    #expect(told.gaps(upTo: 8, isValidated: true, Self.periods) == [])
  }

  @Test func checkpointsThatAreGoneAreMissingOnlyWithoutARecord() throws {
    let periods = MetricsSurvey.Periods(
      training: 0, validation: 0, samples: 0, checkpoints: 5)
    let survey = try Self.survey(
      #"{"kind":"checkpoint","step":5}"#,
      #"{"kind":"event","event":"checkpoint_skipped","step":10}"#)
    func first(upTo step: Int, _ kept: Set<Int>) -> Int? {
      survey.gaps(upTo: step, isValidated: true, periods, kept: kept).first?.firstStep
    }
    #expect(first(upTo: 14, []) == nil)
    #expect(first(upTo: 20, [15, 20]) == nil)
    #expect(first(upTo: 20, [20]) == 15)
  }

  /// Steps that are made at once are told of where the last of them is due.
  @Test func roundsOfLocalUpdatesAreTakenIntoAccount() throws {
    let survey = try Self.survey(Self.train(3), Self.train(6))
    let periods = MetricsSurvey.Periods(stride: 3, training: 2, validation: 0, samples: 0)
    #expect(survey.gaps(upTo: 9, isValidated: true, periods) == [])
    #expect(
      survey.gaps(upTo: 12, isValidated: true, periods) == [.init(kind: "train", firstStep: 12)])
  }
}

@Suite struct MetricsWriterTests {
  /// A disk that is full for a while.
  private final class Disk: MetricsTarget {
    var isFull = false
    var records: [OrderedJSON] = []

    func append(_ record: OrderedJSON) throws(MetricsError) {
      if isFull { throw MetricsError(path: "metrics", action: "append to", code: ENOSPC) }
      records.append(record)
    }

    func synchronize() throws(MetricsError) {}
  }

  private static func record(_ step: Int) -> OrderedJSON {
    ["kind": "train", "step": .integer(step)]
  }

  @Test func recordsWaitForTheDiskInTheirOrder() throws {
    let disk = Disk()
    let writer = MetricsWriter(disk, path: "metrics")
    #expect(writer.append([Self.record(1)]) == nil)
    disk.isFull = true
    #expect(writer.append([Self.record(2), Self.record(3)])?.contains("No space left") == true)
    #expect(writer.append([Self.record(4)]) == nil)
    #expect(throws: RunDirectoryError.self) { try writer.finish() }
    disk.isFull = false
    #expect(
      writer.append([Self.record(5)]) == "metrics: written again, with 3 records that waited")
    #expect(disk.records == (1...5).map(Self.record))
    try writer.finish()
  }

  @Test func recordsThatAreGivenUpAreToldOf() throws {
    let disk = Disk()
    let writer = MetricsWriter(disk, path: "metrics", mostWaiting: 4)
    disk.isFull = true
    for step in 1...10 { _ = writer.append([Self.record(step)]) }
    disk.isFull = false
    let words = writer.append([])
    #expect(words?.contains("7 records of steps 1 to 7 are lost") == true, "\(words ?? "")")
    #expect(disk.records.count == 4)
    #expect(disk.records[0]["event"] == "records_lost")
    #expect(disk.records[0]["records"] == 7)
    #expect(disk.records[0]["from_step"] == 1)
    #expect(disk.records[0]["step"] == 7)
    #expect(disk.records[1...] == (8...10).map(Self.record)[...])
  }
}
