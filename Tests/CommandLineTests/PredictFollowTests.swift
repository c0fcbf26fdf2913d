import Foundation
import Records
import Testing

/// Lines that are answered as they come have the bits of whole sequences.
@Suite(.serialized) struct PredictFollowTests {
  /// A workplace with a run that reads sequences from their beginning, and rows of 20 sessions.
  private static func make() throws -> (place: Workplace, sessions: [[String]]) {
    let place = try Workplace()
    let sessions = (0..<20).map { session in
      (0..<3 + session * 7 % 11).map { step in
        "s\(session),\(Double((session * 3 + step * 5) % 17) - 8),\(Double(step % 4))"
      }
    }
    let rows = sessions.enumerated().flatMap { number, rows in
      rows.map { "\($0),\(number % 2 == 0 ? "even" : "odd")" }
    }
    try place.write("t.csv", (["sequence,x,y,label"] + rows).joined(separator: "\n"))
    try place.write(
      "c.json",
      """
      {"task": "classification", "data": {"train": "t.csv", "valid": "t.csv"},
       "model": {"hidden": 8, "layers": 2, "learned_initial_state": true},
       "batch": {"sequences": 4, "window": 13, "shards": 4},
       "run": {"directory": "run", "steps": 20, "validate_every": 20}}
      """)
    let job = try place.run("c.json", "--threads", "1")
    try #require(job.status == 0, "\(job)")
    return (place, sessions)
  }

  /// Sessions that take turns, a row each.
  private static func alternating(_ sessions: [[String]]) -> [String] {
    let longest = sessions.map(\.count).max() ?? 0
    return (0..<longest).flatMap { step in
      sessions.compactMap { step < $0.count ? $0[step] : nil }
    }
  }

  @Test func answersEqualThoseForWholeSequences() throws {
    let (place, sessions) = try Self.make()
    try place.write(
      "new.csv", (["sequence,x,y"] + Self.alternating(sessions)).joined(separator: "\n"))
    let job = try place.run("predict", "run", "new.csv", "--follow", "--session", "sequence")
    try #require(job.status == 0, "\(job)")
    #expect(job.lines[0] == "sequence,step,class,probability")
    #expect(job.lines.count == 1 + sessions.map(\.count).reduce(0, +))
    // Each beginning of a session as a sequence of its own.
    let beginnings = sessions.flatMap { rows in
      rows.indices.map { last in
        rows[...last].map { row in
          let cells = row.split(separator: ",", maxSplits: 1)
          return "\(cells[0])-\(last + 1),\(cells[1])"
        }
      }
    }
    try place.write(
      "whole.csv", (["sequence,x,y"] + beginnings.flatMap { $0 }).joined(separator: "\n"))
    let whole = try place.run("predict", "run", "whole.csv")
    try #require(whole.status == 0, "\(whole)")
    let answers = Set(
      job.lines.dropFirst().map { line in
        let cells = line.split(separator: ",")
        return "\(cells[0])-\(cells[1]),\(cells[2]),\(cells[3])"
      })
    #expect(answers == Set(whole.lines.dropFirst()))
  }

  @Test func theOldestSessionIsForgottenAndTold() throws {
    let (place, sessions) = try Self.make()
    try place.write(
      "new.csv",
      (["sequence,x,y"] + Self.alternating(Array(sessions[..<3]))).joined(separator: "\n"))
    let job = try place.run(
      "predict", "run", "new.csv", "--follow", "--session", "sequence", "--sessions", "2")
    #expect(job.errors.contains("first \"s0\"; --sessions keeps more"), "\(job)")
    #expect(job.errors.contains("dropped, first \"s0\": more than 2 were in use"), "\(job)")
    // Two of three are known, and each is forgotten before its turn comes.
    let turns = job.lines.dropFirst().prefix(9).map { $0.split(separator: ",")[1] }
    #expect(turns == Array(repeating: "1", count: 9), "\(job)")
    let all = try place.run("predict", "run", "new.csv", "--follow", "--session", "sequence")
    #expect(!all.errors.contains("dropped"))
  }

  /// A line is answered before the next one is there.
  @Test func answersDoNotWaitForMore() throws {
    let (place, sessions) = try Self.make()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Program.path)
    process.arguments = ["predict", "run", "--follow", "--session", "sequence"]
    process.currentDirectoryURL = place.folder
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    defer { process.terminate() }
    func line() -> String {
      var bytes: [UInt8] = []
      while let byte = output.fileHandleForReading.readData(ofLength: 1).first, byte != 0x0A {
        bytes.append(byte)
      }
      return String(decoding: bytes, as: UTF8.self)
    }
    input.fileHandleForWriting.write(Data("sequence,x,y\n".utf8))
    for (step, row) in sessions[0].prefix(3).enumerated() {
      input.fileHandleForWriting.write(Data((row + "\n").utf8))
      if step == 0 { #expect(line() == "sequence,step,class,probability") }
      #expect(line().hasPrefix("s0,\(step + 1),"))
    }
    try input.fileHandleForWriting.close()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }

  @Test func modelsThatReadTheEndAreRefused() throws {
    let (place, _) = try Self.make()
    let config = try String(contentsOfFile: place.path("c.json"), encoding: .utf8)
    try place.write(
      "b.json",
      config.replacing(#""learned_initial_state": true"#, with: #""bidirectional": true"#)
        .replacing(#""run", "#, with: #""both", "#))
    let job = try place.run("b.json", "--threads", "1")
    try #require(job.status == 0, "\(job)")
    let refused = try place.run("predict", "both", "t.csv", "--follow")
    #expect(refused.status == 2)
    #expect(refused.errors.contains("the model is bidirectional"), "\(refused)")
    #expect(try place.run("predict", "run", "t.csv", "--session", "x").status == 2)
    #expect(try place.run("predict", "run", "t.csv", "--follow", "--batch", "2").status == 2)
  }

  /// What is missing is the number before, also in a line of several steps and from line to line.
  @Test func missingNumbersAreThoseBefore() throws {
    let place = try Workplace()
    func line(_ steps: [String], _ label: String? = nil) -> String {
      "{\"session\": \"a\", \"values\": [\(steps.map { "[\($0)]" }.joined(separator: ", "))]"
        + (label.map { ", \"label\": \"\($0)\"" } ?? "") + "}"
    }
    let lines = (0..<12).map { line(["\($0)", "null", "\($0 % 5)"], $0 % 2 == 0 ? "p" : "q") }
    try place.write("t.jsonl", lines.joined(separator: "\n"))
    try place.write(
      "c.json",
      """
      {"task": "classification",
       "data": {"train": "t.jsonl", "valid": "t.jsonl", "missing": "forward"},
       "model": {"hidden": 8}, "batch": {"sequences": 4, "window": 8, "shards": 4},
       "run": {"directory": "run", "steps": 8, "validate_every": 8}}
      """)
    try #require(try place.run("c.json", "--threads", "1").status == 0)
    try place.write("whole.jsonl", line(["11", "null", "null"]))
    try place.write("parts.jsonl", line(["11", "null"]) + "\n" + line(["null"]))
    let whole = try place.run("predict", "run", "whole.jsonl", "--format", "jsonl")
    let parts = try place.run(
      "predict", "run", "parts.jsonl", "--follow", "--session", "session", "--format", "jsonl")
    try #require(whole.status == 0 && parts.status == 0, "\(whole) \(parts)")
    func answer(_ line: String?) throws -> [OrderedJSON?] {
      let record = try OrderedJSON(parsing: Array((line ?? "").utf8))
      return [record["class"], record["probability"]]
    }
    #expect(try answer(parts.lines.last) == answer(whole.lines.last))
    let unknown = try place.run(
      "predict", "run", "parts.jsonl", "--follow", "--session", "user")
    #expect(unknown.errors.contains("no member \"user\", which --session names"), "\(unknown)")
  }

  /// A text without a token says nothing, whatever was answered before it.
  @Test func emptyTextsHaveNoAnswerOfOthers() throws {
    let place = try Workplace()
    let rows = (0..<20).map { "\($0 % 2 == 0 ? "good fine" : "bad poor") w\($0),\($0 % 2)" }
    try place.write("t.csv", (["text,label"] + rows).joined(separator: "\n"))
    try place.write(
      "c.json",
      """
      {"task": "classification",
       "data": {"train": "t.csv", "valid": "t.csv", "tokenizer": "word"},
       "model": {"hidden": 8}, "batch": {"sequences": 4, "window": 8, "shards": 4},
       "run": {"directory": "run", "steps": 8, "validate_every": 8}}
      """)
    try #require(try place.run("c.json", "--threads", "1").status == 0)
    try place.write("new.csv", "user,text\na,good fine\nb,bad poor\na,\n")
    let job = try place.run("predict", "run", "new.csv", "--follow", "--session", "user")
    try #require(job.status == 0, "\(job)")
    #expect(job.lines.count == 4, "\(job)")
    #expect(job.lines.last == "a,2,,", "\(job)")
    let states = try place.run(
      "predict", "run", "new.csv", "--follow", "--session", "user", "--states", "last")
    #expect(states.lines.last == "a,2" + String(repeating: ",", count: 8), "\(states)")
  }

  /// Rows before one that cannot be read are answered.
  @Test func answersBeforeAnErrorStand() throws {
    let (place, _) = try Self.make()
    try place.write("bad.csv", "sequence,x,y\na,1,2\na,2,3\na,oops,4\n")
    let job = try place.run("predict", "run", "bad.csv", "--follow", "--session", "sequence")
    #expect(job.status == 2, "\(job)")
    #expect(job.lines.count == 3, "\(job)")
    #expect(job.errors.contains("line 4, column \"x\""), "\(job)")
  }
}
