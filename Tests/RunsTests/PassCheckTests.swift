import Checkpoints
import Collectives
import Configuration
import Foundation
import NumericContract
import Records
import Runs
import Testing

/// What a resume within a pass over a file holds against that file.
@Suite struct PassCheckTests {
  private static let tags = (0..<70).map { index in
    (0..<1 + index * 13 % 9).map { place in
      "w\((place * 3 + index) % 7) \((place + index) % 2 == 0 ? "A" : "B")\n"
    }.joined()
  }.joined(separator: "\n")

  private func files() throws -> TaskFiles {
    let files = try TaskFiles(
      "a.conll", Self.tags,
      config: """
        {"task": "tagging", "data": {"train": "DATA", "valid_fraction": 0.2},
         "model": {"hidden": 10, "embedding": 6, "layers": 1},
         "batch": {"sequences": 4, "window": 12, "shards": 4},
         "run": {"steps": 8, "validate_every": 4, "checkpoint_every": 4}}
        """)
    try files.write("b.conll", Self.tags.replacingOccurrences(of: "w3", with: "w4"))
    return files
  }

  private func run(
    _ files: TaskFiles, _ change: (inout TrainOptions) -> Void
  ) throws -> Int32 {
    var options = try files.options()
    change(&options)
    return try TrainingRun(options, on: SoloCommunicator(), launchedByMPI: false).perform()
  }

  /// Writes another number into the pass of a checkpoint, and a manifest that believes it.
  private func damage(_ checkpoint: String, _ field: String, by change: Int) throws {
    let path = "\(checkpoint)/\(Checkpoint.stateFile)"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let pattern = try Regex("\"\(field)\" *: *([0-9]+)", as: (Substring, Substring).self)
    let start = try #require(text.firstRange(of: "\"file_passes\"")).lowerBound
    let match = try #require(text[start...].firstMatch(of: pattern))
    let number = try #require(Int(match.output.1)) + change
    let place = match.output.1.startIndex..<match.output.1.endIndex
    let damaged = text.replacingCharacters(in: place, with: "\(number)")
    try Data(damaged.utf8).write(to: URL(fileURLWithPath: path))
    let url = URL(fileURLWithPath: "\(checkpoint)/\(Manifest.fileName)")
    let manifest = try Manifest(text: Array(Data(contentsOf: url)), path: url.path)
    var seal = "gru-dist \(Manifest.formatVersion) \(manifest.contractVersion) \(manifest.step)\n"
    var entries: [OrderedJSON] = []
    for file in manifest.files {
      let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: "\(checkpoint)/\(file.name)")))
      let hash = SHA256.hash(of: bytes)
      seal += "\(bytes.count) \(hash) \(file.name)\n"
      entries.append(
        ["bytes": .integer(bytes.count), "name": .string(file.name), "sha256": .string(hash)])
    }
    let sealed: OrderedJSON = [
      "format": "gru-dist checkpoint", "format_version": .integer(Manifest.formatVersion),
      "contract_version": .integer(manifest.contractVersion), "step": .integer(manifest.step),
      "files": .array(entries), "digest": .string(SHA256.hash(of: Array(seal.utf8))),
    ]
    try Data(sealed.pretty.utf8).write(to: url)
  }

  @Test(arguments: [
    ("batches", 1), ("batches", -1), ("steps", 3), ("steps", -1), ("rehearsed_before", 5),
    ("batches", 0), ("steps", 1_000_000), ("batches", 1000), ("rehearsals", 20),
  ])
  func passThatItsFileDoesNotMakeIsRefusedWithWords(field: String, change: Int) throws {
    let files = try files()
    let file = files.folder.appendingPathComponent("b.conll").path
    #expect(try run(files) { _ in } == 0)
    let stopped = try run(files) { ($0.resume, $0.file, $0.stopAfter) = (true, file, 10) }
    #expect(stopped == 75)
    try damage("\(files.folder.path)/run/checkpoints/step-00000010", field, by: change)
    let resume = { try run(files) { ($0.resume, $0.file) = (true, file) } }
    guard change != 0 else { return #expect(try resume() == 0) }
    #expect {
      _ = try resume()
    } throws: { error in
      let said = "\(error)"
      return said.contains("its pass over 'b.conll' is of") && said.contains("makes one of")
    }
  }
}
