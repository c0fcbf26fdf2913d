import NumericContract
import Testing

@Suite struct SHA256Tests {
  /// With the processor's instructions, where it has them, and without.
  static let ways = SHA256.hasInstructions ? [true, false] : [false]

  private func hash(_ bytes: [UInt8], usingInstructions: Bool) -> String {
    var hash = SHA256(usingInstructions: usingInstructions)
    hash.update(bytes)
    return hash.finish()
  }

  /// The messages of FIPS 180-4's examples, and of the 896 bits that NIST publishes beside them.
  @Test(arguments: ways) func publishedExamples(usingInstructions: Bool) {
    let examples = [
      "": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq":
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
        + "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu":
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
      String(repeating: "a", count: 1_000_000):
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    ]
    for (message, expected) in examples {
      let found = hash(Array(message.utf8), usingInstructions: usingInstructions)
      #expect(found == expected, "\(message.prefix(60))")
    }
  }

  /// Messages of all lengths that end in the first four blocks: the hash of their 201 hashes'
  /// digits is what Python's hashlib gives, with `bytes((7 * i + 3) & 255 for i in range(length))`.
  @Test(arguments: ways) func everyLengthUpTo200(usingInstructions: Bool) {
    let digests = (0...200).map { length in
      hash(Self.message(length), usingInstructions: usingInstructions)
    }
    #expect(
      hash(Array(digests.joined().utf8), usingInstructions: usingInstructions)
        == "530566f39d545b371e5360fbfe251c0da6410ba297e67392dfaec0cb575d67ed")
  }

  @Test(arguments: ways) func chunkedHashEqualsTheWhole(usingInstructions: Bool) {
    let bytes = Self.message(200)
    let whole = hash(bytes, usingInstructions: usingInstructions)
    for cut in 0...200 {
      var parts = SHA256(usingInstructions: usingInstructions)
      parts.update(Array(bytes[..<cut]))
      parts.update(Array(bytes[cut...]))
      #expect(parts.finish() == whole, "cut at \(cut)")
      var pieces = SHA256(usingInstructions: usingInstructions)
      for start in stride(from: 0, to: 200, by: max(1, cut)) {
        pieces.update(Array(bytes[start..<min(200, start + max(1, cut))]))
      }
      #expect(pieces.finish() == whole, "pieces of \(cut)")
    }
  }

  @Test func copiesAreIndependent() {
    var first = SHA256()
    first.update(Array("ab".utf8))
    var second = first
    second.update(Array("x".utf8))
    first.update(Array("c".utf8))
    #expect(first.finish() == SHA256.hash(of: Array("abc".utf8)))
    #expect(second.finish() == SHA256.hash(of: Array("abx".utf8)))
  }

  private static func message(_ length: Int) -> [UInt8] {
    (0..<length).map { UInt8(truncatingIfNeeded: 7 * $0 + 3) }
  }
}
