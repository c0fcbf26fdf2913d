import Foundation
import Records
import Testing

/// What is missing is not empty.
@Suite(.serialized) struct MissingCheckpointTests {
  private static let small = ["config.json", "--threads", "1", "--set", "model.hidden=8"]

  private func finished() throws -> Workplace {
    let place = try Workplace()
    let run = try Program(Self.small + ["--steps", "10"], in: place.folder)
    #expect(run.status == 0, "\(run)")
    return place
  }

  private func metrics(_ place: Workplace) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: place.path("run/metrics.jsonl")))
  }

  @Test(arguments: ["moved", "emptied", "dangling", "dangling without metrics"])
  func checkpointsThatTheMetricsTellOfAreMissed(how: String) throws {
    let place = try finished()
    let files = FileManager.default
    let checkpoints = place.path("run/checkpoints")
    try files.moveItem(atPath: checkpoints, toPath: place.path("away"))
    switch how {
    case "emptied":
      try files.createDirectory(atPath: checkpoints, withIntermediateDirectories: false)
    case "moved": break
    default:
      try files.createSymbolicLink(atPath: checkpoints, withDestinationPath: place.path("nowhere"))
    }
    let before = try metrics(place)
    if how == "dangling without metrics" {
      try files.removeItem(atPath: place.path("run/metrics.jsonl"))
    }
    let run = try Program(Self.small + ["--resume", "--steps", "20"], in: place.folder)
    #expect(run.status == 2, "\(run)")
    #expect(run.errors.contains("run/checkpoints"), "\(run)")
    if how != "dangling without metrics" { #expect(try metrics(place) == before) }
  }

  @Test func anOlderCheckpointIsGoneOnFromWithAWord() throws {
    let place = try finished()
    try FileManager.default.removeItem(atPath: place.path("run/checkpoints/step-00000010"))
    let run = try Program(Self.small + ["--resume", "--steps", "12"], in: place.folder)
    #expect(run.status == 0, "\(run)")
    #expect(run.errors.contains("step 10, which is not in"), "\(run)")
  }

  @Test func whereThereIsNothingALineSaysSo() throws {
    let place = try Workplace()
    let run = try Program(Self.small + ["--resume", "--steps", "3"], in: place.folder)
    #expect(run.status == 0, "\(run)")
    #expect(run.output.contains("nothing to resume in run"), "\(run)")
  }

  @Test func overwritingKeepsLinksAndEmptiesWhatTheyLeadTo() throws {
    let place = try finished()
    let files = FileManager.default
    for name in ["checkpoints", "metrics.jsonl"] {
      try files.moveItem(atPath: place.path("run/\(name)"), toPath: place.path("real-\(name)"))
      try files.createSymbolicLink(
        atPath: place.path("run/\(name)"), withDestinationPath: "../real-\(name)")
    }
    try place.write("real-checkpoints/notes", "mine")
    let run = try Program(
      Self.small + ["--overwrite", "--steps", "3", "--set", "run.checkpoint_every=0"],
      in: place.folder)
    #expect(run.status == 0, "\(run)")
    #expect(try place.names(in: "real-checkpoints") == ["notes", "step-00000003"])
    let target = try files.destinationOfSymbolicLink(atPath: place.path("run/checkpoints"))
    #expect(target == "../real-checkpoints")
    let records = try String(contentsOfFile: place.path("real-metrics.jsonl"), encoding: .utf8)
    #expect(!records.contains("\"step\":10"), "\(records)")
    #expect(records.contains("\"step\":3"), "\(records)")
  }
}
