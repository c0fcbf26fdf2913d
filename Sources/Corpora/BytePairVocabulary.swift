/// Byte-pair encoding: 256 tokens for the bytes, and one for each pair of tokens that was merged,
/// in the order of the merges (Gage, 1994; for subwords Sennrich, Haddow and Birch, 2016).
package struct BytePairVocabulary: Sendable, Equatable {
  /// The two tokens that token 256 + i stands for.
  let merges: [TokenPair]
  /// How a text is cut into chunks.
  package let rules: TextRules
  /// The token that a pair is merged into.
  let ids: PairTable
  /// The bytes of all tokens one after the other, and where each starts.
  private let bytes: [UInt8]
  private let starts: [Int]

  /// Tokens in all.
  package var size: Int { 256 + merges.count }

  /// Nil where a pair names a token that is not there yet, or occurs twice, or stands for more
  /// bytes than a chunk can have.
  init?(merges: [TokenPair], rules: TextRules) {
    var bytes = (0...255).map { UInt8($0) }
    var starts = Array(0...256)
    var ids = PairTable(capacity: merges.count)
    for (index, pair) in merges.enumerated() {
      let known = 0..<Int32(256 + index)
      guard known.contains(pair.left), known.contains(pair.right), ids.value(of: pair) == nil
      else { return nil }
      ids.set(Int32(256 + index), of: pair)
      for token in [Int(pair.left), Int(pair.right)] {
        bytes += bytes[starts[token]..<starts[token + 1]]
      }
      starts.append(bytes.count)
      guard starts[257 + index] - starts[256 + index] <= rules.longestChunk else { return nil }
    }
    self.merges = merges
    self.rules = rules
    self.ids = ids
    self.bytes = bytes
    self.starts = starts
  }

  package static func == (left: Self, right: Self) -> Bool {
    left.rules == right.rules && left.merges == right.merges
  }

  /// The bytes that a token stands for.
  package func bytes(of token: Int32) -> ArraySlice<UInt8> {
    precondition(token >= 0, "token \(token) < 0")
    precondition(token < size, "token \(token) >= vocabulary size \(size)")
    return bytes[starts[Int(token)]..<starts[Int(token) + 1]]
  }

  @inline(__always)
  func length(of token: Int32) -> Int { starts[Int(token) + 1] - starts[Int(token)] }
}

/// A vocabulary is written as its merges, two decimal token ids each: "104 101 256 108".
extension BytePairVocabulary {
  /// The words for an error about anything else.
  static let form = "expected distinct pairs of ids of earlier tokens"

  /// Nil where the text is not what `description` writes.
  init?(description: String, rules: TextRules) {
    let numbers = description.utf8.split(separator: UInt8(ascii: " ")).map { Int32(Substring($0)) }
    var merges: [TokenPair] = []
    for index in stride(from: 0, to: numbers.count - 1, by: 2) {
      guard let left = numbers[index], let right = numbers[index + 1] else { break }
      merges.append(TokenPair(left: left, right: right))
    }
    guard 2 * merges.count == numbers.count, let vocabulary = Self(merges: merges, rules: rules)
    else {
      return nil
    }
    self = vocabulary
  }

  /// The merges in order of the tokens that they make.
  var description: String {
    merges.map { "\($0.left) \($0.right)" }.joined(separator: " ")
  }
}
