import Datasets
import Records

/// What is said of a file that was predicted: numbers that are missing in it, categories that the
/// model does not know, and what was left out.
struct InputNotes {
  /// A kind of thing that was found, how often, and where first.
  private struct Found {
    var count = 0
    var first: String
  }

  private var gaps: [String: Found] = [:]
  private var others: [(words: String, found: Found)] = []
  /// The model's categories by column, and whether each name that the file has had is none of them.
  private var known: [Set<String>] = []
  private var isUnknown: [[Bool]] = []

  /// Counts the numbers that are missing in some steps.
  mutating func count(gapsOf table: SequenceTable, in steps: Range<Int>) {
    table.forEachGap(in: steps) { step, column in
      let name = table.columns[column]
      if gaps[name] == nil {
        gaps[name] = Found(first: table.place(ofStep: step))
      }
      gaps[name]?.count += 1
    }
  }

  /// Counts the categories of some steps that the model does not know.
  mutating func count(
    unknownOf table: SequenceTable, _ categories: Categories?, in steps: Range<Int>
  ) {
    guard let categories, let found = table.categories else { return }
    if known.isEmpty {
      known = categories.columns.map { Set($0.categories) }
      isUnknown = known.map { _ in [] }
    }
    for (index, column) in categories.columns.enumerated() {
      // The names go on from part to part.
      for name in found.names[index].dropFirst(isUnknown[index].count) {
        isUnknown[index].append(!name.isEmpty && !known[index].contains(name))
      }
      for step in steps
      where isUnknown[index][Int(found.codes[step * found.columns.count + index])] {
        count(
          "column \"\(column.name)\": unknown categories, read as an empty cell",
          at: table.place(ofStep: step))
      }
    }
  }

  /// Counts something else.
  mutating func count(_ words: String, _ count: Int = 1, at place: @autoclosure () -> String) {
    if let index = others.firstIndex(where: { $0.words == words }) {
      others[index].found.count += count
    } else {
      others.append((words, Found(count: count, first: place())))
    }
  }

  /// Counts targets whose quantiles cross.
  mutating func count(crossing number: Int, at place: @autoclosure () -> String) {
    if number == 0 { return }
    count(
      "targets whose quantiles cross (the higher below the lower), as the model gives them",
      number, at: place())
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
