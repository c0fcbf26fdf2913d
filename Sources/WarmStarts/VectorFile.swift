package import Corpora
package import Datasets
import Records

/// Vectors of words in a text file, a word a line: as word2vec and fastText write them, after a
/// line with the number of words and of numbers, or as GloVe does, without. They may be packed by
/// gzip.
///
/// The file is read front to back, in constant memory beyond the vectors that a vocabulary has.
@safe package struct VectorFile {
  /// What of a file a vocabulary has.
  package struct Vectors {
    /// [V, size]; rows that the file lacks are 0.
    package var values: [Float]
    package var isFound: [Bool]
    /// Vectors of the file.
    package var count = 0
    /// Those of words that had one before, which are left out.
    package var repeated = 0

    var foundCount: Int { isFound.count { $0 } }
  }

  let path: String
  /// Numbers of a vector.
  let size: Int
  private let stream: ByteStream
  private let number = CellNumber()
  /// Where the next line begins in the window, and the number of the last.
  private var place = 0
  private var line = 0

  package init(path: String, size: Int) throws(DataFileError) {
    self.path = path
    self.size = size
    do {
      let file = try InputFile(path)
      let source = try unsafe ByteSource { try unsafe file.read(into: $0) }
      stream = unsafe ByteStream { try unsafe source.read(into: $0) }
    } catch {
      throw Self.unreadable(path, error)
    }
  }

  /// Reads the vectors of the tokens of a vocabulary.
  ///
  /// - Throws: `DataFileError`, with the line.
  package mutating func vectors(of tokenizer: Tokenizer) throws(DataFileError) -> Vectors {
    let lookup = Lookup(of: tokenizer)
    var vectors = Vectors(
      values: [Float](repeating: 0, count: tokenizer.vocabularySize * size),
      isFound: [Bool](repeating: false, count: tokenizer.vocabularySize))
    var declared: Int?
    try skipByteOrderMark()
    while let range = try nextLine() {
      if line == 1, let head = header(range) {
        guard head.size == size else { throw wrongSize(head.size) }
        declared = head.count
        continue
      }
      if vectors.count < Self.linesLookedAt { try requireText(range) }
      // Some writers end with an empty line.
      if range.isEmpty, stream.isAtEnd, place == stream.count { break }
      let end = try wordEnd(in: range, isFirst: vectors.count == 0)
      vectors.count += 1
      let word = unsafe UnsafeRawBufferPointer(
        start: stream.base + range.lowerBound, count: end - range.lowerBound)
      guard let token = unsafe lookup.token(of: word) else { continue }
      if vectors.isFound[token] {
        vectors.repeated += 1
      } else {
        try read(&vectors, token, from: end, to: range.upperBound)
      }
    }
    guard declared ?? vectors.count == vectors.count else {
      throw DataFileError(
        path: path, place: "line 1",
        problem: "says that there are \(declared ?? 0) vectors, and \(vectors.count) follow",
        hint: "the file is cut off: bring it here again")
    }
    return vectors
  }

  /// Finds tokens. What other programs call the end of a sentence is that of a line.
  private struct Lookup {
    private let index: TokenIndex
    private var specials: [[UInt8]: Int] = [:]

    init(of tokenizer: Tokenizer) {
      index = TokenIndex(of: tokenizer)
      guard tokenizer.kind == .word, let unknown = tokenizer.unknown else { return }
      for word in ["</s>", "<eos>"] { specials[Array(word.utf8)] = Int(tokenizer.lineEnd) }
      for word in ["<unk>", "<UNK>"] { specials[Array(word.utf8)] = Int(unknown) }
    }

    func token(of word: UnsafeRawBufferPointer) -> Int? {
      if let token = unsafe index.token(of: word) { return Int(token) }
      guard !specials.isEmpty, 4...5 ~= word.count, unsafe word[0] == UInt8(ascii: "<") else {
        return nil
      }
      return unsafe specials[Array(word)]
    }
  }

  // MARK: - Lines

  private static let newline = UInt8(ascii: "\n")

  /// So many lines show whether a file is text.
  private static let linesLookedAt = 16

  private mutating func skipByteOrderMark() throws(DataFileError) {
    do {
      if stream.count < 3 { try stream.refill(keeping: 0) }
    } catch {
      throw Self.unreadable(path, error)
    }
    if stream.head(3) == [0xEF, 0xBB, 0xBF] { place = 3 }
  }

  /// Throws where a line has a byte that no text has, as the numbers of binary files have.
  private func requireText(_ range: Range<Int>) throws(DataFileError) {
    for place in range.prefix(1 << 12) where unsafe stream.base[place] < 0x09 {
      throw failure(
        "has a byte that no text has: this is a binary file",
        hint: "write it as text: python3 -c 'import sys, gensim; "
          + "gensim.models.KeyedVectors.load_word2vec_format(sys.argv[1], binary=True)"
          + ".save_word2vec_format(sys.argv[2])' '\(path)' '\(path).txt'")
    }
  }

  /// The next line in the window, without blanks at its end; nil at the end of the file.
  private mutating func nextLine() throws(DataFileError) -> Range<Int>? {
    var end = place
    while true {
      while end < stream.count, unsafe stream.base[end] != Self.newline { end += 1 }
      if end < stream.count || stream.isAtEnd { break }
      let done = end - place
      do { try stream.refill(keeping: place) } catch { throw Self.unreadable(path, error) }
      (place, end) = (0, done)
    }
    if place == stream.count { return nil }
    let start = place
    place = min(stream.count, end + 1)
    line += 1
    var last = end
    while last > start, isBlank(last - 1) { last -= 1 }
    return start..<last
  }

  private func isBlank(_ place: Int) -> Bool {
    let byte = unsafe stream.base[place]
    return byte == 0x20 || byte == 0x09 || byte == 0x0D
  }

  /// The first place from the end of a range, after which there are `count` fields; where there are
  /// fewer, how many.
  private func fields(_ count: Int, atEndOf range: Range<Int>) -> (start: Int, found: Int) {
    var start = range.upperBound
    for found in 0..<count {
      var place = start
      while place > range.lowerBound, isBlank(place - 1) { place -= 1 }
      if place == range.lowerBound { return (start, found) }
      while place > range.lowerBound, !isBlank(place - 1) { place -= 1 }
      start = place
    }
    return (start, count)
  }

  private func value(_ range: Range<Int>) -> Double? {
    // A hexadecimal number is none of these files.
    for place in range where unsafe stream.base[place] | 0x20 == UInt8(ascii: "x") { return nil }
    let window = unsafe UnsafeBufferPointer(start: stream.base, count: stream.count)
    return unsafe number.read(window, from: range.lowerBound, to: range.upperBound)
  }

  /// The number of vectors and of their numbers; nil where the line is not of two integers.
  private func header(_ range: Range<Int>) -> (count: Int, size: Int)? {
    let text = unsafe String(
      decoding: UnsafeRawBufferPointer(
        start: stream.base + range.lowerBound, count: min(64, range.count)), as: UTF8.self)
    let fields = text.split(whereSeparator: { $0 == " " || $0 == "\t" })
    guard fields.count == 2, let count = Int(fields[0]), let size = Int(fields[1]) else {
      return nil
    }
    return (count, size)
  }

  /// Where the word of a line ends. It may have blanks within, as some of GloVe's have; what stands
  /// before the last `size` fields is no number then.
  private func wordEnd(in range: Range<Int>, isFirst: Bool) throws(DataFileError) -> Int {
    let (start, found) = fields(size, atEndOf: range)
    guard found == size, start > range.lowerBound else {
      throw isFirst ? wrongSize(max(0, found - 1)) : failure(
        "has \(found - 1) numbers after its word, expected \(size)", hint: Self.form)
    }
    var end = start
    while end > range.lowerBound, isBlank(end - 1) { end -= 1 }
    guard end > range.lowerBound else { throw failure("has no word", hint: Self.form) }
    if hasNumbersAlone(afterFirstOf: range.lowerBound..<end) {
      let (_, all) = fields(.max, atEndOf: range)
      throw isFirst ? wrongSize(all - 1) : failure(
        "has \(all - 1) numbers after its word, expected \(size)", hint: Self.form)
    }
    return end
  }

  /// Whether there are fields after the first one, and all are numbers that a vector could have.
  /// Words such as "1 / 2" and "to nan" have others.
  private func hasNumbersAlone(afterFirstOf range: Range<Int>) -> Bool {
    var (end, count) = (range.upperBound, 0)
    while true {
      let start = fields(1, atEndOf: range.lowerBound..<end).start
      if start == range.lowerBound { return count > 0 }
      guard value(start..<end)?.isFinite == true else { return false }
      count += 1
      end = start
      while end > range.lowerBound, isBlank(end - 1) { end -= 1 }
    }
  }

  private func read(
    _ vectors: inout Vectors, _ token: Int, from start: Int, to end: Int
  ) throws(DataFileError) {
    vectors.isFound[token] = true
    var place = start
    for column in 0..<size {
      while isBlank(place) { place += 1 }
      let first = place
      while place < end, !isBlank(place) { place += 1 }
      guard let value = value(first..<place), Float(value).isFinite else {
        let text = unsafe String(
          decoding: UnsafeRawBufferPointer(
            start: stream.base + first, count: min(40, place - first)), as: UTF8.self)
        throw failure(
          "number \(column + 1) is \(String(reflecting: text)), expected a finite number",
          hint: Self.form)
      }
      vectors.values[token * size + column] = Float(value)
    }
  }

  // MARK: - Errors

  private static let form = "a line is a word and its numbers, with a blank between two"

  private static func unreadable(_ path: String, _ error: any Error) -> DataFileError {
    DataFileError(
      path: path, place: nil,
      problem: error is ByteStream.TooLong
        ? "has a line without an end" : "cannot be read: \(error)",
      hint: "data.embeddings is a text file of word2vec, GloVe or fastText")
  }

  private func failure(_ problem: String, hint: String? = nil) -> DataFileError {
    DataFileError(path: path, place: "line \(line)", problem: problem, hint: hint)
  }

  private func wrongSize(_ found: Int) -> DataFileError {
    failure(
      "vectors of \(found) numbers, and model.embedding is \(size)",
      hint: found > 0 ? "set model.embedding to \(found)" : Self.form)
  }
}
