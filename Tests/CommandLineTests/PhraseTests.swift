import Foundation
import Records
import Testing

/// Phrases are counted as the tasks of CoNLL count them.
@Suite(.serialized) struct PhraseTests {
  private static let words = ["in", "new", "york", "mary", "ann", "saw", "big", "ben", "and"]

  /// Sequences of words with labels that depend on the words before, so that a model errs.
  private static let sequences: [[(word: String, label: String)]] = (0..<90).map { sequence in
    var before = "O"
    return (0..<2 + sequence * 5 % 11).map { place in
      let number = (sequence * 7 + place * (place + 3)) % words.count
      let type = number % 3 == 0 ? "" : number % 3 == 1 ? "LOC" : "PER"
      var label = "O"
      if type != "" {
        label = before.hasSuffix(type) && (sequence + place) % 4 != 0 ? "I-\(type)" : "B-\(type)"
      }
      before = label
      return (words[number], label)
    }
  }

  /// Where phrases begin and end, and their types.
  private static func phrases(_ labels: [String]) -> Set<String> {
    var (found, start): (Set<String>, Int?) = ([], nil)
    for place in 0...labels.count {
      let label = place < labels.count ? labels[place] : "O"
      let goesOn =
        place > 0 && (label.hasPrefix("I-") || label.hasPrefix("E-"))
        && labels[place - 1].dropFirst(2) == label.dropFirst(2)
      if let first = start, !goesOn {
        found.insert("\(first) \(place) \(labels[place - 1].dropFirst(2))")
        start = nil
      }
      if label != "O", !goesOn { start = place }
    }
    return found
  }

  @Test func phraseFiguresEqualThoseOfSpans() throws {
    let place = try Workplace()
    try place.write(
      "t.conll",
      Self.sequences.map { $0.map { "\($0.word) \($0.label)\n" }.joined() }.joined(separator: "\n"))
    try place.write(
      "c.json",
      """
      {"task": "tagging", "data": {"train": "t.conll", "valid": "t.conll"},
       "model": {"hidden": 8, "embedding": 6}, "optimizer": {"learning_rate": 0.02},
       "batch": {"sequences": 8, "window": 24, "shards": 8},
       "run": {"directory": "run", "steps": 40, "validate_every": 40, "best_by": "phrase_f1"}}
      """)
    let job = try place.run("c.json", "--threads", "1")
    try #require(job.status == 0, "\(job)")
    try place.write(
      "new.txt", Self.sequences.map { $0.map(\.word).joined(separator: " ") + "\n" }.joined())
    let predicted = try place.run("predict", "run", "new.txt", "--format", "jsonl")
    try #require(predicted.status == 0, "\(predicted)")
    var (count, all, right) = (0, 0, 0)
    for (line, sequence) in zip(predicted.lines, Self.sequences) {
      guard case .array(let tags)? = try OrderedJSON(parsing: line)["tags"] else { continue }
      let own = Self.phrases(
        tags.map { tag in if case .string(let name) = tag { name } else { "" } })
      let wanted = Self.phrases(sequence.map(\.label))
      count += wanted.count
      all += own.count
      right += wanted.intersection(own).count
    }
    #expect(right > 0 && right < all)
    for threads in ["1", "2"] {
      let evaluated = try place.run(
        "evaluate", "run", "--text", "t.conll", "--json", "--threads", threads)
      try #require(evaluated.status == 0, "\(evaluated)")
      let record = try OrderedJSON(parsing: try #require(evaluated.lines.last))
      let f1 = try #require(record["phrase_f1"]?.doubleValue)
      #expect(abs(f1 - 2 * Double(right) / Double(count + all)) < 1e-12)
    }
    let table = try place.run("evaluate", "run", "--text", "t.conll")
    #expect(table.output.contains("phrases: right are those"), "\(table)")
    let rows = table.lines.map { $0.split(separator: " ") }
    let row = rows.last { $0.first == "all" }?.prefix(4)
    #expect(row.map(Array.init) == ["all", "\(count)", "\(all)", "\(right)"], "\(table)")
  }

  /// Labels of three sequences that most often are `O`, begin a phrase, or go on in one: some
  /// phrases have one word, and some are all of a sequence.
  private static let labelled: [(largest: String, sequences: [[String]])] = [
    ("O", [["O", "O", "B-A"], ["B-B", "I-B", "O"], ["O", "B-A"]]),
    ("B-A", [["B-A", "B-A", "I-A"], ["B-A"], ["B-B", "I-B", "B-A", "O"]]),
    ("S-A", [["S-A", "S-A", "B-A", "E-A"], ["S-A", "O"], ["S-B"]]),
    ("I-A", [["B-A", "I-A", "I-A"], ["I-A", "I-A"], ["B-B", "I-B"], ["O", "I-A", "B-A"]]),
  ]

  /// The naive model gives every word the label that most have, whichever that is.
  @Test(arguments: labelled) func largestLabelIsJudgedByPhrases(
    _ largest: String, _ sequences: [[String]]
  ) throws {
    let place = try Workplace()
    try place.write(
      "t.conll",
      sequences.map { $0.map { "word \($0)\n" }.joined() }.joined(separator: "\n"))
    try place.write(
      "c.json",
      """
      {"task": "tagging", "data": {"train": "t.conll", "valid": "t.conll"},
       "model": {"hidden": 4, "embedding": 2, "layers": 1},
       "batch": {"sequences": 2, "window": 8, "shards": 1},
       "run": {"directory": "run", "steps": 1, "validate_every": 1}}
      """)
    let job = try place.run("c.json", "--threads", "1")
    try #require(job.status == 0, "\(job)")
    let evaluated = try place.run("evaluate", "run", "--text", "t.conll", "--json")
    try #require(evaluated.status == 0, "\(evaluated)")
    let record = try OrderedJSON(parsing: try #require(evaluated.lines.last))
    var (count, all, right) = (0, 0, 0)
    for labels in sequences {
      let wanted = Self.phrases(labels)
      let found = Self.phrases([String](repeating: largest, count: labels.count))
      (count, all) = (count + wanted.count, all + found.count)
      right += wanted.intersection(found).count
    }
    #expect((right > 0) == (largest != "O"))
    let f1 = try #require(record["phrase_f1_of_largest_class"]?.doubleValue)
    #expect(abs(f1 - 2 * Double(right) / Double(count + all)) < 1e-12)
  }
}
