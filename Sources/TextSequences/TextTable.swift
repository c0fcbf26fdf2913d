import Batches
import Corpora
import Datasets
import NumericContract
import Records
import Tasks

/// Texts as files have them, one after another in memory, with the label of each where there are
/// labels, and where each stands.
struct TextTable: PartedTable {
  /// Of all texts, in UTF-8.
  private(set) var bytes: [UInt8] = []
  /// Where each text begins, and after the last one where it ends.
  private(set) var starts = [0]
  private(set) var labels: [String] = []
  /// The line of each text; 0 where a text is a whole file.
  private(set) var lines: [Int] = []
  /// What is handed on of each text, one after another; none where nothing is.
  private(set) var kept: [OrderedJSON] = []
  /// The files, and the first text of each.
  private(set) var files: [String] = []
  private var firsts: [Int] = []
  /// How files hold texts, in words: "a file a class, a text a line".
  var form = ""
  /// What a person is to know of how the files were read, a line each.
  var remarks: [String] = []
  /// Tells the content of the files from others'.
  private(set) var fingerprint = ""
  /// Blank lines of files that have a text a line.
  var blankLines = 0
  /// Texts whose label does not count, which are left out.
  var ignoredTexts = 0
  /// Files and records that are documents and have nothing in them.
  var blankTexts = 0

  /// So many texts are named that something is wrong with, beside the first.
  private static let mostNamed = 8

  var count: Int { starts.count - 1 }
  var byteCount: Int { bytes.count }

  /// Begins a file.
  mutating func begin(file path: String) {
    files.append(path)
    firsts.append(count)
  }

  /// Appends a text of the file that was begun last.
  ///
  /// - Parameter label: nil where texts have none.
  mutating func append(
    _ text: UnsafeBufferPointer<UInt8>, label: String?, line: Int, kept: [OrderedJSON] = []
  ) {
    self.kept += kept
    unsafe bytes.append(contentsOf: text)
    starts.append(bytes.count)
    if let label { labels.append(label) }
    lines.append(line)
  }

  /// Takes the texts out, of which a part was made.
  mutating func removeContent() {
    bytes.removeAll(keepingCapacity: true)
    labels.removeAll()
    kept.removeAll()
    lines.removeAll(keepingCapacity: true)
    (starts, firsts) = ([0], [0])
  }

  /// Ends the last file. Of several the fingerprint is that of their names and contents.
  mutating func end(fingerprints: [String], names: [String]? = nil) {
    if let names {
      let lines = zip(names, fingerprints).map { "\($0) \($1)\n" }.joined()
      fingerprint = unsafe Array(lines.utf8).withUnsafeBytes {
        unsafe ContentHash128(of: $0).description
      }
    } else {
      fingerprint = fingerprints.joined()
    }
    if blankLines > 0 { remarks.append("blank lines are left out: \(blankLines)") }
    if ignoredTexts > 0 {
      remarks.append("texts without a label that counts are left out: \(ignoredTexts)")
    }
    if blankTexts > 0 {
      remarks.append("texts without anything in them are left out: \(blankTexts)")
    }
  }

  /// The file and the line of a text.
  func place(of text: Int) -> (path: String, place: String?) {
    let file = (firsts.lastIndex { $0 <= text } ?? 0)
    return (files[file], lines[text] == 0 ? nil : "line \(lines[text])")
  }

  /// Throws where a text is to be left alone because something is wrong with it.
  func failure(_ text: Int, _ problem: String, hint: String? = nil) -> DataFileError {
    let (path, place) = place(of: text)
    return DataFileError(path: path, place: place, problem: problem, hint: hint)
  }
}

extension TextTable {
  /// What is learnt from some of the texts.
  ///
  /// - Parameter withLineEnds: whether each ends with a line end.
  func tokenizer(
    learnt texts: [Int], _ learning: Tokenizer.Learning, withLineEnds: Bool = false
  ) throws -> Tokenizer {
    var learner = TokenizerLearner(learning)
    try unsafe bytes.withUnsafeBytes { bytes in
      for text in texts {
        try unsafe learner.add(
          UnsafeRawBufferPointer(rebasing: bytes[starts[text]..<starts[text + 1]]),
          path: files.first ?? "")
        if withLineEnds { learner.addNewline() }
      }
    }
    return learner.tokenizer()
  }

  /// Calls `body` with the tokens of each text.
  func forEachEncoded(by tokenizer: Tokenizer, _ body: ([Int32]) -> Void) {
    var encoder = TextEncoder(tokenizer)
    var tokens: [Int32] = []
    unsafe bytes.withUnsafeBytes { bytes in
      for text in 0..<count {
        tokens.removeAll(keepingCapacity: true)
        unsafe encoder.encode(
          UnsafeRawBufferPointer(rebasing: bytes[starts[text]..<starts[text + 1]]), into: &tokens)
        body(tokens)
      }
    }
  }

  /// Bytes and characters of some texts.
  func sizes(of texts: [Int]) -> (bytes: Int, characters: Int) {
    texts.reduce((0, 0)) { sum, text in
      let bytes = bytes[starts[text]..<starts[text + 1]]
      return (sum.0 + bytes.count, sum.1 + bytes.count { $0 & 0xC0 != 0x80 })
    }
  }

  /// What became of texts that are too long.
  struct Cut: Equatable {
    var texts = 0
    var tokens = 0
  }

  /// The texts as a model reads them.
  ///
  /// - Parameters:
  ///   - most: tokens of a text.
  ///   - allowsEmpty: whether a text may have no token.
  func encoded(
    by tokenizer: Tokenizer, _ truncation: TextTruncation, most: Int, cut: inout Cut,
    allowsEmpty: Bool = false
  ) throws -> SequenceSet {
    var encoder = TextEncoder(tokenizer)
    var set = SequenceSet(columns: [])
    set.labels = labels
    if files.count == 1, lines.allSatisfy({ $0 > 0 }) { set.lines = lines }
    set.starts.reserveCapacity(count + 1)
    var empty: [Int] = []
    unsafe bytes.withUnsafeBytes { bytes in
      for text in 0..<count {
        let first = set.tokens.count
        unsafe encoder.encode(
          UnsafeRawBufferPointer(rebasing: bytes[starts[text]..<starts[text + 1]]),
          into: &set.tokens.array)
        let length = set.tokens.count - first
        if length == 0, !allowsEmpty { empty.append(text) }
        if length > most, truncation != .none {
          cut.texts += 1
          cut.tokens += length - most
          switch truncation {
          case .start: set.tokens.array.removeSubrange(first..<first + length - most)
          case .end, .none: set.tokens.array.removeLast(length - most)
          }
        }
        set.starts.append(set.tokens.count)
      }
    }
    if let first = empty.first { throw withoutTokens(first, others: empty.dropFirst()) }
    return set
  }

  /// Says which texts have no token, the first of them by their places.
  private func withoutTokens(_ first: Int, others: ArraySlice<Int>) -> DataFileError {
    let path = place(of: first).path
    let shown = others.prefix(Self.mostNamed).map { text in
      let other = place(of: text)
      return other.path == path ? other.place ?? "'\(path)'" : "'\(other.path)'"
    }
    let isOne = others.isEmpty
    return failure(
      first,
      "has a text without a token"
        + (isOne
          ? ""
          : ", as \(others.count == 1 ? "has" : "have") \(Format.grouped(others.count)) more of"
            + " \(Format.grouped(count)): "
            + shown.joined(separator: ", ") + (shown.count < others.count ? ", ..." : "")),
      hint: "give \(isOne ? "it" : "each") one, take \(isOne ? "it" : "them") out of the file"
        + (labels.isEmpty ? "" : ", or set data.missing to \"drop\", which leaves out such texts"))
  }
}
