/// Turns texts that each stand for themselves, such as the examples of a class, into tokens, one
/// after another. Where a text ends nothing is added: what is to stand there is the caller's.
package struct TextEncoder {
  private let tokenizer: Tokenizer
  /// Remembers chunks from text to text.
  private var chunks: ChunkEncoder?

  package init(_ tokenizer: Tokenizer) {
    self.tokenizer = tokenizer
    if case .bytePair(let vocabulary) = tokenizer { chunks = ChunkEncoder(vocabulary) }
  }

  /// Appends the tokens of a text in UTF-8; a byte order mark at its beginning is none.
  package mutating func encode(_ file: UnsafeRawBufferPointer, into tokens: inout [Int32]) {
    let text = unsafe tokenizer.body(of: file)
    switch tokenizer {
    case .byte:
      for unsafe byte in unsafe text { tokens.append(Int32(byte)) }
    case .character(let vocabulary):
      var scanner = unsafe UTF8Scanner(text)
      while let scalar = scanner.next() { tokens.append(vocabulary.id(of: scalar)) }
    case .word(let vocabulary):
      var scanner = unsafe WordScanner(text, rules: vocabulary.rules, endsLastLine: false)
      while let item = scanner.next() { tokens.append(vocabulary.id(of: item)) }
    case .bytePair(let vocabulary):
      var scanner = unsafe ChunkScanner(text, rules: vocabulary.rules)
      while let chunk = unsafe scanner.next() {
        unsafe chunks?.encode(chunk) { tokens.append($0) }
      }
    }
  }
}
