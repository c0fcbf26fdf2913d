import Foundation
import Testing

/// Adds what was not recorded yet; `Tests/GoldenTests/record` starts it.
///
/// There is no way to have a recorded value replaced: it is a promise to the users of its version.
@Suite struct GoldenRecording {
  @Test(.enabled(if: Program.recorder != nil, "Tests/GoldenTests/record starts it"))
  func recordsMissingTrajectories() throws {
    let program = try #require(Program.recorder)
    let workshop = try Workshop.shared.get()
    for version in GoldenValues.versions { try record(version, by: program, in: workshop) }
  }

  private func record(_ version: Int, by program: Program, in workshop: Workshop) throws {
    try FileManager.default.createDirectory(
      at: GoldenValues.folder(ofVersion: version).appendingPathComponent("stopped"),
      withIntermediateDirectories: true)
    for file in GoldenPreparation.all
    where file.version == version && !FileManager.default.fileExists(atPath: file.kept.path) {
      try program.prepare(file, as: file.name, in: workshop.folder)
      try FileManager.default.copyItem(
        at: workshop.folder.appendingPathComponent(file.name), to: file.kept)
    }
    var values = GoldenValues.recorded(version)
    let configs = GoldenConfig.all + GoldenConfig.bf16
    for config in configs
    where config.version == version && values.trajectories[config.name] == nil {
      do {
        values.add(
          try workshop.trajectory(of: config, by: program, world: config.worlds[0]),
          of: config.name)
        print("recorded \(config.name)")
      } catch {
        Issue.record("\(config.name): \(error)")
      }
    }
    for checkpoint in GoldenCheckpoint.all where checkpoint.config.version == version {
      if !FileManager.default.fileExists(atPath: checkpoint.kept.path) {
        try record(checkpoint, by: program, in: workshop)
      }
      if values.evaluations[checkpoint.name] == nil {
        let run = workshop.newRun()
        try FileManager.default.copyItem(at: checkpoint.kept, to: run)
        values.add(evaluation: try workshop.evaluation(of: run, by: program), of: checkpoint.name)
      }
    }
    try values.write()
  }

  private func record(
    _ checkpoint: GoldenCheckpoint, by program: Program, in workshop: Workshop
  ) throws {
    let run = workshop.newRun()
    try workshop.train(
      checkpoint.config, by: program, world: checkpoint.config.worlds[0], run: run,
      changing: ["run.contract_version=\(checkpoint.config.version)"],
      ["--stop-after", "\(checkpoint.step)"], status: 75)
    try FileManager.default.createDirectory(
      at: checkpoint.kept, withIntermediateDirectories: true)
    for name in ["config.json", "metrics.jsonl", "checkpoints"] {
      try FileManager.default.copyItem(
        at: run.appendingPathComponent(name), to: checkpoint.kept.appendingPathComponent(name))
    }
    print("kept \(checkpoint.name) after step \(checkpoint.step)")
  }
}

extension Program {
  /// The program whose values are to be recorded, if any are.
  fileprivate static let recorder = ProcessInfo.processInfo.environment["GRU_DIST_GOLDEN_RECORD"]
    .map { Program(path: $0) }

  /// Prepares a token file in `folder`.
  func prepare(_ file: GoldenPreparation, as name: String, in folder: URL) throws {
    try run(
      ["prepare"] + file.arguments + ["--output", name], options: false, in: folder)
  }
}
