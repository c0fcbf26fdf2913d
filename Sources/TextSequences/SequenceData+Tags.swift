import Batches
import Corpora
import Datasets
import NumericContract
import Records
import Tasks

extension EncodedPart {
  /// The classes of the words that count, sequence by sequence, and how many words do not.
  fileprivate var countedClasses: (numbers: [Int32], ignored: Int) {
    var (numbers, ignored): ([Int32], Int) = ([], 0)
    for sequence in chosen {
      for number in classes[set.starts[sequence]..<set.starts[sequence + 1]] {
        if number >= 0 { numbers.append(number) } else if number == -1 { ignored += 1 }
      }
    }
    return (numbers, ignored)
  }

  /// Without sequences that have nothing to predict.
  fileprivate var counted: EncodedPart {
    var counted = self
    counted.chosen = chosen.filter { sequence in
      (set.starts[sequence]..<set.starts[sequence + 1]).contains { classes[$0] >= 0 }
    }
    return counted
  }
}

extension EncodedFiles {
  /// Reads sequences of words with a label each.
  ///
  /// - Parameters:
  ///   - frame: of a checkpoint; nil learns it from the training data.
  ///   - tokenizer: the same, from the sequences that are not held out.
  init(
    tagsOf request: SequenceRequest, _ text: TextRequest, frame: TaskFrame?, tokenizer: Tokenizer?
  ) throws {
    let reader = TagReader(request: request, text: text)
    let table = try reader.read(request.train)
    let isOneFile = request.heldFile == request.train
    let other = isOneFile ? nil : try request.heldFile.map { try reader.read($0) }
    let parts = try SequenceParts(
      SequenceParts.Source(starts: table.starts, path: request.train), request)
    let tokenizer = try tokenizer ?? table.tokenizer(learnt: parts.training, text.learning)
    let frame =
      try frame
      ?? Self.frame(of: table, parts.learntSequences, ignoring: text.ignoredLabel)
    var cut = TextTable.Cut()
    func part(_ table: TaggedTable, _ chosen: [Int]) throws -> EncodedPart {
      let (set, classes) = try table.encoded(
        by: tokenizer, frame.classes ?? [], ignoring: text.ignoredLabel, text.truncation,
        most: request.window, countsUnknown: request.countsUnknownClasses, cut: &cut)
      if !request.growsWindow { try table.checkLengths(set, window: request.window) }
      var part = EncodedPart(set: set, chosen: chosen, classes: classes)
      for sequence in chosen {
        for number in classes[set.starts[sequence]..<set.starts[sequence + 1]] where number < -1 {
          part.unknown.add(table.names[-2 - Int(number)])
        }
      }
      return part
    }
    let whole = try part(table, parts.training)
    var second = whole
    if let other {
      second = try part(other, Array(0..<other.count))
    } else if !isOneFile {
      second.chosen = parts.validation
    }
    (training, held) = (whole.counted, second.counted)
    guard !training.chosen.isEmpty else {
      throw DataFileError(nothingIn: request.train, "sequence", leftOut: training.unknown)
    }
    self.tokenizer = tokenizer
    self.frame = frame
    self.parts = parts
    fingerprint = table.fingerprint
    validationFingerprint = isOneFile ? table.fingerprint : other?.fingerprint
    summary.say("training", table, called: "sequence", of: "word")
    if let other { summary.say(request.heldWord, other, called: "sequence", of: "word") }
    for remark in table.remarks { summary.say("remark", remark) }
    for remark in other?.remarks ?? [] { summary.say("remark", "validation: " + remark) }
    summary.say(
      unknownClasses: training.unknown, held: other == nil ? nil : held.unknown, of: "word")
    if cut.texts > 0 { summary.say(cut: cut, text.truncation, window: request.window) }
    let empty =
      whole.chosen.count - training.chosen.count
      + (isOneFile ? 0 : second.chosen.count - held.chosen.count)
    if empty > 0 {
      summary.say("remark", "sequences without a label that counts are left out: \(empty)")
    }
  }

  private static func frame(
    of table: TaggedTable, _ sequences: [Int]?, ignoring label: String?
  ) throws -> TaskFrame {
    let classes = table.classes(of: sequences, ignoring: label)
    if let label, !label.isEmpty, !table.names.contains(label) {
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
  /// Reads sequences of words with a label each, as `EncodedFiles` does.
  init(
    readingTags text: TextRequest, _ request: SequenceRequest, frame: TaskFrame?,
    tokenizer: Tokenizer?
  ) throws {
    let files = try EncodedFiles(tagsOf: request, text, frame: frame, tokenizer: tokenizer)
    self.init(packing: files, request, called: "sequence") { classes in
      .everyStep(HostArray(classes.map { max(-1, $0) }))
    }
    let classes = files.frame.classes ?? []
    let (trained, held) = (files.training.countedClasses, files.held.countedClasses)
    summary.say(
      classes: classes, training: trained.numbers, validation: held.numbers, of: "words")
    try weigh(classes, trained.numbers, request)
    if let label = text.ignoredLabel {
      summary.say(
        "ignored",
        "\(Format.count(trained.ignored, "training word")) and "
          + "\(Format.count(held.ignored, "validation word")) of label \"\(label)\"")
      summary.add([
        "ignored_words": .integer(trained.ignored),
        "ignored_validation_words": .integer(held.ignored),
      ])
    }
  }
}

extension DataSummary {
  /// Says how much a file of words or events holds, and in which form.
  ///
  /// - Parameters:
  ///   - noun: what a sequence is called.
  ///   - step: what one of its steps is called.
  mutating func say(_ use: String, _ table: TaggedTable, called noun: String, of step: String) {
    let steps = table.starts[table.count]
    say(
      "data",
      "'\(table.path)' for \(use): \(Format.count(table.count, noun)), "
        + "\(Format.count(steps, step)); \(table.form)")
    add([
      "\(use)_file": .string(table.path), "\(use)_file_sequences": .integer(table.count),
      "\(use)_file_\(step)s": .integer(steps),
    ])
  }
}
