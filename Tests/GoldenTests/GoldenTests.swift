import Foundation
import Testing

/// The versions of the numeric contract: what the first programs of each computed, later ones
/// compute too.
@Suite struct GoldenTests {
  /// A config in one world and with one instruction set.
  struct Case: Sendable, CustomTestStringConvertible {
    let config: GoldenConfig
    let world: GoldenConfig.World
    let isa: String

    var testDescription: String { "\(config.name), \(world), \(isa)" }

    /// Every world and every instruction set, combined in turns.
    static func cases(of configs: [GoldenConfig], isas: [String]) -> [Case] {
      configs.enumerated().flatMap { place, config in
        (0..<max(config.worlds.count, isas.count)).map { index in
          Case(
            config: config, world: config.worlds[index % config.worlds.count],
            isa: isas[(place + index) % isas.count])
        }
      }
    }
  }

  private let workshop: Workshop

  init() throws { workshop = try Workshop.shared.get() }

  @Test(arguments: Case.cases(of: GoldenConfig.all, isas: InstructionSets.available))
  func trajectoryEqualsTheRecording(of golden: Case) throws {
    try check(golden)
  }

  /// Recorded with the instructions of AVX512-BF16, and computed without them too.
  @Test(arguments: Case.cases(of: GoldenConfig.bf16, isas: InstructionSets.available))
  func bf16TrajectoryEqualsTheRecording(of golden: Case) throws {
    try check(golden)
  }

  private func check(_ golden: Case) throws {
    let expected = try #require(
      GoldenValues.recorded(golden.config.version).trajectories[golden.config.name],
      "no values of \(golden.config.name): record them with Tests/GoldenTests/record")
    let found = try workshop.trajectory(of: golden.config, world: golden.world, isa: golden.isa)
    let difference = Trajectory(records: expected).difference(to: found)
    #expect(difference == nil, "\(golden.testDescription): \(difference ?? "")")
  }

  @Test(arguments: GoldenCheckpoint.all)
  func keptCheckpointResumesToTheRecordedEnd(_ checkpoint: GoldenCheckpoint) throws {
    let run = workshop.newRun()
    defer { try? FileManager.default.removeItem(at: run) }
    try FileManager.default.copyItem(at: checkpoint.kept, to: run)
    let before = try Trajectory(run: run)
    try #require(before.records.last?.step == checkpoint.step)
    try workshop.train(checkpoint.config, world: checkpoint.world, run: run, ["--resume"])
    let expected = try recorded(checkpoint.config)
    try #require(expected.after(step: checkpoint.step).records.count > 1)
    let found = try Trajectory(run: run)
    let difference = expected.difference(to: found)
    #expect(difference == nil, "\(checkpoint.name): \(difference ?? "")")
  }

  @Test(arguments: GoldenCheckpoint.all)
  func keptCheckpointIsEvaluatedToTheRecordedLoss(_ checkpoint: GoldenCheckpoint) throws {
    let run = workshop.newRun()
    defer { try? FileManager.default.removeItem(at: run) }
    try FileManager.default.copyItem(at: checkpoint.kept, to: run)
    let values = GoldenValues.recorded(checkpoint.config.version)
    let expected = try #require(values.evaluations[checkpoint.name])
    let found = try workshop.evaluation(of: run)
    let difference = expected.difference(to: found)
    #expect(difference == nil, "\(checkpoint.name): \(difference ?? "")")
  }

  @Test func preparedTextTrainsLikeKeptTokenFile() throws {
    let config = try #require(GoldenConfig.named("token-file"))
    let preparation = try #require(GoldenPreparation.all.first)
    let name = "again-\(preparation.name)"
    try Program.built.prepare(preparation, as: name, in: workshop.folder)
    let found = try workshop.trajectory(
      of: config, world: .threads(1), changing: ["data.train=\(name)"])
    // Token files of version 1 estimate how many bytes the words of a part have; new ones know it,
    // as the text does. None knows their characters.
    var ofText = try workshop.trajectory(
      of: config, world: .threads(1), changing: ["data.train=text.txt"])
    ofText.records = ofText.records.map {
      $0.without("bits_per_character").without("bits_per_character_of_unigram")
    }
    #expect(ofText.difference(to: found) == nil)
    let expected = Trajectory(
      records: try recorded(config).records.map { $0.without("bits_per_byte") })
    #expect(expected.difference(to: found) == nil)
  }

  /// Without it a comparison that never fails would go unnoticed.
  @Test(arguments: [
    "run.seed=2", "optimizer.beta2=0.99900006", "run.steps=5", "run.validate_every=2",
  ])
  func changedConfigsAreDetected(_ change: String) throws {
    let config = try #require(GoldenConfig.named("gru-before"))
    let found = try workshop.trajectory(of: config, world: .threads(1), changing: [change])
    let expected = try recorded(config)
    #expect(expected.difference(to: found) != nil)
  }

  /// What version 2 leaves as it was is computed by its rules too, to the bits of version 1.
  @Test(arguments: [
    "gru-before", "gru-after", "lstm", "mingru", "exchange-buckets", "adding", "copy",
  ])
  func unchangedRulesKeepTheirBitsInVersion2(_ name: String) throws {
    let config = try #require(GoldenConfig.named(name))
    let found = try workshop.trajectory(of: config, world: .threads(2), version: 2)
    #expect(try recorded(config).difference(to: found) == nil)
  }

  private func recorded(_ config: GoldenConfig) throws -> Trajectory {
    Trajectory(
      records: try #require(GoldenValues.recorded(config.version).trajectories[config.name]))
  }

  @Test(arguments: GoldenValues.versions)
  func everyConfigHasDistinctValues(ofVersion version: Int) throws {
    let values = GoldenValues.recorded(version)
    let configs = (GoldenConfig.all + GoldenConfig.bf16).filter { $0.version == version }
    let checkpoints = GoldenCheckpoint.all.filter { $0.config.version == version }
    let names = configs.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(Set(names) == Set(values.trajectories.keys))
    #expect(Set(checkpoints.map(\.name)) == Set(values.evaluations.keys))
    #expect(values.contractVersion == version)
    var namesByEnd: [String: String] = [:]
    for name in names {
      let records = try #require(values.trajectories[name])
      let fingerprints = records.compactMap { record -> String? in
        if case .text(let fingerprint) = record.values["fingerprint"] { fingerprint } else { nil }
      }
      #expect(fingerprints.count >= 3, "\(name)")
      // All of them: an option may matter late, as patience does.
      let trajectory = records.map(\.json).joined()
      let other = namesByEnd.updateValue(name, forKey: trajectory)
      let isMeant = Self.equals.contains([name, other ?? name])
      #expect(other == nil || isMeant, "\(name) has the values of \(other ?? "")")
    }
  }

  /// Pairs of configs that are to have the same bits.
  private static let equals: Set<Set<String>> = [
    ["gru-before", "exchange-one-bucket"], ["gru-before", "watched"],
    ["watched", "exchange-one-bucket"], ["exchange-buckets", "exchange-thread"],
    ["words", "sparse-adam"], ["token-file", "words"], ["token-file", "sparse-adam"],
  ]
}
