import NumericContract

/// Which tokens train and which validate.
package struct CorpusSplit: Sendable {
  /// A range of tokens of a corpus.
  package struct Part: Sendable {
    package let corpus: TokenCorpus
    package let range: Range<Int>

    package init(corpus: TokenCorpus, range: Range<Int>) {
      self.corpus = corpus
      self.range = range
    }

    /// Bytes of text that the range's targets (every token but the first) stand for.
    package var targetBytes: Int { corpus.byteCount(of: range.dropFirst()) }

    /// Characters of text that they stand for; nil where nobody knows.
    package var targetCharacters: Int? { corpus.characterCount(of: range.dropFirst()) }

    /// The loss, in nats a token, of a model that knows how often each token stands in a training
    /// text, once more each, and nothing else.
    ///
    /// - Complexity: one pass over the tokens, and over as many of `training` as decide.
    package func unigramLoss(knowing training: Part) -> Double {
      let known = training.tokenCounts
      let total = Double(known.reduce(known.count, +))
      let counts = corpus.tokenCounts(in: range.dropFirst())
      precondition(counts.count == known.count, "\(counts.count) tokens of \(known.count)")
      let sum = zip(counts, known).reduce(0.0) { sum, pair in
        pair.0 == 0
          ? sum : sum - Double(pair.0) * Elementary.log(Double(pair.1 + 1) / total)
      }
      return sum / Double(max(1, range.count - 1))
    }

    /// How often each token stands in the range, or in as much of it as says that well enough.
    package var tokenCounts: [Int] { corpus.tokenCounts(in: range.prefix(Self.mostCounted)) }

    /// Tokens that say well enough how frequent each is.
    private static let mostCounted = 1 << 26

    /// The token that text begins after where nothing else is given: a line end, or where the range
    /// has none, the most frequent token; the first of equals.
    ///
    /// - Complexity: up to the first line end, or two passes over the tokens.
    package var startToken: Int32 {
      let lineEnd = corpus.tokenizer.lineEnd
      if lineEnd != corpus.tokenizer.unknown, corpus.contains(lineEnd, in: range) { return lineEnd }
      return corpus.mostFrequentToken(in: range)
    }

    /// Targets of the range that are the token for what the tokenizer does not know.
    ///
    /// - Complexity: one pass over the tokens.
    package var unknownTargets: Int {
      corpus.tokenizer.unknown.map { corpus.count(of: $0, in: range.dropFirst()) } ?? 0
    }
  }

  package let training: Part
  /// Nil where the config sets no text aside.
  package let validation: Part?
  /// Nil where it sets none aside to test on, or that is another text.
  package let test: Part?

  /// Splits by the config's `data` and `batch` sections.
  ///
  /// With a validation text all of `train` trains and `validFraction` is not used. Without one what
  /// `train` was opened to hold out is, else the last ⌈count · validFraction⌉ of its tokens, none
  /// where the fraction is 0. What is to be tested on comes after that, by `testFraction` and the
  /// same rules. The training range must hold a window for every sequence, the others one window.
  ///
  /// - Parameters:
  ///   - valid: the corpus of `data.valid`, opened with the tokenizer of `train`.
  /// - Throws: `CorpusError.tooShort`, `.invalidFraction`.
  package init(
    train: TokenCorpus, valid: TokenCorpus?, validFraction: Double, testFraction: Double = 0,
    sequences: Int, window: Int
  ) throws(CorpusError) {
    let fraction = (valid == nil ? validFraction : 0) + testFraction
    guard validFraction >= 0, testFraction >= 0, validFraction < 1, fraction < 1 else {
      throw .invalidFraction(fraction)
    }
    func start(_ fraction: Double) -> Int {
      max(0, train.count - HeldOut.size(of: train.count, fraction))
    }
    let trainingCount = fraction == 0 ? train.count : train.trainingCount ?? start(fraction)
    let testStart =
      testFraction == 0 ? train.count : max(trainingCount, train.testStart ?? start(testFraction))
    if let valid {
      validation = Part(corpus: valid, range: 0..<valid.count)
    } else {
      let held = trainingCount..<testStart
      validation = validFraction == 0 ? nil : Part(corpus: train, range: held)
    }
    test = testFraction == 0 ? nil : Part(corpus: train, range: testStart..<train.count)
    training = Part(corpus: train, range: 0..<trainingCount)

    let needed = StreamPlan.tokensNeeded(sequences: sequences, window: window)
    guard trainingCount >= needed else {
      throw .tooShort(
        path: train.path, use: "training", tokens: trainingCount, needed: needed,
        keys: (valid == nil ? ["data.valid_fraction"] : []) + ["batch.sequences", "batch.window"])
    }
    if let validation, validation.range.count - 1 < window {
      throw .tooShort(
        path: validation.corpus.path, use: "validation", tokens: validation.range.count,
        needed: window + 1,
        keys: (valid == nil ? ["data.valid_fraction"] : []) + ["batch.window"])
    }
    if let test, test.range.count - 1 < window {
      throw .tooShort(
        path: train.path, use: "test", tokens: test.range.count, needed: window + 1,
        keys: ["data.test_fraction", "batch.window"])
    }
  }
}
