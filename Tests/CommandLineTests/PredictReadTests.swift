import Foundation
import Records
import Testing

/// What `predict` takes of its input: which windows, which parts of long documents, and what
/// becomes of lines that lack something or cannot be read.
@Suite(.serialized) struct PredictReadTests {
  private static func train(_ config: String, in place: Workplace) throws {
    try place.write("c.json", config)
    let job = try place.run("c.json", "--threads", "1", "--overwrite")
    try #require(job.status == 0, "\(job)")
  }

  private static func config(
    _ task: String, _ data: String, window: Int = 16, more: String = ""
  ) -> String {
    """
    {"task": "\(task)", "data": {\(data)}, "model": {"hidden": 8}\(more),
     "batch": {"sequences": 4, "window": \(window), "shards": 4},
     "run": {"directory": "run", "steps": 8, "validate_every": 8}}
    """
  }

  private static func cells(_ job: Program) -> [[String]] {
    job.lines.dropFirst().map { line in
      line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
  }

  private static func words(_ count: Int, from first: Int = 0) -> [String] {
    (0..<count).map { ["alpha", "beta", "gamma", "delta", "eps"][(first + $0 * $0) % 5] }
  }

  // MARK: - Documents

  @Test func longDocumentsAreCountedAsEvaluationDoes() throws {
    let place = try Workplace()
    func write(_ name: String, _ lines: [[String]]) throws {
      try place.write(name, lines.map { $0.joined(separator: " ") + "\n" }.joined())
    }
    try write("t.txt", (0..<60).map { Self.words(1 + $0 % 14, from: $0) })
    try Self.train(
      Self.config(
        "language",
        #""train": "t.txt", "valid": "t.txt", "documents": "line", "tokenizer": "word""#),
      in: place)
    // A line end is a token too: 15 words fit in 16 steps, and 16 do not.
    try write("new.txt", [3, 40, 15, 16].map { Self.words($0) })
    let job = try place.run("predict", "run", "new.txt")
    try #require(job.status == 0, "\(job)")
    #expect(
      job.errors.contains(
        "longer documents, read in parts of 16 steps, each from the initial state: 2, first line "
          + "2\n"), "\(job)")
    let measured = try place.run("evaluate", "run", "--text", "new.txt")
    #expect(
      measured.output.contains("2 documents of more than 16 tokens are read in parts"),
      "\(measured)")
    try write("short.txt", [3, 15].map { Self.words($0) })
    #expect(try !place.run("predict", "run", "short.txt").errors.contains("in parts"))

    // The second part knows nothing of the first; lines that are followed go on.
    var other = Self.words(40)
    other[0] = "eps"
    try write("one.txt", [Self.words(40)])
    try write("two.txt", [other])
    // Without the line end, which lines that are followed do not have.
    func tokens(_ name: String, _ more: String...) throws -> [[String]] {
      let job = try Program(["predict", "run", name, "--by", "token"] + more, in: place.folder)
      return Array(Self.cells(job).prefix(40))
    }
    let (one, two) = (try tokens("one.txt"), try tokens("two.txt"))
    let followed = try tokens("one.txt", "--follow")
    try #require(one.count == 40 && two.count == 40 && followed.count == 40)
    #expect(one[..<16] != two[..<16])
    #expect(one[16...] == two[16...])
    func scores(_ rows: ArraySlice<[String]>) -> [String?] { rows.map(\.last) }
    #expect(scores(followed[..<16]) == scores(one[..<16]))
    #expect(scores(followed[16...]) != scores(one[16...]))
  }

  // MARK: - Windows

  /// Those that the document counts.
  @Test(arguments: [(stride: 1, windows: 29, measured: 26), (stride: 5, windows: 7, measured: 6)])
  func windowsAreThoseThatLieWithinASeries(stride: Int, windows: Int, measured: Int) throws {
    let place = try Workplace()
    let rows = (0..<200).map { "\($0 * 7 % 11),\($0 * 5 % 13)\n" }
    try place.write("t.csv", "x,y\n" + rows.joined())
    try place.write("new.csv", "x,y\n" + rows[..<60].joined())
    try Self.train(
      Self.config(
        "forecasting",
        #""train": "t.csv", "valid_fraction": 0.4, "targets": ["x"], "horizon": 3, "#
          + #""stride": \#(stride)"#, window: 32), in: place)
    let job = try place.run("predict", "run", "new.csv", "--format", "jsonl")
    try #require(job.status == 0, "\(job)")
    #expect(job.errors.contains("\(windows) windows predicted"), "\(job)")
    let steps = try job.lines.map { try OrderedJSON(parsing: $0)["step"]?.integerValue }
    let all = Array(Swift.stride(from: 32, through: 60, by: stride))
    #expect(steps == (all.last == 60 ? all : all + [60]))
    #expect(steps.count == windows)
    #expect(steps.count { ($0 ?? 0) + 3 <= 60 } == measured)
    let evaluation = try place.run("evaluate", "run", "--text", "new.csv", "--json")
    try #require(evaluation.status == 0, "\(evaluation)")
    let record = try OrderedJSON(parsing: try #require(evaluation.lines.last))
    #expect(record["tokens"]?.integerValue == measured, "\(record.line)")
  }

  // MARK: - Lines of JSON

  private static func line(
    _ session: String?, _ values: String, _ more: String = ""
  ) -> String {
    "{" + (session.map { "\"session\": \"\($0)\", " } ?? "") + "\"values\": [\(values)]\(more)}"
  }

  private static func makeClassifier() throws -> Workplace {
    let place = try Workplace()
    let lines = (0..<24).map {
      line("s", "\($0), \($0 % 5), \($0 % 3)", ", \"label\": \"\($0 % 2 == 0 ? "p" : "q")\"")
    }
    try place.write("t.jsonl", lines.joined(separator: "\n"))
    try train(config("classification", #""train": "t.jsonl", "valid": "t.jsonl""#), in: place)
    return place
  }

  @Test func membersThatALineLacksAreNull() throws {
    let place = try Self.makeClassifier()
    let user = #", "ctx": {"user": "u"}"#
    let lines = [
      Self.line(nil, "1"), Self.line(nil, "2", user), Self.line(nil, "3"),
      Self.line(nil, "4", user + #", "ctx.user": "v""#),
    ]
    try place.write("new.jsonl", lines.joined(separator: "\n"))
    let said = "member \"ctx.user\", which --keep names, is not in 2 lines, first line 1: nothing"
    for more in [[], ["--follow"]] {
      let job = try Program(
        ["predict", "run", "new.jsonl", "--keep", "ctx.user"] + more, in: place.folder)
      #expect(job.status == 0, "\(job)")
      #expect(Self.cells(job).map { $0[more.isEmpty ? 1 : 0] } == ["", "u", "", "v"], "\(job)")
      #expect(job.errors.contains("new.jsonl: \(said)"), "\(job)")
    }
    let json = try place.run(
      "predict", "run", "new.jsonl", "--keep", "ctx.user", "--format", "jsonl")
    let kept = try json.lines.map { try OrderedJSON(parsing: $0)["ctx.user"] }
    #expect(kept == [.null, "u", .null, "v"], "\(json)")
  }

  @Test func followedLinesThatCannotBeReadAreSaidAndLeftOut() throws {
    let place = try Self.makeClassifier()
    let good = [Self.line("a", "1, 2"), Self.line("b", "3"), Self.line("a", "4, 5, 6")]
    let bad = [
      #"{"session": "a", "values": [1,"#, Self.line(nil, "1"), Self.line("a", #"1, "x""#),
      Self.line("a", "[1, 2]"), "[1]",
    ]
    let follow = ["--follow", "--session", "session", "--format", "jsonl"]
    func run(_ lines: [String], _ more: [String]) throws -> Program {
      try place.write("new.jsonl", lines.joined(separator: "\n"))
      return try Program(["predict", "run", "new.jsonl"] + more, in: place.folder)
    }
    let expected = try run(good, follow)
    try #require(expected.status == 0, "\(expected)")
    // One answer a line, that after its last step.
    let steps = try expected.lines.map { try OrderedJSON(parsing: $0)["step"]?.integerValue }
    #expect(steps == [2, 1, 5], "\(expected)")
    let mixed = bad[..<2] + good[..<2] + bad[2...] + good[2...]
    let job = try run(Array(mixed), follow + ["--output", "out.jsonl"])
    #expect(job.status == 2, "\(job)")
    let written = try String(contentsOfFile: place.path("out.jsonl"), encoding: .utf8)
    #expect(written == expected.output)
    for number in [1, 2, 5, 6, 7] {
      #expect(job.errors.contains("gru-dist: data 'new.jsonl', line \(number)"), "\(job)")
    }
    #expect(job.errors.contains("3 lines predicted"), "\(job)")
    #expect(
      job.errors.contains("5 lines could not be read, first line 1, column 31, and had no answer"),
      "\(job)")
    // Also where nothing else is there.
    let none = try run(Array(bad[..<3] + bad[4...]), follow)
    #expect(none.status == 2 && none.output.isEmpty, "\(none)")
    #expect(none.errors.contains("4 lines could not be read"), "\(none)")
    // A file is an error at once.
    let file = try run([good[0], bad[0], good[1]], [])
    #expect(file.status == 2, "\(file)")
    #expect(file.errors.contains("line 2, column 31: not JSON"), "\(file)")
    #expect(file.errors.contains("mend the line, or take it out"), "\(file)")
  }

  /// A byte that begins no character, one cut short by the end of its line or of all, and one that
  /// goes on with nothing.
  @Test func followedLinesThatAreNoTextAreSaidAndLeftOut() throws {
    let place = try Self.makeClassifier()
    let lines = [Self.line("a", "1, 2"), Self.line("b", "3"), Self.line("a", "4, 5, 6")]
    let good = lines.map { Array($0.utf8) }
    func run(_ lines: [[UInt8]], _ more: String...) throws -> Program {
      try Data(lines.joined(separator: [0x0A]))
        .write(to: place.folder.appendingPathComponent("new.jsonl"))
      return try Program(["predict", "run", "new.jsonl"] + more, in: place.folder)
    }
    let expected = try run(good, "--follow", "--session", "session")
    try #require(expected.status == 0, "\(expected)")
    let cut: [UInt8] = Array(#"{"session": "#.utf8) + [0xC3]
    let job = try run(
      [good[0], [0xFF], cut, good[1], [0x22, 0x80, 0x22], good[2], [0xE2, 0x82]], "--follow",
      "--session", "session")
    #expect(job.status == 2 && job.output == expected.output, "\(job)")
    for (place, byte) in [
      ("line 2, byte 1", "FF"), ("line 3, byte 13", "C3"), ("line 5, byte 2", "80"),
      ("line 7, byte 1", "E2"),
    ] {
      #expect(job.errors.contains("'new.jsonl', \(place): 0x\(byte) is no text"), "\(job)")
    }
    #expect(
      job.errors.contains("4 lines could not be read, first line 2, byte 1, and had no"), "\(job)")
    // A file is an error at once.
    let file = try run([good[0], [0xFF], good[1]])
    #expect(file.status == 2 && file.errors.contains("line 2, byte 1: 0xFF is no"), "\(file)")
  }

  /// Rows of a table, with categories that stay known by their numbers.
  @Test func followedRowsThatCannotBeReadAreSaidAndLeftOut() throws {
    let place = try Workplace()
    let rows = (0..<60).map {
      "\($0 / 3),\($0 % 7),\($0 % 2 == 0 ? "up" : "down"),\($0 / 3 % 2 == 0 ? "p" : "q")\n"
    }
    try place.write("t.csv", "sequence,x,kind,label\n" + rows.joined())
    try Self.train(
      Self.config("classification", #""train": "t.csv", "valid": "t.csv", "categories": ["kind"]"#),
      in: place)
    let good = ["a,1,up", "b,2,new", "a,3,down", "b,4,up", "a,5,new"]
    func run(_ rows: [String]) throws -> Program {
      try place.write("new.csv", "sequence,x,kind\n" + rows.joined(separator: "\n"))
      return try place.run("predict", "run", "new.csv", "--follow", "--session", "sequence")
    }
    let expected = try run(good)
    try #require(expected.status == 0, "\(expected)")
    let job = try run(["a,x,odd"] + good[..<2] + ["b,1", "a,,up"] + good[2...] + ["b,1,up,2"])
    #expect(job.status == 2, "\(job)")
    #expect(job.output == expected.output, "\(job)")
    #expect(
      job.errors.contains("4 lines could not be read, first line 2, column \"x\", and"), "\(job)")
    #expect(job.errors.contains("unknown categories, read as an empty cell: 2"), "\(job)")
    // So are rows whose bytes are no text, over several lines too, but not the head.
    func run(_ rows: [UInt8]) throws -> Program {
      try Data(rows).write(to: place.folder.appendingPathComponent("new.csv"))
      return try place.run("predict", "run", "new.csv", "--follow", "--session", "sequence")
    }
    let head = Array("sequence,x,kind\n".utf8)
    let texts = good.map { Array("\($0)\n".utf8) }
    let strange = Array("a,1,\"u".utf8) + [0xFF, 0x0A] + Array("p\"\n".utf8)
    let other = try run(head + texts[0] + strange + texts[1..<5].flatMap { $0 } + [0xE9, 0x0A])
    #expect(other.status == 2 && other.output == expected.output, "\(other)")
    #expect(other.errors.contains("line 3, byte 7: 0xFF is no text"), "\(other)")
    #expect(other.errors.contains("2 lines could not be read, first line 3, byte 7"), "\(other)")
    let headless = try run([0xFF] + head + texts[0])
    #expect(headless.status == 2 && headless.output.isEmpty, "\(headless)")
  }

  @Test func followedTextsThatCannotBeReadAreSaidAndLeftOut() throws {
    let place = try Workplace()
    let rows = (0..<24).map { "\(Self.words(4, from: $0).joined(separator: " ")),\($0 % 2)\n" }
    try place.write("t.csv", "text,label\n" + rows.joined())
    try Self.train(
      Self.config(
        "classification", #""train": "t.csv", "valid": "t.csv", "tokenizer": "word""#), in: place)
    let forms: [(name: String, head: [String], good: [String], bad: [String])] = [
      (
        "new.jsonl", [], [#"{"text": "alpha beta"}"#, #"{"text": "gamma"}"#],
        [#"{"text": "delta"#, #"{"text": 3}"#, "3"]
      ),
      ("new.csv", ["id,text"], ["1,alpha beta", "2,gamma"], ["1", "1,delta,3", "5,delta,eps,3"]),
    ]
    for (name, head, good, bad) in forms {
      func run(_ lines: [String]) throws -> Program {
        try place.write(name, (head + lines).joined(separator: "\n"))
        return try place.run("predict", "run", name, "--follow")
      }
      let expected = try run(good)
      try #require(expected.status == 0 && expected.lines.count == 3, "\(expected)")
      let job = try run([good[0]] + bad + [good[1]])
      #expect(job.status == 2 && job.output == expected.output, "\(job)")
      #expect(job.errors.contains("3 lines could not be read"), "\(job)")
    }
  }

  // MARK: - Words in columns

  /// Each word is answered, and a blank line ends a sequence: so are those of a file.
  @Test func followedColumnsAreThoseOfAFile() throws {
    let place = try Workplace()
    let sentences = (0..<40).map { Self.words(1 + $0 * 7 % 12, from: $0) }
    func text(_ label: (String) -> String) -> String {
      sentences.map { $0.map { $0 + label($0) + "\n" }.joined() }.joined(separator: "\n")
    }
    try place.write("t.conll", text { " \($0.first!)" })
    try Self.train(
      Self.config("tagging", #""train": "t.conll", "valid": "t.conll""#), in: place)
    try place.write("new.conll", text { _ in "" })
    let whole = try place.run("predict", "run", "new.conll", "--top", "2")
    let followed = try place.run("predict", "run", "new.conll", "--top", "2", "--follow")
    try #require(whole.status == 0 && followed.status == 0, "\(whole) \(followed)")
    let count = sentences.map(\.count).reduce(0, +)
    #expect(whole.errors.contains("40 texts predicted"), "\(whole)")
    #expect(followed.errors.contains("\(count) lines predicted"), "\(followed)")
    #expect(followed.lines[0].hasPrefix("step,word,tag_1,"), "\(followed)")
    #expect(Self.cells(followed) == Self.cells(whole).map { Array($0.dropFirst()) })
    // Also where a line that cannot be read follows a blank one.
    try place.write("odd.conll", text { _ in "" }.replacing("\n\n", with: "\n\na b c\n"))
    let job = try place.run("predict", "run", "odd.conll", "--top", "2", "--follow")
    #expect(job.status == 2 && job.output == followed.output, "\(job)")
    #expect(job.errors.contains("39 lines could not be read, first line 3, and"), "\(job)")
  }
}
