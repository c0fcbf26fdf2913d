extension TokenCorpus {
  /// Bytes of the file that the tokens of `range` stand for; turns nats a token into bits a byte.
  ///
  /// It is exact, but for words and unknown characters of a token file of version 1, which takes
  /// those between every 1,024th token to be of equal length.
  ///
  /// - Complexity: one pass over a text, of byte pairs over its tokens; none for bytes and token
  ///   files.
  package func byteCount(of range: Range<Int>) -> Int {
    precondition(range.lowerBound >= 0, "range \(range) starts below 0")
    precondition(range.upperBound <= count, "range \(range) ends beyond \(count) tokens")
    if tokenizer == .byte { return range.count }
    if case .file(let tokens) = storage {
      return unsafe tokens.textOffset(of: range.upperBound, in: file.bytes)
        - tokens.textOffset(of: range.lowerBound, in: file.bytes)
    }
    if range.isEmpty { return 0 }
    if case .bytePair(let vocabulary) = tokenizer {
      return range.reduce(0) { $0 + vocabulary.length(of: self[$1]) }
    }
    return textRange(of: range).count
  }

  /// Where the text of some tokens lies in the file, of characters or words of a text.
  private func textRange(of range: Range<Int>) -> Range<Int> {
    var index = 0
    var start = 0
    var end = unsafe tokenizer.body(of: file.bytes).count
    // A corpus that is open was decoded before.
    try? unsafe tokenizer.forEachToken(of: file.bytes, path: path) { _, offset in
      index += 1
      if index == range.lowerBound { start = offset }
      if index == range.upperBound, index < count { end = offset }
    }
    return start..<end
  }

  /// Characters (Unicode scalars) of the text that the tokens of `range` stand for; nil of words in
  /// a token file, which does not say.
  ///
  /// - Complexity: as `byteCount(of:)`, and one pass over the tokens or the text.
  package func characterCount(of range: Range<Int>) -> Int? {
    precondition(range.lowerBound >= 0, "range \(range) starts below 0")
    precondition(range.upperBound <= count, "range \(range) ends beyond \(count) tokens")
    func characters(_ bytes: some Sequence<UInt8>) -> Int {
      // Every byte of a scalar but its first is a continuation: 10xxxxxx.
      bytes.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
    }
    switch tokenizer {
    case .character: return range.count
    case .byte, .bytePair:
      let counts = tokenCounts(in: range)
      return counts.indices.reduce(0) { sum, token in
        counts[token] == 0
          ? sum : sum + counts[token] * characters(tokenizer.decode([Int32(token)]))
      }
    case .word:
      if isPrepared { return nil }
      if range.isEmpty { return 0 }
      let text = textRange(of: range)
      let body = unsafe UnsafeRawBufferPointer(rebasing: tokenizer.body(of: file.bytes)[text])
      return unsafe characters(body)
    }
  }

  /// How often each token stands in a range.
  func tokenCounts(in range: Range<Int>) -> [Int] {
    var counts = [Int](repeating: 0, count: tokenizer.vocabularySize)
    withTokens { view in
      switch view {
      case .bytes(let tokens): for place in range { unsafe counts[Int(tokens[place])] += 1 }
      case .narrow(let tokens): for place in range { unsafe counts[Int(tokens[place])] += 1 }
      case .wide(let tokens): for place in range { unsafe counts[Int(tokens[place])] += 1 }
      }
    }
    return counts
  }

  /// How often a token stands in a range.
  func count(of token: Int32, in range: Range<Int>) -> Int {
    precondition(range.lowerBound >= 0, "range \(range) starts below 0")
    precondition(range.upperBound <= count, "range \(range) ends beyond \(count) tokens")
    var found = 0
    withTokens { view in
      switch view {
      case .bytes(let tokens): for place in range where unsafe Int32(tokens[place]) == token {
        found += 1
      }
      case .narrow(let tokens): for place in range where unsafe Int32(tokens[place]) == token {
        found += 1
      }
      case .wide(let tokens): for place in range where unsafe tokens[place] == token { found += 1 }
      }
    }
    return found
  }

  /// Whether a token stands in a range.
  ///
  /// - Complexity: up to its first place.
  func contains(_ token: Int32, in range: Range<Int>) -> Bool {
    var isThere = false
    withTokens { view in
      isThere =
        switch view {
        case .bytes(let tokens): range.contains { unsafe Int32(tokens[$0]) == token }
        case .narrow(let tokens): range.contains { unsafe Int32(tokens[$0]) == token }
        case .wide(let tokens): range.contains { unsafe tokens[$0] == token }
        }
    }
    return isThere
  }

  /// The token that stands most often in a range, of what the tokenizer knows; the lowest of
  /// equals.
  func mostFrequentToken(in range: Range<Int>) -> Int32 {
    var counts = tokenCounts(in: range)
    if let unknown = tokenizer.unknown { counts[Int(unknown)] = 0 }
    let most = counts.max() ?? 0
    return Int32(counts.firstIndex(of: most) ?? 0)
  }
}

/// The tokens of a corpus in one of the widths they are stored in.
@safe enum TokenView {
  case bytes(UnsafeBufferPointer<UInt8>)
  case narrow(UnsafeBufferPointer<UInt16>)
  case wide(UnsafeBufferPointer<Int32>)
}
