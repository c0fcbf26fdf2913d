import Foundation
import Records
import Testing

/// The contract of `--json`: a JSON object a line on standard output and nothing else, with the
/// members that docs/command-line.md lists. Set GRU_DIST_WRITE_REFERENCES to write them anew.
@Suite(.serialized) struct JSONContractTests {
  static let document = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../docs/command-line.md").standardized

  /// Command lines, one after another, whose statuses are not 0 where they say so.
  private static let lines: [(line: String, statuses: Set<Int32>)] = [
    ("init", [0]), ("init copy made.json", [0]), ("check config.json", [0]),
    ("prepare text.txt --output text.tokens --tokenizer byte", [0]),
    ("overfit config.json --steps 2", [3]), ("lr-range config.json --steps 40", [0]),
    ("train config.json --set run.sample_length=5 --stop-after 7", [75]),
    ("train config.json --set run.sample_length=5 --resume", [0]),
    ("evaluate run", [0]), ("sample run --length 5", [0]), ("inspect run", [0]),
    ("export run --format onnx --output run.onnx", [0]),
    ("export run --format keras --output run.safetensors", [0]),
    ("import run.safetensors config.json --format keras --run-directory imported", [0]),
    ("runs .", [0]), ("compare run imported", [0]), ("prune run --dry-run", [0]),
    ("prune run", [0]), ("plan config.json --seconds 0", [0]), ("doctor --np 0", [0, 3]),
    ("memory memory.json", [0]), ("bench peak --seconds 0.01", [0]),
    ("bench step --hidden 8 --embedding 8 --steps 1 --warmup 0", [0]),
    ("bench evaluate --hidden 8 --embedding 8 --steps 1 --warmup 0", [0]),
    ("bench sample --hidden 8 --embedding 8 --steps 1 --warmup 0", [0]),
    ("manual pages", [0]),
  ]

  /// Records of one command and kind: the members of all, and of some.
  private struct Members: Equatable {
    var always: [String]
    var sometimes: [String] = []

    init(_ record: OrderedJSON) { always = Self.names(of: record) }

    static func names(of record: OrderedJSON) -> [String] {
      if case .object(let members) = record { members.map(\.name) } else { [] }
    }

    mutating func add(_ record: OrderedJSON) {
      let names = Self.names(of: record)
      let missing = always.filter { !names.contains($0) }
      always.removeAll { missing.contains($0) }
      sometimes += missing
      sometimes += names.filter { !always.contains($0) && !sometimes.contains($0) }
    }
  }

  private static func record(_ text: String, of command: String) throws -> OrderedJSON {
    let record = try OrderedJSON(parsing: text)
    try #require(!Members.names(of: record).isEmpty, "\(command): \(text)")
    return record
  }

  private func found() throws -> [(key: String, members: Members)] {
    let place = try Workplace()
    try place.write(
      "memory.json",
      """
      {"task": "adding", "model": {"hidden": 4, "layers": 1},
       "batch": {"sequences": 4, "window": 8, "shards": 4},
       "memory": {"tasks": ["adding"], "cells": ["gru"], "lengths": [4], "steps": 1},
       "run": {"directory": "memory"}}
      """)
    var all: [(key: String, members: Members)] = []
    func note(_ text: String, of command: String) throws {
      let record = try Self.record(text, of: command)
      let kind = record["kind"]?.stringValue ?? record["bench"]?.stringValue ?? ""
      let key = "`\(command)` | \(kind.isEmpty ? "" : "`\(kind)`")"
      if let index = all.firstIndex(where: { $0.key == key }) {
        all[index].members.add(record)
      } else {
        all.append((key, Members(record)))
      }
    }
    for (line, statuses) in Self.lines {
      let words = line.split(separator: " ").map(String.init)
      let command = words[0] == "bench" ? "\(words[0]) \(words[1])" : words[0]
      let job = try Program(words + ["--json"], in: place.folder)
      #expect(statuses.contains(job.status), "\(job)")
      #expect(!job.lines.isEmpty && job.output.hasSuffix("\n"), "\(job)")
      for text in job.lines { try note(text, of: command) }
    }
    // It serves until it is ended.
    let port = try Program(
      ["dashboard", ".", "--port", "0", "--json"], in: place.folder
    ) { process in
      Thread.sleep(forTimeInterval: 3)
      process.terminate()
      return true
    }
    for text in port.lines { try note(text, of: "dashboard") }
    let exchange = try place.run(
      "bench", "exchange", "--smallest", "64", "--largest", "64", "--seconds", "0.01", "--json",
      ranks: 2)
    #expect(exchange.status == 0, "\(exchange)")
    for text in exchange.lines { try note(text, of: "bench exchange") }
    return all
  }

  @Test func recordsHaveTheMembersOfTheDocument() throws {
    let rows = try found().map { key, members in
      let names =
        members.always.map { "`\($0)`" } + members.sometimes.sorted().map { "`\($0)`?" }
      return "| \(key) | \(names.joined(separator: ", ")) |"
    }
    let text = try String(contentsOf: Self.document, encoding: .utf8)
    let parts = text.components(separatedBy: "\n## Records\n")
    try #require(parts.count == 2, "docs/command-line.md has no section \"Records\"")
    let head = "| command | `kind` | members |\n|---|---|---|\n"
    let introduction = parts[1].components(separatedBy: head)[0]
    let written =
      parts[0] + "\n## Records\n" + introduction + head + rows.joined(separator: "\n") + "\n"
    if ProcessInfo.processInfo.environment["GRU_DIST_WRITE_REFERENCES"] != nil {
      return try written.write(to: Self.document, atomically: true, encoding: .utf8)
    }
    let documented = text.split(separator: "\n").map(String.init)
    for row in rows where !documented.contains(row) {
      Issue.record("docs/command-line.md lacks (GRU_DIST_WRITE_REFERENCES=1 writes it)\n\(row)")
    }
    #expect(text == written)
  }
}
