/// How a range of N tokens is read by B sequences in windows of T so that each of its N − 1
/// targets (every token but the first) counts exactly once: the batches of validation.
///
/// The targets are cut into contiguous streams of equal length, the last of them shorter. A range
/// too short for a window of every sequence uses fewer streams, so that none starts without need;
/// sequences and time steps beyond the text have input 0 and target −1, which is not counted.
package struct EvaluationPlan: Sendable, Equatable {
  package let tokenRange: Range<Int>
  /// Sequences in the global batch (B).
  package let sequences: Int
  /// Time steps of a window (T).
  package let window: Int
  /// Targets of one stream; the last stream may have fewer.
  package let streamLength: Int
  /// Windows that cover every stream; hidden state is reset before the first one only.
  package let windowCount: Int

  /// Targets that the windows count together: N − 1.
  package var targetCount: Int { tokenRange.count - 1 }

  /// Preconditions: `tokenRange` holds at least 2 tokens.
  package init(tokenRange: Range<Int>, sequences: Int, window: Int) {
    precondition(sequences > 0, "sequences \(sequences) < 1")
    precondition(window > 0, "window \(window) < 1")
    precondition(tokenRange.count >= 2, "\(tokenRange.count) tokens < 2")
    self.tokenRange = tokenRange
    self.sequences = sequences
    self.window = window
    let targets = tokenRange.count - 1
    let streams = min(max(targets / window, 1), sequences)
    streamLength = (targets - 1) / streams + 1
    windowCount = (streamLength - 1) / window + 1
  }

  /// Writes one window of some of the sequences. Does not allocate.
  ///
  /// Shapes: `inputs` and `targets` are [T, B_local], time-major, B_local = `sequences.count`.
  package func fill(
    inputs: UnsafeMutablePointer<Int32>, targets: UnsafeMutablePointer<Int32>,
    corpus: TokenCorpus, sequences local: Range<Int>, windowIndex: Int
  ) {
    precondition(local.lowerBound >= 0, "sequences \(local) start below 0")
    precondition(local.upperBound <= sequences, "sequences \(local) end beyond \(sequences)")
    precondition(windowIndex >= 0, "window \(windowIndex) < 0")
    precondition(windowIndex < windowCount, "window \(windowIndex) >= \(windowCount)")
    precondition(
      tokenRange.upperBound <= corpus.count,
      "token range \(tokenRange) ends beyond \(corpus.count) tokens")
    let width = local.count
    for b in 0..<width {
      let stream = streamRange(of: local.lowerBound + b)
      let start = stream.lowerBound + windowIndex * window
      for t in 0..<window {
        let place = t * width + b
        if start + t < stream.upperBound {
          unsafe inputs[place] = corpus[start + t]
          unsafe targets[place] = corpus[start + t + 1]
        } else {
          unsafe inputs[place] = 0
          unsafe targets[place] = -1
        }
      }
    }
  }

  /// The places of a stream's inputs within the corpus; empty for a sequence without text.
  private func streamRange(of sequence: Int) -> Range<Int> {
    let (offset, overflow) = sequence.multipliedReportingOverflow(by: streamLength)
    let first = overflow ? targetCount : min(offset, targetCount)
    let last = min(first + streamLength, targetCount)
    return tokenRange.lowerBound + first..<tokenRange.lowerBound + last
  }
}
