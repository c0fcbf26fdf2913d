import Batches
import Corpora
import Datasets
import NumericContract
import Records
import Tasks

/// Sequences of words with a label each, as they are read and encoded.
private struct ReadTags {
  struct Part {
    var set: SequenceSet
    var chosen: [Int]
    /// The class of each step of the set; -1 where it does not count.
    var classes: [Int32]

    /// How often each class occurs, and how often there is none.
    func counts(_ classCount: Int) -> (classes: [Int], ignored: Int) {
      var counts = [Int](repeating: 0, count: classCount)
      var ignored = 0
      for sequence in chosen {
        for step in set.starts[sequence]..<set.starts[sequence + 1] {
          if classes[step] >= 0 { counts[Int(classes[step])] += 1 } else { ignored += 1 }
        }
      }
      return (counts, ignored)
    }
  }

  let training: Part
  let held: Part
  let tokenizer: Tokenizer
  let frame: TaskFrame
  let fingerprint: String
  let validationFingerprint: String?
  /// What is said of the files.
  var summary = DataSummary()

  init(
    _ text: TextRequest, _ request: SequenceRequest, frame: TaskFrame?, tokenizer: Tokenizer?
  ) throws {
    let reader = TagReader(request: request, text: text)
    let table = try reader.read(request.train)
    let other = try request.valid.map { try reader.read($0) }
    let parts = SequenceParts(starts: table.starts, request, hasValidationFile: other != nil)
    let tokenizer = try tokenizer ?? table.tokenizer(learnt: parts.training, text.learning)
    let frame = try frame ?? Self.frame(of: table, ignoring: text.ignoredLabel)
    var cut = TextTable.Cut()
    var empty = 0
    func part(_ table: TaggedTable, _ chosen: [Int]) throws -> Part {
      let (set, classes) = try table.encoded(
        by: tokenizer, frame.classes ?? [], ignoring: text.ignoredLabel, text.truncation,
        most: request.window, cut: &cut)
      if !request.growsWindow { try table.checkLengths(set, window: request.window) }
      return Part(set: set, chosen: chosen, classes: classes)
    }
    /// Without sequences that have nothing to predict.
    func counted(_ part: Part) -> Part {
      var counted = part
      counted.chosen = part.chosen.filter { sequence in
        (part.set.starts[sequence]..<part.set.starts[sequence + 1])
          .contains { part.classes[$0] >= 0 }
      }
      empty += part.chosen.count - counted.chosen.count
      return counted
    }
    let whole = try part(table, parts.training)
    training = counted(whole)
    if let other {
      let before = (cut, empty)
      held = counted(try part(other, Array(0..<other.count)))
      // What one file loses is said once.
      if request.valid == request.train { (cut, empty) = before }
    } else {
      held = counted(Part(set: whole.set, chosen: parts.validation, classes: whole.classes))
    }
    guard !training.chosen.isEmpty else {
      throw DataFileError(
        path: request.train, place: nil, problem: "no sequence is left to train on",
        hint: "lower data.valid_fraction")
    }
    self.tokenizer = tokenizer
    self.frame = frame
    fingerprint = table.fingerprint
    validationFingerprint = other?.fingerprint
    summary.say("training", table)
    if let other { summary.say("validation", other) }
    for remark in table.remarks { summary.say("remark", remark) }
    for remark in other?.remarks ?? [] { summary.say("remark", "validation: " + remark) }
    if cut.texts > 0 { summary.say(cut: cut, text.truncation, window: request.window) }
    if empty > 0 {
      summary.say("remark", "sequences without a label that counts are left out: \(empty)")
    }
  }

  private static func frame(
    of table: TaggedTable, ignoring label: String?
  ) throws -> TaskFrame {
    let classes = table.classes(ignoring: label)
    if let label, !table.names.contains(label) {
      throw DataFileError(
        path: table.path, place: nil,
        problem: "no word has the label \"\(label)\", which data.ignore_label names",
        hint: "its labels are \(DataFileError.list(ClassNames.ordered(table.names)))")
    }
    guard !classes.isEmpty else {
      throw DataFileError(
        path: table.path, place: nil, problem: "every label is ignored", hint: "set "
          + "data.ignore_label to null")
    }
    return TaskFrame(classesOf: classes)
  }
}

extension SequenceData {
  /// Reads the words and labels that `request` names.
  ///
  /// - Parameters:
  ///   - frame: of a checkpoint; nil learns it from the training data.
  ///   - tokenizer: the same, from the sequences that are not held out.
  init(
    readingTags text: TextRequest, _ request: SequenceRequest, frame: TaskFrame?,
    tokenizer: Tokenizer?
  ) throws {
    let tags = try ReadTags(text, request, frame: frame, tokenizer: tokenizer)
    var request = request
    if request.growsWindow {
      for part in [tags.training, tags.held] { request.growWindow(to: part.set) }
    }
    func packed(_ part: ReadTags.Part, shuffle: Philox?) -> PackedSequences {
      PackedSequences(
        set: part.set, chosen: part.chosen, target: .everyStep(part.classes),
        batchRows: request.rows, window: request.window, shuffle: shuffle)
    }
    let random = Philox(seed: UInt64(truncatingIfNeeded: request.seed), purpose: .task)
    let (trained, held) = (tags.training, tags.held)
    let rows = packed(trained, shuffle: random)
    let heldRows = held.chosen.isEmpty ? nil : packed(held, shuffle: nil)
    self.init(
      training: .sequences(rows), validation: heldRows.map { .sequences($0) },
      outputs: tags.frame.classes?.count ?? 1, window: request.window,
      slots: max(rows.slots, heldRows?.slots ?? 1), fingerprint: tags.fingerprint,
      words: rows.words(of: trained.set, trained.chosen, called: "sequence"))
    validationFingerprint = tags.validationFingerprint
    self.frame = tags.frame
    self.tokenizer = tags.tokenizer
    let unknown = tags.tokenizer.unknown
    validationTokens = held.set.count(of: held.chosen, unknown: unknown)
    summary = tags.summary
    summary.say(
      tokens: trained.set.count(of: trained.chosen, unknown: unknown),
      validation: validationTokens, tags.tokenizer)
    sayParts(Format.count(held.chosen.count, "sequence"), held.chosen.count, trained.chosen.count)
    let classes = tags.frame.classes ?? []
    let (counts, heldCounts) = (trained.counts(classes.count), held.counts(classes.count))
    summary.say(
      classes: classes, training: counts.classes, validation: heldCounts.classes, of: "words")
    let numbers = trained.chosen.flatMap { sequence in
      trained.classes[trained.set.starts[sequence]..<trained.set.starts[sequence + 1]]
        .filter { $0 >= 0 }
    }
    try weigh(classes, numbers, request)
    if let label = text.ignoredLabel {
      summary.say(
        "ignored",
        "\(Format.count(counts.ignored, "training word")) and "
          + "\(Format.count(heldCounts.ignored, "validation word")) of label \"\(label)\"")
      summary.add([
        "ignored_words": .integer(counts.ignored),
        "ignored_validation_words": .integer(heldCounts.ignored),
      ])
    }
  }
}

extension DataSummary {
  /// Says how many sequences of words there are, and in which form.
  fileprivate mutating func say(_ use: String, _ table: TaggedTable) {
    let words = table.starts[table.count]
    say(
      "data",
      "'\(table.path)' for \(use): \(Format.count(table.count, "sequence")), "
        + "\(Format.count(words, "word")); \(table.form)")
    add([
      "\(use)_file": .string(table.path), "\(use)_file_sequences": .integer(table.count),
      "\(use)_file_words": .integer(words),
    ])
  }
}
