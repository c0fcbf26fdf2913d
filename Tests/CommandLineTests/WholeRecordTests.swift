import Foundation
import Records
import Testing

/// The record of a run is whole: every step, validation, sample and checkpoint is told once, or a
/// line says what is missing.
@Suite(.serialized) struct WholeRecordTests {
  private static let small = [
    "config.json", "--threads", "1", "--set", "model.hidden=8", "--set", "run.sample_length=5",
  ]

  private func train(_ place: Workplace, _ options: String...) throws -> Program {
    try Program(Self.small + options, in: place.folder)
  }

  private func steps(_ kind: String, _ place: Workplace) throws -> [Int] {
    try place.records().filter { $0["kind"] == .string(kind) }.compactMap {
      $0["step"]?.integerValue
    }
  }

  private func events(_ name: String, _ place: Workplace) throws -> [OrderedJSON] {
    try place.records().filter { $0["event"] == .string(name) }
  }

  /// Leaves of the metrics what comes before the first record of a kind and a step.
  private func cut(_ place: Workplace, before kind: String, _ step: Int) throws {
    let kept = try place.records().prefix {
      $0["kind"] != .string(kind) || $0["step"] != .integer(step)
    }
    try place.write("run/metrics.jsonl", kept.map { $0.line + "\n" }.joined() + #"{"kind":"tr"#)
  }

  /// As where a run is killed between a checkpoint and its record.
  @Test(arguments: ["10", "14"]) func checkpointsWithoutARecordGetOne(steps last: String) throws {
    let place = try Workplace()
    #expect(try train(place, "--steps", "10").status == 0)
    try cut(place, before: "checkpoint", 10)
    let again = try train(place, "--resume", "--steps", last)
    #expect(again.status == 0, "\(again)")
    #expect(try steps("checkpoint", place).prefix(3) == [5, 6, 10])
    #expect(try events("records_missing", place).isEmpty)
    let before = try place.records()
    #expect(try train(place, "--resume", "--steps", last).status == 0)
    #expect(try place.records() == before)
  }

  /// As where a run was copied while it went on, or its disk was full when it was killed.
  @Test(arguments: ["10", "12"]) func recordsThatAreGoneAreToldOf(steps last: String) throws {
    let place = try Workplace()
    #expect(try train(place, "--steps", "10").status == 0)
    try cut(place, before: "train", 4)
    let again = try train(place, "--resume", "--steps", last)
    #expect(again.status == 0, "\(again)")
    let missing = try events("records_missing", place)
    #expect(missing.count == 1)
    #expect(missing.first?["from_step"] == 4)
    #expect(missing.first?["step"] == 10)
    #expect(missing.first?["kinds"] == .array(["train", "valid", "sample"]))
    #expect(try steps("checkpoint", place).prefix(3) == [5, 6, 10])
    #expect(again.errors.contains("of steps 4 to 10 are not in the metrics"), "\(again)")
    #expect(try train(place, "--resume", "--steps", last).status == 0)
    #expect(try events("records_missing", place).count == 1)
  }

  @Test func validationThatIsMadeUpForTwiceIsToldOnce() throws {
    let place = try Workplace()
    let stopped = try train(place, "--stop-after", "6")
    #expect(stopped.status == 75, "\(stopped)")
    #expect(try steps("valid", place) == [])
    // No later model is a better one, which would be kept.
    let options = [
      "--resume", "--set", "run.checkpoint_every=0", "--steps", "1000000", "--set",
      "optimizer.learning_rate=10", "--set", "optimizer.schedule.warmup_steps=0",
    ]
    let killed = try Program(Self.small + options, in: place.folder) { process in
      guard (try? steps("train", place))?.last ?? 0 > 8 else { return false }
      kill(process.processIdentifier, SIGKILL)
      return true
    }
    #expect(killed.status == SIGKILL, "\(killed)")
    #expect(try steps("valid", place).first == 6)
    let again = try train(place, "--resume", "--stop-after", "8")
    #expect(again.status == 75, "\(again)")
    #expect(try steps("valid", place) == [6])
    #expect(try steps("sample", place) == [6])
    #expect(try steps("train", place) == Array(1...8))
  }

  /// Points of a start that died before its first checkpoint are not those of the run.
  @Test func eventsOfADeadStartAreGivenUp() throws {
    let place = try Workplace()
    let endless = [
      "--set", "run.tensorboard=true", "--set", "run.checkpoint_every=0", "--set",
      "run.validate_every=0", "--steps", "1000000",
    ]
    for _ in 0..<2 {
      let killed = try Program(Self.small + ["--resume"] + endless, in: place.folder) { process in
        guard (try? steps("train", place))?.last ?? 0 > 8 else { return false }
        kill(process.processIdentifier, SIGKILL)
        return true
      }
      #expect(killed.status == SIGKILL, "\(killed)")
      try FileManager.default.removeItem(atPath: place.path("run/metrics.jsonl"))
    }
    #expect(
      try Program(Self.small + ["--resume"] + endless + ["--stop-after", "3"], in: place.folder)
        .status == 75)
    let names = try place.names(in: "run/tensorboard")
    #expect(names.count == 3)
    // The second is the first difference of their names.
    #expect(Set(names.map { $0.split(separator: ".")[3] }).count == 3)
    for (index, name) in names.enumerated() {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: place.path("run/tensorboard/\(name)")))
      // A session that starts at step 1: readers forget what they had from there on.
      let start = Data([0x10, 1, 0x3A, 2, 0x08, 1])
      #expect((bytes.range(of: start) != nil) == (index > 0), "\(name)")
    }
  }
}
