import Batches
package import Configuration
package import Datasets
import Engine
import GRUCore
import Records

/// How well phrases are found whose words are labelled, as the tasks of CoNLL count them: one is
/// right where its first word, its last one and its type are.
///
/// Labels are those of IOB1 or IOB2 (`B-TYPE`, `I-TYPE`, `O`), or of IOBES and BILOU, which mark
/// last words (`E-`, `L-`) and phrases of one word (`S-`, `U-`) too. Words that do not count are
/// passed over.
struct PhraseFigures: FigureKind {
  /// What a label says of its word.
  private enum Mark { case outside, first, inside, last, single }

  private struct Label: Equatable {
    var mark = Mark.outside
    /// Which type of phrase; -1 outside of any.
    var type = -1

    /// Whether a phrase begins here, after the word before.
    func begins(after before: Label) -> Bool {
      if mark == .outside { return false }
      return mark == .first || mark == .single || before.ends || before.type != type
    }

    /// Whether no phrase goes on behind it, whatever follows.
    private var ends: Bool { mark == .outside || mark == .last || mark == .single }

    /// Whether a phrase ends here, before the word that follows.
    func ends(before next: Label) -> Bool { mark != .outside && !next.goesOn(from: self) }

    private func goesOn(from before: Label) -> Bool { mark != .outside && !begins(after: before) }
  }

  private let words: ClassFigures
  /// By class.
  private let labels: [Label]
  private let types: [String]

  /// Nil where the classes are not labels of phrases.
  init?(classes: [String]) {
    var (labels, types): ([Label], [String]) = ([], [])
    for name in classes {
      if name == "O" {
        labels.append(Label())
        continue
      }
      let parts = name.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
      let marks: [Substring: Mark] = [
        "B": .first, "I": .inside, "E": .last, "L": .last, "S": .single, "U": .single,
      ]
      guard let mark = marks[parts[0]] else { return nil }
      let type = parts.count > 1 ? String(parts[1]) : ""
      let place = types.firstIndex(of: type) ?? types.count
      if place == types.count { types.append(type) }
      labels.append(Label(mark: mark, type: place))
    }
    // A lone "I" or "S" may be anything.
    let isOfPhrases = labels.contains { label in
      label.mark == .first || label.type >= 0 && label.mark == .inside && types[label.type] != ""
    }
    guard isOfPhrases else { return nil }
    words = ClassFigures(classes: classes)
    (self.labels, self.types) = (labels, types)
  }

  // Those of words; then by type, the phrases that there are, that are predicted, and both, those
  // of a single word, and those that are all of a sequence; then the sequences.
  var sumCount: Int { words.sumCount + 5 * types.count + 1 }

  func add(_ output: ScoredOutput, to sums: UnsafeMutablePointer<Double>) {
    unsafe words.add(output, to: sums)
    guard let steps = output.sequence,
      // All of a sequence is counted at its last word that counts.
      !(output.step + 1..<steps.upperBound).contains(where: { output.target(atStep: $0) >= 0 })
    else { return }
    unsafe add(steps, of: output, to: sums + words.sumCount)
  }

  private func add(
    _ steps: Range<Int>, of output: ScoredOutput, to sums: UnsafeMutablePointer<Double>
  ) {
    let count = types.count
    var (before, predictedBefore) = (Label(), Label())
    var isRight = false
    // Words so far, and where among them the phrase begins that goes on.
    var (place, start) = (0, 0)
    func end(_ next: Label, _ predicted: Label) {
      let ends = before.ends(before: next)
      if ends, place - start == 1 { unsafe sums[3 * count + before.type] += 1 }
      guard isRight else { return }
      let predictedEnds = predictedBefore.ends(before: predicted)
      if ends, predictedEnds { unsafe sums[2 * count + before.type] += 1 }
      if ends || predictedEnds { isRight = false }
    }
    for step in steps {
      let target = output.target(atStep: step)
      if target < 0 { continue }
      let label = labels[target]
      let predicted = labels[output.best(atStep: step)]
      end(label, predicted)
      let begins = label.begins(after: before)
      let predictedBegins = predicted.begins(after: predictedBefore)
      if begins {
        unsafe sums[label.type] += 1
        start = place
      }
      if predictedBegins { unsafe sums[count + predicted.type] += 1 }
      if begins, predictedBegins { isRight = label.type == predicted.type }
      (before, predictedBefore) = (label, predicted)
      place += 1
    }
    end(Label(), Label())
    if before.mark != .outside, start == 0 { unsafe sums[4 * count + before.type] += 1 }
    unsafe sums[5 * count] += 1
  }

  /// How well phrases are found.
  private struct Found {
    var count = 0.0
    var predicted = 0.0
    var right = 0.0

    var f1: Double? { Figures.ratio(2 * right, count + predicted) }

    func row(_ name: String) -> [FigureTable.Cell] {
      [
        .text(name), .count(Int(count)), .count(Int(predicted)), .count(Int(right)),
        .number(Figures.ratio(right, predicted)), .number(Figures.ratio(right, count)),
        .number(f1),
      ]
    }
  }

  /// F1 of who gives every word the label that most words have; nil of nothing.
  ///
  /// - Parameter count: phrases that there are.
  private func largestClassF1(of sums: [Double], _ count: Double) -> Double? {
    let words = labels.indices.map { sums[$0] }
    guard let largest = words.max(), let place = words.firstIndex(of: largest) else { return nil }
    let label = labels[place]
    let own = Array(sums.dropFirst(self.words.sumCount))
    func f1(right group: Int, of predicted: Double) -> Double {
      2 * own[group * types.count + label.type] / (count + predicted)
    }
    return switch label.mark {
    case .outside: 0
    // Every word is a phrase of its own.
    case .first, .last, .single: f1(right: 3, of: words.reduce(0, +))
    // Every sequence is one phrase.
    case .inside: f1(right: 4, of: own[5 * types.count])
    }
  }

  func figures(of sums: [Double]) -> Figures {
    var figures = words.figures(of: Array(sums.prefix(words.sumCount)))
    let own = Array(sums.dropFirst(words.sumCount))
    let found = types.indices.map {
      Found(
        count: own[$0], predicted: own[types.count + $0], right: own[2 * types.count + $0])
    }
    let all = found.reduce(into: Found()) { sum, one in
      sum.count += one.count
      sum.predicted += one.predicted
      sum.right += one.right
    }
    figures.values["phrase_f1"] = all.f1
    if all.count > 0, !figures.baselines.isEmpty {
      figures.baselines[0].values["phrase_f1"] = largestClassF1(of: sums, all.count)
    }
    figures.tables.append(
      FigureTable(
        "phrases", title: "phrases: right are those whose words and type all are",
        columns: ["type", "count", "predicted", "right", "precision", "recall", "f1"],
        rows: types.indices.filter { found[$0].count + found[$0].predicted > 0 }
          .map { found[$0].row(types[$0]) } + [all.row("all")]))
    return figures
  }
}

extension Config {
  /// Throws where models are to be ranked by phrases, and labels are of none.
  package func requirePhrases(of frame: TaskFrame?) throws {
    guard run.bestBy == "phrase_f1", let classes = frame?.classes,
      PhraseFigures(classes: classes) == nil
    else { return }
    let labels = classes.prefix(12).map { "\"\($0)\"" }.joined(separator: ", ")
    throw UsageError(
      "run.best_by is \"phrase_f1\", which needs labels that begin with B- or I-, or are O: those "
        + "of '\(data.train)' are \(labels)")
  }
}

extension ScoredOutput {
  /// The steps of the sequence that it is of, laid among others in its row; nil where there is
  /// none.
  fileprivate var sequence: Range<Int>? {
    let buffers = worker.buffers
    let width = worker.sequences.count
    for slot in 0..<buffers.slotCount {
      let start = unsafe Int(buffers.slotStarts[slot * width + column])
      let end = unsafe Int(buffers.slotEnds[slot * width + column])
      if start <= step, step < end { return start..<end }
    }
    return nil
  }

  /// The class to predict at a step of the row.
  fileprivate func target(atStep step: Int) -> Int {
    unsafe Int(worker.targets[step * worker.sequences.count + column])
  }

  /// The first of the highest scores at a step of the row.
  fileprivate func best(atStep step: Int) -> Int {
    let scores = unsafe worker.scores(ofRow: step * worker.sequences.count + column)
    var best = 0
    for place in 1..<max(1, scores.count) where unsafe scores[place] > scores[best] {
      best = place
    }
    return best
  }
}
