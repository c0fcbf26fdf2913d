import Records
package import Tables
import Tasks

extension DataSummary {
  /// Says how a file is split, where that is not by `data.valid_fraction` alone.
  ///
  /// - Parameters:
  ///   - noun: what is counted of the test part: "window".
  ///   - tested: how many there are.
  package mutating func say(
    splitOf parts: SequenceParts, _ request: SequenceRequest, called noun: String, tested: Int
  ) {
    let split = request.split
    if parts.holdsTest {
      say(
        "test",
        Format.count(tested, noun) + ", kept for evaluate --test; nothing is learnt from them")
      add(["test_\(noun)s": .integer(tested)])
    }
    guard parts.holdsTest || split.by != .fraction else { return }
    let steps = parts.steps
    var counts = [("train", steps.training), ("validate", steps.validation)]
    if parts.holdsTest { counts.append(("test", steps.test)) }
    // Of texts it is not known before they are tokens.
    let isCounted = request.text == nil
    let rule =
      switch split.by {
      case .fraction: "by fraction"
      case .classes: "by fraction of each class"
      case .time: "by time (\"\(split.column ?? "")\")"
      case .row: "by row"
      case .sequence: "by name of sequence"
      }
    var text = rule
    if isCounted {
      text += ": steps to "
      text += counts.map { "\($0.0) on \(Format.grouped($0.1))" }.joined(separator: ", ")
      if steps.unused > 0 { text += ", unused \(Format.grouped(steps.unused))" }
    }
    text += bounds(of: split)
    say("split", text)
    add(["split_by": .string(split.by.rawValue)])
    guard isCounted else { return }
    add([
      "training_steps": .integer(steps.training), "validation_steps": .integer(steps.validation),
      "test_steps": .integer(steps.test), "unused_steps": .integer(steps.unused),
    ])
  }

  /// The bounds of a split, in words.
  private func bounds(of split: DataSplit) -> String {
    let words = [
      ("validation", "from", split.valid), ("test", "from", split.test),
      ("unused", "from", split.end),
    ].compactMap { name, word, bound -> String? in
      switch bound {
      case .none: nil
      case .row(let row): "\(name) \(word) row \(Format.grouped(row + 1))"
      case .time(let time): "\(name) \(word) \(time)"
      case .names(let names): "\(name): \(DataFileError.list(names))"
      }
    }
    return words.isEmpty ? "" : "; " + words.joined(separator: ", ")
  }
}
