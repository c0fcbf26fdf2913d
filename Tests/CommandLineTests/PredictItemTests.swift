import Foundation
import Records
import Testing

/// The next items of sessions equal those that evaluation ranks.
@Suite(.serialized) struct PredictItemTests {
  /// Sessions of 1 to 9 of a dozen items, each of which has a usual successor.
  private static let sessions: [[String]] = (0..<60).map { session in
    (0..<1 + session * 5 % 9).map { "i\((session * 7 + $0 * ($0 + session % 2)) % 12)" }
  }

  /// A workplace with a run, whose events lie among each other and out of order.
  ///
  /// - Parameter output: a section of the config.
  private static func make(window: Int = 9, _ output: String = "") throws -> Workplace {
    let place = try Workplace()
    let events = sessions.enumerated().flatMap { number, items in
      items.enumerated().map { time, item in "s\(number),\(item),\(time + 1),x\(time)" }
    }
    let sorted = events.enumerated().sorted { $0.offset * 37 % 331 < $1.offset * 37 % 331 }
    try place.write(
      "t.csv", (["user,item,time,more"] + sorted.map(\.element)).joined(separator: "\n"))
    try place.write(
      "c.json",
      """
      {"task": "recommendation",
       "data": {"train": "t.csv", "valid": "t.csv", "sequence": "user", "time": "time"},
       "model": {"hidden": 8, "embedding": 6, "layers": 2}, \(output)
       "batch": {"sequences": 8, "window": \(window), "shards": 8},
       "run": {"directory": "run", "steps": 30, "validate_every": 30}}
      """)
    let job = try place.run("c.json", "--threads", "1")
    try #require(job.status == 0, "\(job)")
    return place
  }

  private static func objects(_ job: Program) throws -> [OrderedJSON] {
    try #require(job.status == 0, "\(job)")
    return try job.lines.map { try OrderedJSON(parsing: $0) }
  }

  /// Every beginning of every session, of which the next item is known.
  private static var beginnings: [(items: ArraySlice<String>, next: String)] {
    sessions.flatMap { items in
      items.indices.dropFirst().map { (items[..<$0], items[$0]) }
    }
  }

  /// Also where sessions are longer than the rows that they trained in.
  @Test(arguments: [(9, ""), (3, ""), (9, #""output": {"sampled": 5}, "#)])
  func recommendationsAreThoseThatEvaluationRanks(window: Int, output: String) throws {
    let place = try Self.make(window: window, output)
    let beginnings = Self.beginnings
    try place.write(
      "new.jsonl",
      beginnings.map { beginning in
        let items = beginning.items.map { "\"\($0)\"" }.joined(separator: ", ")
        return "{\"items\": [\(items)]}"
      }.joined(separator: "\n"))
    let job = try place.run("predict", "run", "new.jsonl", "--top", "5", "--format", "jsonl")
    let found = try Self.objects(job)
    #expect(found.count == beginnings.count)
    var (hits, ranks) = (0, 0.0)
    for (line, beginning) in zip(found, beginnings) {
      guard case .array(let items)? = line["items"] else {
        Issue.record("\(line.line)")
        continue
      }
      #expect(items.count == 5)
      let rank = items.firstIndex { $0["item"] == .string(beginning.next) }
      hits += rank == nil ? 0 : 1
      ranks += rank.map { 1 / Double($0 + 1) } ?? 0
    }
    let evaluated = try place.run("evaluate", "run", "--text", "t.csv", "--json")
    try #require(evaluated.status == 0, "\(evaluated)")
    let figures = try OrderedJSON(parsing: try #require(evaluated.lines.last))
    let count = Double(beginnings.count)
    #expect(figures["recall_at_5"]?.doubleValue == Double(hits) / count)
    let rank = try #require(figures["mrr_at_5"]?.doubleValue)
    #expect(abs(rank - ranks / count) < 1e-12)
    // Nobody's batch, threads or form of output changes a digit.
    let table = try place.run("predict", "run", "new.jsonl", "--top", "5")
    let one = try place.run("predict", "run", "new.jsonl", "--top", "5", "--batch", "1")
    #expect(table.output == one.output && table.lines.count == 1 + beginnings.count)
    #expect(table.lines[0].hasPrefix("user,item_1,probability_1,item_2,"), "\(table.lines[0])")
    #expect(table.lines[1].hasPrefix("1,i"))
    let isCut = job.errors.contains("sessions of more than 3 items")
    #expect(isCut == (window == 3), "\(job)")
  }

  /// A table gives each session once, in the order of first events, by the order of times.
  @Test func sessionsOfATableAreAnsweredOnce() throws {
    let place = try Self.make()
    let job = try place.run("predict", "run", "t.csv", "--keep", "more", "--threads", "2")
    try #require(job.status == 0, "\(job)")
    #expect(job.lines[0] == "user,more,item,probability")
    #expect(job.lines.count == 1 + Self.sessions.count)
    try place.write("all.txt", Self.sessions.map { $0.joined(separator: " ") + "\n" }.joined())
    let lines = try place.run("predict", "run", "all.txt")
    func answers(_ job: Program, by column: Int) -> [String: [Substring]] {
      Dictionary(
        uniqueKeysWithValues: job.lines.dropFirst().map { line in
          let cells = line.split(separator: ",")
          return (String(cells[0]), cells.suffix(2))
        }
      ).mapValues { Array($0) }
    }
    let (ofTable, ofLines) = (answers(job, by: 2), answers(lines, by: 1))
    for session in Self.sessions.indices {
      #expect(ofTable["s\(session)"] == ofLines["\(session + 1)"])
    }
    let states = try place.run("predict", "run", "all.txt", "--states", "last")
    #expect(states.lines.count == 61 && states.lines[0].hasPrefix("user,state_1,"), "\(states)")
    try place.write("odd.txt", "i1 never i2\nnever\n")
    let odd = try place.run("predict", "run", "odd.txt")
    #expect(odd.errors.contains("items that the model does not know: 2, first line 1"), "\(odd)")
    #expect(try place.run("predict", "run", "all.txt", "--keep", "more").status == 2)
    #expect(try place.run("predict", "run", "all.txt", "--ranks", "3").status == 2)
  }

  /// Each line has its result, also where nothing can be said of it.
  @Test func linesWithoutAnItemAreAnswered() throws {
    let place = try Self.make()
    try place.write(
      "new.jsonl",
      #"{"user": 1, "items": ["i1", "i2"]}"# + "\n" + #"{"user": 2, "items": []}"# + "\n"
        + #"{"user": 3, "items": ["i3"]}"# + "\n")
    try place.write("new.txt", "i1 i2\n\ni3\n")
    for (file, id) in [("new.jsonl", "2"), ("new.txt", "2")] {
      let job = try place.run("predict", "run", file, "--top", "2")
      try #require(job.status == 0, "\(job)")
      #expect(job.lines.count == 4, "\(job)")
      #expect(job.lines[2] == "\(id),,,,", "\(job)")
      #expect(job.lines[3].hasPrefix("3,i"), "\(job)")
      #expect(job.errors.contains("lines without an item, of which nothing can be said: 1"))
      #expect(job.errors.contains("3 sessions predicted"), "\(job)")
      let states = try place.run("predict", "run", file, "--states", "last")
      #expect(states.lines.count == 4 && states.lines[2].hasPrefix("2,,"), "\(states)")
    }
    try place.write("none.jsonl", #"{"user": 2, "items": []}"# + "\n")
    let none = try place.run("predict", "run", "none.jsonl")
    #expect(none.lines.count == 2 && none.lines[1] == "2,,", "\(none)")
    // What needs too much memory is told by what can be set here.
    let wide = try place.run("predict", "run", "new.txt", "--batch", "65536", "--threads", "4096")
    #expect(wide.status == 2 && wide.errors.contains("(--batch)"), "\(wide)")
    #expect(!wide.errors.contains("batch.sequences"), "\(wide)")
    // Where a run trains, they are no sessions, which is said.
    try place.write(
      "set.jsonl",
      (0..<40).map { #"{"user": \#($0), "items": [\#($0 % 4 == 0 ? "" : "1, 2, 3")]}"# }
        .joined(separator: "\n"))
    let train = try place.run(
      "c.json", "--set", "data.train=set.jsonl", "--set", "data.valid=set.jsonl", "--set",
      "data.time=null", "--run-directory", "other")
    #expect(train.output.contains("lines without an item are left out: 10"), "\(train)")
  }

  @Test func eventsAreAnsweredAsTheyCome() throws {
    let place = try Self.make()
    let longest = Self.sessions.map(\.count).max() ?? 0
    let events = (0..<longest).flatMap { step in
      Self.sessions.enumerated().compactMap { number, items in
        step < items.count ? (number, step, items[step]) : nil
      }
    }
    try place.write(
      "new.csv",
      "user,item\n" + events.map { "u\($0.0),\($0.2)\n" }.joined())
    let job = try place.run("predict", "run", "new.csv", "--follow", "--top", "2")
    try #require(job.status == 0, "\(job)")
    #expect(job.lines[0] == "user,step,item_1,probability_1,item_2,probability_2")
    try place.write(
      "all.txt",
      events.map { Self.sessions[$0.0][...$0.1].joined(separator: ",") + "\n" }.joined())
    let whole = try place.run("predict", "run", "all.txt", "--top", "2")
    #expect(
      job.lines.dropFirst().map { $0.split(separator: ",").suffix(4) }
        == whole.lines.dropFirst().map { $0.split(separator: ",").suffix(4) })
    // Lines that are sessions are answered by themselves; those of JSON may name one.
    let lines = try place.run("predict", "run", "all.txt", "--top", "2", "--follow")
    #expect(
      lines.lines.dropFirst().map { $0.split(separator: ",").suffix(4) }
        == whole.lines.dropFirst().map { $0.split(separator: ",").suffix(4) })
    try place.write(
      "some.jsonl",
      """
      {"user": 7, "item": "i1"}
      {"user": 8, "item": "i2"}
      {"user": 7, "item": ""}
      {"user": "7", "item": "i3"}
      """)
    let some = try place.run("predict", "run", "some.jsonl", "--follow", "--format", "jsonl")
    let steps = try Self.objects(some).map { $0["step"]?.integerValue }
    #expect(steps == [1, 1, 1, 2], "\(some)")
    #expect(some.errors.contains("lines without an item, of which nothing can be said: 1"))
  }
}
