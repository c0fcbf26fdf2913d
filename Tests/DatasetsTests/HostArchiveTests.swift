import Batches
import Corpora
import Datasets
import Foundation
import Records
import Tasks
import Testing
import TextSequences

/// Data that one rank of a host has read and all hold.
@Suite struct HostArchiveTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("archives-\(UUID().uuidString)")

  /// Writes a file for a task, and asks for it.
  private func request(
    _ task: TaskName, _ name: String, _ lines: [String],
    change: (inout SequenceRequest) -> Void = { _ in }
  ) throws -> SequenceRequest {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let file = folder.appendingPathComponent(name)
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
    var request = SequenceRequest(task: task.description, rows: 2, window: 4, seed: 3)
    request.train = file.path
    request.validFraction = 0.4
    change(&request)
    return request
  }

  /// Data of every kind that files hold.
  private func requests() throws -> [SequenceRequest] {
    let hours = (0..<24).map { "2026-01-02T\($0 < 10 ? "0" : "")\($0):00,\($0 * 7 % 5),\($0)" }
    let long = (0..<40).map { "s\($0 / 20),\($0 % 7 == 3 ? "" : "\($0 % 6)"),\($0 % 3)" }
    func text(_ documents: DocumentUnit? = nil) -> TextRequest {
      var text = TextRequest(learning: Tokenizer.Learning(.word))
      text.documents = documents
      return text
    }
    return [
      try request(
        .classification, "classes.csv",
        ["id,x,label"] + (0..<30).map { "\($0 / 3),\($0 * 3 % 7),\($0 / 3 % 2 == 0 ? "a" : "b")" }
      ) {
        $0.sequenceColumn = "id"
        $0.normalizes = true
      },
      try request(.forecasting, "hours.csv", ["t,x,y"] + hours) {
        $0.calendarColumns = ["t"]
        $0.knownColumns = ["y"]
        $0.targetColumns = ["x"]
        $0.horizon = 2
        $0.origin = .last
      },
      try request(.forecasting, "long.csv", ["id,x,y"] + long) {
        $0.sequenceColumn = "id"
        $0.missing = .mask
        $0.task.masksTargets = true
        $0.scale = .series
      },
      try request(
        .classification, "texts.csv",
        ["text,label"] + (0..<9).map { "one w\($0),\($0 % 2)" }) { $0.text = text() },
      try request(
        .tagging, "tags.conll", (0..<9).flatMap { ["w\($0) A", "v\($0) B", ""] }
      ) { $0.text = text() },
      try request(.language, "lines.txt", (0..<9).map { "one w\($0) two" }) {
        $0.text = text(.line)
      },
    ]
  }

  /// All that a value has but the tokenizer, whose table of words is never the same, in words.
  private func description(_ data: SequenceData) -> [String] {
    var words = ""
    var data = data
    data.tokenizer = nil
    dump(data, to: &words)
    // What a class is called by its place in memory, and where it is counted.
    return words.replacing(#/ \#[0-9]+/#, with: "").components(separatedBy: "\n")
  }

  @Test func whatIsLentIsWhatWasRead() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    for request in try requests() {
      let read = try SequenceData(opening: request)
      #expect(read.validation != nil)
      let archive = try HostArchive(read, in: folder.path)
      let fields = try JSONFields(try OrderedJSON(parsing: Array(archive.json.line.utf8)))
      let lent = try HostArchive(json: fields).value(SequenceData.self)
      archive.removeName()
      let difference = zip(description(lent), description(read)).first { $0 != $1 }
      #expect(difference == nil, "\(request.train)")
      #expect(description(lent).count == description(read).count, "\(request.train)")
      #expect(lent.tokenizer == read.tokenizer)
      #expect(read.training.memoryBytes > 0)
      #expect(lent.training.memoryBytes == 0)
      #expect(throws: (any Error).self) { try HostArchive(json: fields) }
    }
  }

  /// Training and validation sequences of one file have the same numbers.
  @Test func numbersAreWrittenOnce() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let rows = (0..<20_000).map { "\($0 / 10),\($0 % 13),\($0 / 10 % 2)" }
    let request = try request(.classification, "a.csv", ["id,x,label"] + rows) {
      $0.sequenceColumn = "id"
      $0.window = 10
    }
    let read = try SequenceData(opening: request)
    let archive = try HostArchive(read, in: folder.path)
    let bytes = try #require(archive.json["bytes"]?.integerValue)
    let numbers = rows.count * 4
    #expect(bytes > numbers)
    #expect(bytes < 2 * numbers, "\(bytes) bytes for \(numbers) of numbers")
  }

  @Test func aFileThatIsNotThatOfTheOfferIsRefused() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let archive = try HostArchive(SequenceData(opening: try requests()[0]), in: folder.path)
    let (path, bytes, offset, content) = try (
      #require(archive.json["path"]), #require(archive.json["bytes"]),
      #require(archive.json["list_offset"]), #require(archive.json["content"])
    )
    func open(_ bytes: OrderedJSON, _ offset: OrderedJSON) throws -> SequenceData {
      let json: OrderedJSON = [
        "path": path, "bytes": bytes, "list_offset": offset, "content": content,
      ]
      return try HostArchive(json: JSONFields(json)).value(SequenceData.self)
    }
    #expect(try open(bytes, offset).outputs == 2)
    for strange in [-1, 3, 1 << 40] {
      #expect(throws: (any Error).self) { try open(bytes, .integer(strange)) }
      #expect(throws: (any Error).self) { try open(.integer(strange), offset) }
    }
    let file = URL(fileURLWithPath: try #require(path.stringValue))
    var damaged = try Data(contentsOf: file)
    damaged[10] ^= 1
    try damaged.write(to: file)
    #expect(throws: (any Error).self) { try open(bytes, offset) }
  }
}
