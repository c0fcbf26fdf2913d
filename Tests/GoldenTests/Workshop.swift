import Foundation
import Synchronization

/// A folder with the data of all configs, in which runs are made.
final class Workshop: Sendable {
  let folder: URL

  /// Shared by all tests, each of which has run directories of its own.
  static let shared = Result { try Workshop() }

  private init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("golden-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try GoldenData.write(to: folder)
    try Data("{}".utf8).write(to: folder.appendingPathComponent("config.json"))
    // Nobody else may remove it: a process ends without deinitialising what is static.
    let path = folder.path
    Self.leftover.withLock { $0 = path }
    atexit {
      Workshop.leftover.withLock { path in
        if let path { try? FileManager.default.removeItem(atPath: path) }
      }
    }
    for file in GoldenPreparation.all where FileManager.default.fileExists(atPath: file.kept.path) {
      try FileManager.default.copyItem(
        at: file.kept, to: folder.appendingPathComponent(file.name))
    }
  }

  /// A run directory that nobody else has.
  func newRun() -> URL { folder.appendingPathComponent("run-\(UUID().uuidString)") }

  /// Trains a config from its first step to its last.
  ///
  /// - Parameter version: of the contract; nil for the config's own.
  func trajectory(
    of config: GoldenConfig, by program: Program = .built, world: GoldenConfig.World,
    isa: String = "auto", changing settings: [String] = [], version: Int? = nil
  ) throws -> Trajectory {
    let run = newRun()
    defer { try? FileManager.default.removeItem(at: run) }
    try train(
      config, by: program, world: world, isa: isa, run: run,
      changing: ["run.contract_version=\(version ?? config.version)"] + settings)
    return try Trajectory(run: run)
  }

  /// Trains, or goes on with a run.
  func train(
    _ config: GoldenConfig, by program: Program = .built, world: GoldenConfig.World,
    isa: String = "auto", run: URL, changing settings: [String] = [], _ options: [String] = [],
    status: Int32 = 0
  ) throws {
    let sets = (config.settings + settings).flatMap { ["--set", $0] }
    try program.run(
      ["train", "config.json", "--run-directory", run.lastPathComponent] + sets + options,
      world: world, isa: isa, in: folder, status: status)
  }

  /// Measures a run's newest checkpoint.
  func evaluation(
    of run: URL, by program: Program = .built, isa: String = "auto"
  ) throws -> GoldenRecord {
    let output = try program.run(
      ["evaluate", run.lastPathComponent, "--json"], isa: isa, in: folder)
    guard let line = output.split(separator: "\n").last, let record = try GoldenRecord(line: line)
    else { throw Program.Failure(description: "evaluate wrote \(output)") }
    return record
  }

  /// The folder to remove when the process ends.
  private static let leftover = Mutex<String?>(nil)
}

/// A token file that a first program of a version prepared, and that later ones read.
struct GoldenPreparation: Sendable {
  let name: String
  let arguments: [String]
  /// Of the contract.
  var version = 1

  static let all = [
    GoldenPreparation(name: "words.tokens", arguments: ["text.txt", "--tokenizer", "word"]),
    GoldenPreparation(
      name: "pairs.tokens",
      arguments: ["utf8.txt", "--tokenizer", "bpe", "--vocabulary-limit", "290"]),
    GoldenPreparation(
      name: "pairs-valid.tokens", arguments: ["valid.txt", "--tokenizer-from", "pairs.tokens"]),
    GoldenPreparation(
      name: "joined.tokens", arguments: ["first.txt", "second.txt", "--tokenizer", "word"],
      version: 2),
    GoldenPreparation(
      name: "joined-pairs.tokens",
      arguments: [
        "first.txt", "second.txt", "spaces.txt", "--tokenizer", "bpe", "--vocabulary-limit", "290",
      ],
      version: 2),
  ]

  var kept: URL { GoldenValues.folder(ofVersion: version).appendingPathComponent(name) }
}

/// A run that a first program of its version stopped, and that later ones finish.
struct GoldenCheckpoint: Sendable {
  /// Of the config, whose trajectory both parts have together.
  let name: String
  let step: Int
  /// Where the run goes on.
  let world: GoldenConfig.World

  static let all = [
    GoldenCheckpoint(name: "characters", step: 3, world: .ranks(3)),
    GoldenCheckpoint(name: "kept-options", step: 4, world: .threads(2)),
    GoldenCheckpoint(name: "kept-average", step: 6, world: .ranks(2)),
    GoldenCheckpoint(name: "kept-compressed", step: 3, world: .ranks(2)),
    GoldenCheckpoint(name: "kept-local", step: 4, world: .ranks(2)),
    GoldenCheckpoint(name: "kept-plateau", step: 5, world: .threads(4)),
    GoldenCheckpoint(name: "kept-jitter", step: 4, world: .threads(3)),
    GoldenCheckpoint(name: "kept-classes", step: 3, world: .ranks(2)),
    GoldenCheckpoint(name: "kept-forecast", step: 4, world: .threads(1)),
    GoldenCheckpoint(name: "labels", step: 2, world: .threads(2)),
    GoldenCheckpoint(name: "adding", step: 3, world: .ranks(2)),
    GoldenCheckpoint(name: "copy", step: 3, world: .threads(4)),
    GoldenCheckpoint(name: "kept-lstm", step: 4, world: .ranks(2)),
    GoldenCheckpoint(name: "kept-mingru", step: 4, world: .threads(2)),
    GoldenCheckpoint(name: "tail-local", step: 6, world: .ranks(2)),
    GoldenCheckpoint(name: "tail-options", step: 5, world: .ranks(3)),
    GoldenCheckpoint(name: "spaces-words", step: 3, world: .ranks(2)),
    GoldenCheckpoint(name: "spaces-pairs", step: 3, world: .threads(3)),
    GoldenCheckpoint(name: "held-out-characters", step: 4, world: .threads(4)),
    GoldenCheckpoint(name: "offset-forecast", step: 3, world: .ranks(2)),
    GoldenCheckpoint(name: "skipped", step: 6, world: .ranks(2)),
    GoldenCheckpoint(name: "weighted-tags", step: 3, world: .ranks(2)),
    GoldenCheckpoint(name: "sessions", step: 4, world: .threads(2)),
  ]

  var kept: URL {
    GoldenValues.folder(ofVersion: config.version).appendingPathComponent("stopped/\(name)")
  }

  var config: GoldenConfig { GoldenConfig.named(name)! }
}
