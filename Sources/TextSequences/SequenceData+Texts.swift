import Batches
import Corpora
import Datasets
import NumericContract
import Records
import Tasks

/// Sequences of tokens of one file or directory that have one use: to train, or to validate on.
struct EncodedPart {
  var set: SequenceSet
  var chosen: [Int]
  /// Class numbers: of each sequence of the set, or where words have labels of each of its steps,
  /// -1 where one does not count.
  var classes: [Int32]
  /// What was left out of it, since the model lacks its class.
  var unknown = UnknownClasses()
}

/// What is read of files of texts, encoded.
struct EncodedFiles {
  var training: EncodedPart
  var held: EncodedPart
  var tokenizer: Tokenizer
  var frame: TaskFrame
  var fingerprint: String
  var validationFingerprint: String?
  /// How the file to train on is split.
  var parts: SequenceParts
  /// What is said of the files.
  var summary = DataSummary()
}

extension EncodedFiles {
  /// Reads texts that have a class each.
  ///
  /// - Parameters:
  ///   - frame: of a checkpoint; nil learns it from the training data.
  ///   - tokenizer: the same, from the texts that are not held out.
  init(
    textsOf request: SequenceRequest, _ text: TextRequest, frame: TaskFrame?, tokenizer: Tokenizer?
  ) throws {
    let reader = TextReader(request: request, text: text)
    let table = try reader.read(request.train)
    let isOneFile = request.heldFile == request.train
    let other =
      isOneFile ? nil : try request.heldFile.map { (path: $0, table: try reader.read($0)) }
    let parts = try SequenceParts(
      SequenceParts.Source(starts: table.starts, labels: table.labels, path: request.train),
      request)
    guard !parts.training.isEmpty else {
      throw DataFileError(nothingIn: request.train, "text", leftOut: UnknownClasses())
    }
    let tokenizer = try tokenizer ?? table.tokenizer(learnt: parts.training, text.learning)
    let frame = frame ?? TaskFrame(classesOf: parts.learnt(table.labels))
    var cut = TextTable.Cut()
    func part(_ table: TextTable, _ chosen: [Int], path: String) throws -> EncodedPart {
      let set = try table.encoded(
        by: tokenizer, text.truncation, most: request.window, cut: &cut)
      if !request.growsWindow { try table.checkLengths(set, window: request.window) }
      var part = EncodedPart(
        set: set, chosen: [], classes: try frame.classNumbers(of: set, request, path: path))
      for text in chosen {
        if part.classes[text] < 0 {
          part.unknown.add(set.labels[text])
        } else {
          part.chosen.append(text)
        }
      }
      return part
    }
    training = try part(table, parts.training, path: request.train)
    guard !training.chosen.isEmpty else {
      throw DataFileError(nothingIn: request.train, "text", leftOut: training.unknown)
    }
    held = training
    if let other {
      held = try part(other.table, Array(0..<other.table.count), path: other.path)
    } else if !isOneFile {
      let classes = training.classes
      held.chosen = parts.validation.filter { classes[$0] >= 0 }
    }
    self.tokenizer = tokenizer
    self.frame = frame
    self.parts = parts
    fingerprint = table.fingerprint
    validationFingerprint = isOneFile ? table.fingerprint : other?.table.fingerprint
    summary.say("training", request.train, table)
    if let other { summary.say(request.heldWord, other.path, other.table) }
    for remark in table.remarks { summary.say("remark", remark) }
    for remark in other?.table.remarks ?? [] { summary.say("remark", "validation: " + remark) }
    summary.say(
      unknownClasses: training.unknown, held: other == nil ? nil : held.unknown, of: "text")
    if cut.texts > 0 { summary.say(cut: cut, text.truncation, window: request.window) }
  }
}

/// Sequences of tokens that are made of texts.
extension SequenceData {
  /// Reads texts that have a class each, as `EncodedFiles` does.
  init(
    readingTexts text: TextRequest, _ request: SequenceRequest, frame: TaskFrame?,
    tokenizer: Tokenizer?
  ) throws {
    let files = try EncodedFiles(textsOf: request, text, frame: frame, tokenizer: tokenizer)
    self.init(packing: files, request, called: "text") { .classes(HostArray($0)) }
    let (trained, held) = (files.training, files.held)
    let (classes, numbers) = (files.frame.classes ?? [], trained.chosen.map { trained.classes[$0] })
    summary.say(
      classes: classes, training: numbers, validation: held.chosen.map { held.classes[$0] })
    try weigh(classes, numbers, request)
  }

  /// Lays encoded sequences into rows.
  ///
  /// - Parameters:
  ///   - noun: what a sequence is called.
  ///   - target: what is to be predicted, by class numbers.
  init(
    packing files: EncodedFiles, _ request: SequenceRequest, called noun: String,
    target: ([Int32]) -> PackedSequences.Target
  ) {
    var request = request
    if request.growsWindow {
      for part in [files.training, files.held] { request.growWindow(to: part.set) }
    }
    func packed(_ part: EncodedPart, shuffle: Philox?) -> PackedSequences {
      PackedSequences(
        set: part.set, chosen: part.chosen, target: target(part.classes), batchRows: request.rows,
        window: request.window, shuffle: shuffle)
    }
    let random = Philox(seed: UInt64(truncatingIfNeeded: request.seed), purpose: .task)
    let (trained, held) = (files.training, files.held)
    let rows = packed(trained, shuffle: random)
    let heldRows = held.chosen.isEmpty ? nil : packed(held, shuffle: nil)
    self.init(
      training: .sequences(rows), validation: heldRows.map { .sequences($0) },
      outputs: files.frame.classes?.count ?? 1, window: request.window,
      slots: max(rows.slots, heldRows?.slots ?? 1), fingerprint: files.fingerprint,
      words: rows.words(of: trained.set, trained.chosen, called: noun))
    validationFingerprint = files.validationFingerprint
    frame = files.frame
    tokenizer = files.tokenizer
    let unknown = files.tokenizer.unknown
    validationTokens = held.set.count(of: held.chosen, unknown: unknown)
    summary = files.summary
    summary.say(
      tokens: trained.set.count(of: trained.chosen, unknown: unknown),
      validation: validationTokens, files.tokenizer)
    sayParts(Format.count(held.chosen.count, noun), held.chosen.count, trained.chosen.count)
    summary.say(splitOf: files.parts, request, called: noun, tested: files.parts.test.count)
  }
}

extension PackedSequences {
  /// How many sequences there are, how long, and how much of the rows they fill.
  func words(of set: SequenceSet, _ chosen: [Int], called noun: String) -> String {
    let lengths = chosen.map { set.length($0) }
    return "\(Format.count(chosen.count, "training \(noun)")) of \(lengths.min() ?? 0) to "
      + "\(lengths.max() ?? 0) tokens in \(Format.count(rowCount, "row")), "
      + "\(Format.fixed(100 * fill, 1)) % filled"
  }
}

extension SequenceSet {
  /// The tokens of some sequences.
  func count(of chosen: [Int], unknown: Int32?) -> TokenCount {
    var count = TokenCount()
    for sequence in chosen {
      count.tokens += length(sequence)
      guard let unknown else { continue }
      for step in starts[sequence]..<starts[sequence + 1] where tokens[step] == unknown {
        count.unknown += 1
      }
    }
    return count
  }
}

extension TextTable {
  /// Throws where a text does not fit in a row.
  func checkLengths(_ set: SequenceSet, window: Int) throws {
    guard let longest = (0..<count).max(by: { set.length($0) < set.length($1) }),
      set.length(longest) > window
    else { return }
    let long = (0..<count).count { set.length($0) > window }
    throw failure(
      longest,
      "the longest text has \(Format.grouped(set.length(longest))) tokens, batch.window is "
        + "\(window)" + (long > 1 ? ", and \(Format.grouped(long)) texts are longer" : ""),
      hint: (TaskDescription.roomHint(set.length(longest)).map { "\($0), or " } ?? "set ")
        + "data.truncate to \"end\" or \"start\"")
  }
}

extension DataSummary {
  /// Says how many texts there are, and in which form.
  mutating func say(
    _ use: String, _ path: String, _ table: TextTable, called noun: String = "text"
  ) {
    say(
      "data",
      "'\(path)' for \(use): \(Format.count(table.count, noun)), "
        + "\(Format.bytes(table.bytes.count)); \(table.form)")
    add([
      "\(use)_file": .string(path), "\(use)_file_sequences": .integer(table.count),
      "\(use)_file_bytes": .integer(table.bytes.count),
    ])
  }

  /// Says what was left out of long texts.
  mutating func say(cut: TextTable.Cut, _ truncation: TextTruncation, window: Int) {
    say(
      "remark",
      "of \(Format.count(cut.texts, "text")) the \(truncation.rawValue) is left out, beyond "
        + "\(Format.count(window, "token")) each: \(Format.count(cut.tokens, "token"))")
    add(["cut_texts": .integer(cut.texts), "cut_tokens": .integer(cut.tokens)])
  }

  /// Says how many tokens there are, and how many of them nobody knows.
  mutating func say(
    tokens training: TokenCount, validation: TokenCount, _ tokenizer: Tokenizer
  ) {
    var text =
      "\(Format.count(training.tokens, "training token")) of "
      + "\(Format.grouped(tokenizer.vocabularySize)) kinds (\(tokenizer.kind.rawValue))"
    if validation.tokens > 0 {
      text += ", \(Format.count(validation.tokens, "validation token"))"
    }
    if tokenizer.unknown != nil {
      text += "; unknown are \(Format.share(training.unknown, of: training.tokens)) of the former"
      if validation.tokens > 0 {
        text += ", \(Format.share(validation.unknown, of: validation.tokens)) of the latter"
      }
    }
    say("tokens", text)
    if validation.tokens > 0, validation.unknown == validation.tokens {
      say(
        "remark",
        "all validation tokens are unknown (<unk>) to the training part, so that the model reads "
          + "nothing of them: its figures say nothing")
    }
    add([
      "training_tokens": .integer(training.tokens), "unknown_tokens": .integer(training.unknown),
      "validation_tokens": .integer(validation.tokens),
      "unknown_validation_tokens": .integer(validation.unknown),
      "vocabulary_size": .integer(tokenizer.vocabularySize),
      "tokenizer": .string(tokenizer.kind.rawValue),
    ])
  }
}
