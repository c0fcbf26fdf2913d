import Collectives
import Configuration
import Corpora
import Datasets
import Engine
import Foundation
import Records
import Testing

@Suite struct SharedTokensTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("shared-tokens-\(UUID().uuidString)")

  /// A text, a validation text and an empty directory.
  private func config(_ tokenizer: String, scratch: String? = nil) throws -> Config {
    let directory = folder.appendingPathComponent("scratch").path
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    let words = (0..<4000).map { "w\($0 * $0 % 113)é" }
    for name in ["train", "valid"] {
      let text = words.joined(separator: name == "train" ? " " : "\n")
      try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }
    let json = """
      {"data": {"train": "\(folder.path)/train", "valid": "\(folder.path)/valid",
                "tokenizer": "\(tokenizer)"},
       "batch": {"sequences": 4, "window": 8, "shards": 4},
       "run": {"scratch_directory": "\(scratch ?? directory)"}}
      """
    return try Config(json: Array(json.utf8), file: "config.json", overrides: [])
  }

  private func tokens(_ part: CorpusSplit.Part?) -> [Int32] {
    part.map { part in part.range.map { part.corpus[$0] } } ?? []
  }

  private struct Found {
    var training: [Int32]
    var validation: [Int32]
    var bytes: Int?
    var memory: Int
    var fingerprints: [String?]
    var complaints: [String]
  }

  private func found(by config: Config, ranks: Int) throws -> [Found] {
    try ThreadWorld.run(ranks: ranks) { communicator in
      var complaints: [String] = []
      let data = try config.openData(as: nil, on: communicator) { complaints.append($0) }
      var split: CorpusSplit?
      if case .text(let text) = data { split = text }
      return Found(
        training: tokens(split?.training), validation: tokens(split?.validation),
        bytes: split?.validation?.targetBytes, memory: data.memoryBytes,
        fingerprints: [data.fingerprint, data.validationFingerprint, data.words],
        complaints: complaints)
    }
  }

  @Test(arguments: ["byte", "character", "word", "bpe"])
  func ranksOfAHostHoldTheTokensOnce(tokenizer: String) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let config = try config(tokenizer)
    let alone = try #require(try found(by: config, ranks: 1).first)
    #expect(alone.training.count > 1000)
    #expect(tokenizer == "byte" || alone.memory > 0)
    try expectHeldOnce(by: config, as: alone)
  }

  /// Three ranks find the same and hold nothing of their own, and nothing is left.
  private func expectHeldOnce(by config: Config, as alone: Found) throws {
    for rank in try found(by: config, ranks: 3) {
      #expect(rank.training == alone.training)
      #expect(rank.validation == alone.validation)
      #expect(rank.bytes == alone.bytes)
      #expect(rank.fingerprints == alone.fingerprints)
      #expect(rank.memory == 0)
      #expect(rank.complaints.isEmpty)
    }
    let left = try FileManager.default.contentsOfDirectory(
      atPath: folder.appendingPathComponent("scratch").path)
    #expect(left.isEmpty)
  }

  @Test func ranksHoldTheirOwnTokensWhereThereIsNoRoom() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let config = try config("word", scratch: folder.appendingPathComponent("missing").path)
    let alone = try #require(try found(by: config, ranks: 1).first)
    let ranks = try found(by: config, ranks: 2)
    #expect(ranks.allSatisfy { $0.training == alone.training && $0.memory == alone.memory })
    let complaints = ranks.flatMap(\.complaints)
    #expect(complaints.count == 1)
    #expect(complaints.first?.contains("each of the 2 ranks") == true, "\(complaints)")
    #expect(complaints.first?.contains("run.scratch_directory") == true)
  }

  @Test func tokensThatAreNotThoseOfTheOfferAreRefused() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let config = try config("word")
    let corpus = try config.openText().training.corpus
    let scratch = try #require(config.run.scratchDirectory)
    let shared = try #require(try corpus.shared(in: scratch))
    let line = shared.offer.json.line
    func open(_ line: String) throws -> TokenCorpus {
      try TokenCorpus(
        offered: Array(line.utf8), path: config.data.train, tokenizer: corpus.tokenizer)
    }
    #expect(try open(line).count == corpus.count)
    let other = line.replacingOccurrences(of: "\"count\":\(corpus.count)", with: "\"count\":7")
    #expect(other != line)
    #expect(throws: (any Error).self) { try open(other) }
    // One token of the file is another.
    let file = try #require(
      try FileManager.default.contentsOfDirectory(atPath: scratch).first.map { scratch + "/" + $0 })
    var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    bytes[10] ^= 1
    try bytes.write(to: URL(fileURLWithPath: file))
    #expect(throws: (any Error).self) { try open(line) }
    shared.offer.removeName()
    #expect(throws: (any Error).self) { try open(line) }
  }

  /// A table of sequences with classes.
  private func tableConfig(scratch: String? = nil) throws -> Config {
    let directory = folder.appendingPathComponent("scratch").path
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    let rows = (0..<3000).map { "\($0 / 10),\($0 * $0 % 113),\($0 / 10 % 3)" }
    try Data((["id,x,label"] + rows).joined(separator: "\n").utf8)
      .write(to: folder.appendingPathComponent("table.csv"))
    let json = """
      {"task": "classification",
       "data": {"train": "\(folder.path)/table.csv", "sequence": "id", "valid_fraction": 0.1},
       "batch": {"sequences": 4, "window": 16, "shards": 4},
       "run": {"scratch_directory": "\(scratch ?? directory)"}}
      """
    return try Config(json: Array(json.utf8), file: "config.json", overrides: [])
  }

  @Test func ranksOfAHostHoldNumbersOfTablesOnce() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let config = try tableConfig()
    let alone = try #require(try found(by: config, ranks: 1).first)
    #expect(alone.memory > 3000 * 4)
    try expectHeldOnce(by: config, as: alone)
  }

  @Test func ranksHoldTheirOwnNumbersWhereThereIsNoRoom() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let config = try tableConfig(scratch: folder.appendingPathComponent("missing").path)
    let ranks = try found(by: config, ranks: 2)
    #expect(ranks.allSatisfy { $0.memory > 3000 * 4 && $0.fingerprints == ranks[0].fingerprints })
    let complaints = ranks.flatMap(\.complaints)
    #expect(complaints.count == 1)
    #expect(complaints.first?.contains("holds its own numbers") == true, "\(complaints)")
  }
}
