import Datasets
import Records

/// What is to be known of a file that was predicted: what was missing in it, and what was left out.
struct InputNotes {
  /// A kind of thing that was found, how often, and where first.
  private struct Found {
    var count = 0
    var first: String
  }

  private var gaps: [String: Found] = [:]
  private var others: [(words: String, found: Found)] = []

  /// Counts the numbers that are missing in some steps.
  mutating func count(gapsOf table: SequenceTable, in steps: Range<Int>) {
    table.forEachGap(in: steps) { step, column in
      let name = table.columns[column]
      if gaps[name] == nil {
        gaps[name] = Found(first: Self.place(of: step, in: table))
      }
      gaps[name]?.count += 1
    }
  }

  /// Counts the categories of some steps that the model does not know.
  mutating func count(
    unknownOf table: SequenceTable, _ categories: Categories?, in steps: Range<Int>
  ) {
    guard let categories, let found = table.categories else { return }
    for (index, column) in categories.columns.enumerated() {
      let known = Set(column.categories)
      let isUnknown = found.names[index].map { !$0.isEmpty && !known.contains($0) }
      for step in steps where isUnknown[Int(found.codes[step * found.columns.count + index])] {
        count(
          "column \"\(column.name)\": unknown categories, read as an empty cell",
          at: Self.place(of: step, in: table))
      }
    }
  }

  /// Where a step of a part stands.
  static func place(of step: Int, in table: SequenceTable) -> String {
    let lines = table.part.lines
    if table.part.tellsSteps { return "line \(lines[step])" }
    let sequence = (table.starts.lastIndex { $0 <= step } ?? 0)
    return sequence < lines.count
      ? "the sequence that begins in line \(lines[sequence])"
      : "sequence \(table.sequenceNames[sequence])"
  }

  /// Counts something else.
  mutating func count(_ words: String, _ count: Int = 1, at place: @autoclosure () -> String) {
    if let index = others.firstIndex(where: { $0.words == words }) {
      others[index].found.count += count
    } else {
      others.append((words, Found(count: count, first: place())))
    }
  }

  /// Says it on standard error.
  func tell(_ name: String, _ remarks: [String]) {
    func say(_ text: String) { Console.complain("gru-dist: \(name): \(text)") }
    for remark in remarks { say(remark) }
    for column in gaps.keys.sorted() {
      guard let found = gaps[column] else { continue }
      say(
        "column \"\(column)\": \(Format.count(found.count, "number")) missing, first in "
          + "\(found.first); treated as in training (data.missing)")
    }
    for (words, found) in others {
      say("\(words): \(Format.grouped(found.count)), first \(found.first)")
    }
  }
}
