/// Byte-pair encoding: 256 tokens for the bytes, and one for each pair of tokens that was merged,
/// in the order of the merges (Gage, 1994; for subwords Sennrich, Haddow and Birch, 2016).
package struct BytePairVocabulary: Sendable, Equatable {
  /// The two tokens that token 256 + i stands for.
  let merges: [Pair]
  private let ids: [Pair: Int32]
  /// The bytes of all tokens one after the other, and where each starts.
  private let bytes: [UInt8]
  private let starts: [Int]

  /// Two neighbouring tokens.
  struct Pair: Hashable, Comparable {
    var left: Int32
    var right: Int32

    static func < (a: Self, b: Self) -> Bool { (a.left, a.right) < (b.left, b.right) }
  }

  /// Tokens in all.
  package var size: Int { 256 + merges.count }

  /// Nil where a pair names a token that is not there yet, or occurs twice, or stands for more
  /// bytes than a chunk can have.
  init?(merges: [Pair]) {
    var bytes = (0...255).map { UInt8($0) }
    var starts = Array(0...256)
    var ids: [Pair: Int32] = [:]
    ids.reserveCapacity(merges.count)
    for (index, pair) in merges.enumerated() {
      let known = 0..<Int32(256 + index)
      guard known.contains(pair.left), known.contains(pair.right),
        ids.updateValue(Int32(256 + index), forKey: pair) == nil
      else { return nil }
      for token in [Int(pair.left), Int(pair.right)] {
        bytes += bytes[starts[token]..<starts[token + 1]]
      }
      starts.append(bytes.count)
      guard starts[257 + index] - starts[256 + index] <= ChunkScanner.longest else { return nil }
    }
    self.merges = merges
    self.ids = ids
    self.bytes = bytes
    self.starts = starts
  }

  package static func == (left: Self, right: Self) -> Bool { left.merges == right.merges }

  /// The bytes that a token stands for.
  package func bytes(of token: Int32) -> ArraySlice<UInt8> {
    precondition(token >= 0, "token \(token) < 0")
    precondition(token < size, "token \(token) >= vocabulary size \(size)")
    return bytes[starts[Int(token)]..<starts[Int(token) + 1]]
  }

  @inline(__always)
  func length(of token: Int32) -> Int { starts[Int(token) + 1] - starts[Int(token)] }

  /// The tokens of one chunk: the earliest merge that fits anywhere is made everywhere, until none
  /// fits.
  func tokens(of chunk: UnsafeRawBufferPointer) -> [Int32] {
    var tokens = unsafe chunk.map { Int32($0) }
    while tokens.count > 1 {
      var best = Int32.max
      for index in 0..<tokens.count - 1 {
        let id = ids[Pair(left: tokens[index], right: tokens[index + 1])] ?? .max
        best = min(best, id)
      }
      if best == .max { break }
      Self.merge(merges[Int(best) - 256], into: best, &tokens)
    }
    return tokens
  }

  /// Replaces every occurrence of a pair, from left to right.
  static func merge(_ pair: Pair, into id: Int32, _ tokens: inout [Int32]) {
    var write = 0
    var read = 0
    while read < tokens.count {
      if read + 1 < tokens.count, tokens[read] == pair.left, tokens[read + 1] == pair.right {
        tokens[write] = id
        read += 2
      } else {
        tokens[write] = tokens[read]
        read += 1
      }
      write += 1
    }
    tokens.removeLast(tokens.count - write)
  }
}

/// Remembers the tokens of chunks that came before, in bounded memory.
struct ChunkEncoder {
  private let vocabulary: BytePairVocabulary
  private var chunks = ByteStringTable()
  private var tokens: [Int32] = []
  private var starts = [0]
  private let room = 1 << 18

  init(_ vocabulary: BytePairVocabulary) { self.vocabulary = vocabulary }

  /// Calls `body` with the tokens of a chunk.
  @inline(__always)
  mutating func encode(_ chunk: UnsafeRawBufferPointer, _ body: (Int32) -> Void) {
    let known = unsafe chunks.index(of: chunk) ?? learn(chunk)
    for place in starts[known]..<starts[known + 1] { body(tokens[place]) }
  }

  private mutating func learn(_ chunk: UnsafeRawBufferPointer) -> Int {
    if chunks.count >= room { self = ChunkEncoder(vocabulary) }
    unsafe tokens += vocabulary.tokens(of: chunk)
    starts.append(tokens.count)
    return unsafe chunks.insert(chunk)
  }
}

/// A vocabulary is written as its merges, two decimal token ids each: "104 101 256 108".
extension BytePairVocabulary {
  /// The words for an error about anything else.
  static let form = "expected distinct pairs of ids of earlier tokens"

  /// Nil where the text is not what `description` writes.
  init?(description: String) {
    let numbers = description.utf8.split(separator: UInt8(ascii: " ")).map { Int32(Substring($0)) }
    var merges: [Pair] = []
    for index in stride(from: 0, to: numbers.count - 1, by: 2) {
      guard let left = numbers[index], let right = numbers[index + 1] else { break }
      merges.append(Pair(left: left, right: right))
    }
    guard 2 * merges.count == numbers.count, let vocabulary = Self(merges: merges) else {
      return nil
    }
    self = vocabulary
  }

  /// The merges in order of the tokens that they make.
  var description: String {
    merges.map { "\($0.left) \($0.right)" }.joined(separator: " ")
  }
}
