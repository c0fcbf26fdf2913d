import Batches
import Corpora
import Datasets
import Records
import Tasks

/// Sequences of words with a label for each word, as a file has them.
struct TaggedTable: PartedTable {
  /// Of all words, in UTF-8, none with white space in it.
  private var bytes: [UInt8] = []
  private var wordStarts = [0]
  /// The label of each word, by its place among `names`.
  private var labels: [Int32] = []
  private(set) var names: [String] = []
  private var numbers: [String: Int32] = [:]
  /// The first word of each sequence, and after the last one the number of all words.
  private(set) var starts = [0]
  /// The line in which each sequence begins.
  private(set) var lines: [Int] = []
  /// What is handed on of each sequence, one after another; none where nothing is.
  private(set) var kept: [OrderedJSON] = []
  let path: String
  /// How the file holds them, in words.
  var form = ""
  /// What a person is to know of how the file was read, a line each.
  var remarks: [String] = []
  /// Tells the content of the file from others'.
  var fingerprint = ""
  /// Whether what is read next begins a sequence, where words of one are parts by themselves.
  var beginsSequence = false
  /// Words that have white space in them.
  private var joinedWords = 0

  init(path: String) { self.path = path }

  var count: Int { starts.count - 1 }
  var byteCount: Int { bytes.count }

  /// Appends a word of the sequence that is not ended yet; white space in it counts as "_".
  ///
  /// - Returns: false where there is nothing but white space.
  mutating func append(_ word: some Collection<UInt8>, label: String) -> Bool {
    let parts = TextRules.newest.words(of: word)
    guard !parts.isEmpty else { return false }
    let joined = Array(parts.joined(separator: [UInt8(ascii: "_")]))
    if parts.count > 1 { joinedWords += 1 }
    bytes += joined
    wordStarts.append(bytes.count)
    let number = numbers[label] ?? Int32(names.count)
    if number == names.count {
      numbers[label] = number
      names.append(label)
    }
    labels.append(number)
    return true
  }

  /// Ends a sequence; where there is no word since the last one, there is none.
  ///
  /// - Parameter allowsEmpty: but there is one where this says so.
  mutating func endSequence(line: Int, kept: [OrderedJSON] = [], allowsEmpty: Bool = false) {
    guard labels.count > starts[count] || allowsEmpty else { return }
    self.kept += kept
    starts.append(labels.count)
    lines.append(line)
  }

  /// Takes the sequences out, of which a part was made.
  mutating func removeContent() {
    bytes.removeAll(keepingCapacity: true)
    (wordStarts, starts) = ([0], [0])
    labels.removeAll(keepingCapacity: true)
    lines.removeAll(keepingCapacity: true)
    kept.removeAll()
  }

  /// All words, sequence by sequence.
  var words: [String] {
    (0..<labels.count).map {
      String(decoding: bytes[wordStarts[$0]..<wordStarts[$0 + 1]], as: UTF8.self)
    }
  }

  /// Says how many lines have no item, and are no session.
  mutating func remark(emptyLines count: Int) {
    if count > 0 { remarks.append("lines without an item are left out: \(count)") }
  }

  mutating func finish() {
    if joinedWords > 0 {
      remarks.append("white space within words counts as \"_\": \(joinedWords)")
    }
  }

  func failure(_ sequence: Int, _ problem: String, hint: String? = nil) -> DataFileError {
    DataFileError(
      path: path, place: "the sequence of line \(lines[sequence])", problem: problem, hint: hint)
  }
}

extension TaggedTable {
  /// A vocabulary of the words of some sequences.
  func tokenizer(learnt sequences: [Int], _ learning: Tokenizer.Learning) throws -> Tokenizer {
    var learner = TokenizerLearner(learning)
    try unsafe bytes.withUnsafeBytes { bytes in
      for sequence in sequences {
        for word in starts[sequence]..<starts[sequence + 1] {
          try unsafe learner.add(
            UnsafeRawBufferPointer(rebasing: bytes[wordStarts[word]..<wordStarts[word + 1]]),
            path: path)
        }
      }
    }
    return learner.tokenizer()
  }

  /// Where the first word with a label stands.
  private func place(ofLabel index: Int) -> String? {
    guard let word = labels.firstIndex(of: Int32(index)),
      let sequence = starts.lastIndex(where: { $0 <= word }), sequence < count
    else { return nil }
    return "the sequence of line \(lines[sequence])"
  }

  /// Calls `body` with the tokens of each sequence.
  func forEachEncoded(by tokenizer: Tokenizer, _ body: ([Int32]) -> Void) {
    var encoder = TextEncoder(tokenizer)
    var tokens: [Int32] = []
    unsafe bytes.withUnsafeBytes { bytes in
      for sequence in 0..<count {
        tokens.removeAll(keepingCapacity: true)
        for word in starts[sequence]..<starts[sequence + 1] {
          unsafe encoder.encode(
            UnsafeRawBufferPointer(rebasing: bytes[wordStarts[word]..<wordStarts[word + 1]]),
            into: &tokens)
        }
        body(tokens)
      }
    }
  }

  /// The classes: all labels of some sequences but the one that is ignored.
  ///
  /// - Parameter sequences: nil for all.
  func classes(of sequences: [Int]?, ignoring label: String?) -> [String] {
    let all = ClassNames.ordered(names.filter { $0 != label })
    guard let sequences else { return all }
    let found = Set(sequences.flatMap { labels[starts[$0]..<starts[$0 + 1]] })
    return all.filter { name in numbers[name].map(found.contains) ?? false }
  }

  /// The sequences as a model reads them, and the class of every step; -1 where it is ignored, and
  /// below that where the model lacks it, by its label's place among `names`: -2 for the first.
  ///
  /// - Parameters:
  ///   - most: tokens of a sequence.
  ///   - countsUnknown: whether a label that the model lacks is no error.
  func encoded(
    by tokenizer: Tokenizer, _ classes: [String], ignoring ignored: String?,
    _ truncation: TextTruncation, most: Int, countsUnknown: Bool = false,
    cut: inout TextTable.Cut
  ) throws -> (set: SequenceSet, classes: [Int32]) {
    let known = Dictionary(uniqueKeysWithValues: zip(classes, Int32(0)...))
    let numbers = try names.enumerated().map { index, name in
      if name == ignored { return Int32(-1) }
      if let number = known[name] { return number }
      if countsUnknown { return -2 - Int32(index) }
      let strange = ClassNames.ordered(names.filter { known[$0] == nil && $0 != ignored })
      throw DataFileError(
        path: path, place: place(ofLabel: index),
        problem: "label \"\(name)\" does not occur in the training data"
          + (strange.count > 1
            ? ", nor do others: \(strange.count) in all, \(DataFileError.list(strange))" : ""),
        hint: "its labels are \(DataFileError.list(classes))")
    }
    var encoder = TextEncoder(tokenizer)
    var set = SequenceSet(columns: [])
    var steps: [Int32] = []
    unsafe bytes.withUnsafeBytes { bytes in
      for sequence in 0..<count {
        var words = starts[sequence]..<starts[sequence + 1]
        if words.count > most, truncation != .none {
          cut.texts += 1
          cut.tokens += words.count - most
          words = truncation == .end ? words.prefix(most) : words.suffix(most)
        }
        for word in words {
          unsafe encoder.encode(
            UnsafeRawBufferPointer(rebasing: bytes[wordStarts[word]..<wordStarts[word + 1]]),
            into: &set.tokens.array)
          steps.append(numbers[Int(labels[word])])
        }
        set.starts.append(set.tokens.count)
      }
    }
    precondition(
      steps.count == set.tokens.count, "\(steps.count) labels of \(set.tokens.count) tokens")
    return (set, steps)
  }

  /// Throws where a sequence does not fit in a row.
  func checkLengths(_ set: SequenceSet, window: Int) throws {
    guard let longest = (0..<count).max(by: { set.length($0) < set.length($1) }),
      set.length(longest) > window
    else { return }
    throw failure(
      longest, "has \(set.length(longest)) words, more than any other, and batch.window is "
        + "\(window)",
      hint: (TaskDescription.roomHint(set.length(longest)).map { "\($0), or " } ?? "set ")
        + "data.truncate to \"end\" or \"start\"")
  }
}
