/// The words that a word model knows, the most frequent first, behind two tokens of their own:
/// `<unk>` for every other word and `<eos>` for the end of a line.
package struct WordVocabulary: Sendable, Equatable {
  /// The id of words that are not known.
  package static let unknown: Int32 = 0
  /// The id of a line's end.
  package static let lineEnd: Int32 = 1
  static let specials = ["<unk>", "<eos>"]

  /// How a text is cut into words.
  package let rules: TextRules
  /// Its numbers are the token ids.
  private let table: ByteStringTable

  /// All words and the two tokens before them.
  package var size: Int { table.count }

  /// The words of a text.
  ///
  /// - Parameters:
  ///   - minimumCount: words that occur less often are unknown.
  ///   - limit: most tokens of the vocabulary; 0 for no limit.
  init(of counts: ByteStringCounts, minimumCount: Int, limit: Int, rules: TextRules) {
    self.rules = rules
    var table = Self.emptyTable
    for index in counts.order {
      if counts.counts[index] < minimumCount || (limit > 0 && table.count >= limit) { break }
      // A text may spell the two tokens out: they keep their ids.
      _ = table.insert(counts.table[index])
    }
    self.table = table
  }

  /// Preconditions: `words` are distinct, without white space, and none is a special token.
  init(words: some Sequence<some Collection<UInt8>>, rules: TextRules) {
    self.rules = rules
    var table = Self.emptyTable
    for word in words { _ = table.insert(word) }
    self.table = table
  }

  private static var emptyTable: ByteStringTable {
    var table = ByteStringTable()
    for special in specials { _ = table.insert(Array(special.utf8)) }
    return table
  }

  /// The token of a word.
  @inline(__always)
  package func id(of word: UnsafeRawBufferPointer) -> Int32 {
    unsafe table.index(of: word).map { Int32(truncatingIfNeeded: $0) } ?? Self.unknown
  }

  /// The token of an item of a text.
  @inline(__always)
  func id(of item: WordScanner.Item) -> Int32 {
    switch item {
    case .word(let word): unsafe id(of: word)
    case .lineEnd: Self.lineEnd
    }
  }

  /// Whether a word is the name of a token.
  func spells(_ word: UnsafeRawBufferPointer, _ token: Int32) -> Bool {
    unsafe table[Int(token)].elementsEqual(word)
  }

  /// The word of a token.
  package func word(of token: Int32) -> ArraySlice<UInt8> {
    precondition(token >= 0, "token \(token) < 0")
    precondition(token < size, "token \(token) >= vocabulary size \(size)")
    return table[Int(token)]
  }

  /// What a token looks like in a text: a word and a space, or a newline.
  func text(of token: Int32) -> [UInt8] {
    token == Self.lineEnd ? [UInt8(ascii: "\n")] : word(of: token) + [UInt8(ascii: " ")]
  }
}

/// A vocabulary is written as its words in order of their ids, with spaces between them and without
/// the two tokens that are always there.
extension WordVocabulary {
  /// The words for an error about anything else.
  static let form = "expected distinct words with a space between two"

  /// Nil where the text is not what `description` writes.
  init?(description: String, rules: TextRules) {
    let text = Array(description.utf8)
    let words =
      text.isEmpty
      ? [] : text.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    self.init(words: words, rules: rules)
    // Words that occur twice were put in once.
    guard size == Self.specials.count + words.count,
      rules.words(of: text).elementsEqual(words, by: { $0.elementsEqual($1) })
    else { return nil }
  }

  /// The words in order of their ids.
  var description: String {
    var text: [UInt8] = []
    for token in Self.specials.count..<size {
      if !text.isEmpty { text.append(UInt8(ascii: " ")) }
      text += table[token]
    }
    return String(decoding: text, as: UTF8.self)
  }
}
