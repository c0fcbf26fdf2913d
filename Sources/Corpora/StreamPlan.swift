package import NumericContract

/// How a range of N tokens is read by B sequences in windows of T: the batches of training.
///
/// Stream b is the contiguous run of L = ⌊(N − 1) / B⌋ tokens that starts at lower bound + b L; the
/// target of a token is the one after it. Window w of stream b continues window w − 1, so that
/// hidden state can be carried. An epoch has ⌊L / T⌋ windows of T steps.
///
/// What they leave is read by one last, shorter window: L mod T tokens of every stream, and as many
/// as it has room for of the (N − 1) mod B that follow the last stream. Where a stream has ended,
/// the text goes on in the inputs and the targets are masked. Where more than a hundredth of all
/// targets is still left, fewer than B, a window of T steps follows in which row b reads the T
/// tokens before the b-th of them, and nothing else is counted. Version 1 of the contract leaves
/// all of that out.
package struct StreamPlan: Sendable, Equatable {
  package let tokenRange: Range<Int>
  /// Sequences in the global batch (B).
  package let sequences: Int
  /// Time steps of a window (T).
  package let window: Int
  /// Tokens of one stream (L).
  package let streamLength: Int
  /// Windows of T steps that an epoch has; at least 1.
  package let fullWindows: Int
  /// Time steps of the last, shorter window; 0 where there is none.
  package let lastSteps: Int
  /// Targets that a window of their own counts after the shorter one; 0 where there is none.
  package let restTargets: Int
  /// Windows that an epoch has, the shorter one and that of the rest included.
  package var windowsPerEpoch: Int {
    fullWindows + (lastSteps > 0 ? 1 : 0) + (restTargets > 0 ? 1 : 0)
  }

  /// Tokens that a range must hold for one window of every sequence.
  package static func tokensNeeded(sequences: Int, window: Int) -> Int {
    let (product, overflow) = sequences.multipliedReportingOverflow(by: window)
    return overflow || product == .max ? .max : product + 1
  }

  /// Preconditions: `tokenRange` holds at least `tokensNeeded(sequences:window:)` tokens.
  package init(tokenRange: Range<Int>, sequences: Int, window: Int, contract: ContractVersion) {
    precondition(sequences > 0, "sequences \(sequences) < 1")
    precondition(window > 0, "window \(window) < 1")
    let needed = Self.tokensNeeded(sequences: sequences, window: window)
    precondition(tokenRange.count >= needed, "\(tokenRange.count) tokens < \(needed) needed")
    self.tokenRange = tokenRange
    self.sequences = sequences
    self.window = window
    streamLength = (tokenRange.count - 1) / sequences
    fullWindows = streamLength / window
    if contract == .one {
      (lastSteps, restTargets) = (0, 0)
      return
    }
    let targets = tokenRange.count - 1
    let left = streamLength % window + targets % sequences
    lastSteps = min(window, left)
    let rest = left - lastSteps
    restTargets = rest > targets / 100 ? rest : 0
  }

  /// Targets that the shorter window counts, of all streams.
  package var lastTargets: Int {
    lastSteps == 0 ? 0 : (sequences - 1) * (streamLength % window) + lastSteps
  }

  /// Targets that an epoch trains on; the range has `tokenRange.count - 1`.
  package var targetsPerEpoch: Int {
    sequences * fullWindows * window + lastTargets + restTargets
  }

  /// Targets of an epoch up to the end of a window, where all full ones have T steps.
  package func targets(throughWindow index: Int) -> Int {
    if index < fullWindows { return sequences * window * (index + 1) }
    return index == windowsPerEpoch - 1 ? targetsPerEpoch : targetsPerEpoch - restTargets
  }

  /// The time steps of each stream that a window covers; that of the rest comes after all of them.
  package func steps(ofWindow index: Int) -> Range<Int> {
    let start = index <= fullWindows ? index * window : stepsOfStreams
    return start..<start + (index == fullWindows ? lastSteps : window)
  }

  /// Time steps before the window of the rest.
  private var stepsOfStreams: Int { fullWindows * window + lastSteps }

  /// The epoch and the window within it that step number `step` trains on, both from 0.
  ///
  /// - Parameter step: steps done before; the first step is number 0.
  package func position(ofStep step: Int) -> (epoch: Int, window: Int) {
    precondition(step >= 0, "step \(step) < 0")
    return (step / windowsPerEpoch, step % windowsPerEpoch)
  }

  /// Writes one window of some of the sequences. Does not allocate.
  ///
  /// Shapes: `inputs` and `targets` are [T, B_local], time-major, B_local = `sequences.count`.
  /// - Parameters:
  ///   - local: global sequences, a part of 0 ..< B.
  ///   - windowIndex: the window within the epoch.
  package func fill(
    inputs: UnsafeMutablePointer<Int32>, targets: UnsafeMutablePointer<Int32>,
    corpus: TokenCorpus, sequences local: Range<Int>, windowIndex: Int
  ) {
    precondition(windowIndex >= 0, "window \(windowIndex) < 0")
    precondition(windowIndex < windowsPerEpoch, "window \(windowIndex) >= \(windowsPerEpoch)")
    unsafe fill(
      inputs: inputs, targets: targets, corpus: corpus, sequences: local,
      steps: steps(ofWindow: windowIndex))
  }

  /// Writes any run of time steps of some of the streams; T = `steps.count`. Targets beyond a
  /// stream's end are −1. Does not allocate.
  package func fill(
    inputs: UnsafeMutablePointer<Int32>, targets: UnsafeMutablePointer<Int32>,
    corpus: TokenCorpus, sequences local: Range<Int>, steps: Range<Int>
  ) {
    precondition(local.lowerBound >= 0, "sequences \(local) start below 0")
    precondition(local.upperBound <= sequences, "sequences \(local) end beyond \(sequences)")
    precondition(steps.lowerBound >= 0, "steps \(steps) start below 0")
    let end = max(streamLength, stepsOfStreams + (restTargets > 0 ? window : 0))
    precondition(steps.upperBound <= end, "steps \(steps) end beyond \(end)")
    precondition(
      tokenRange.upperBound <= corpus.count,
      "token range \(tokenRange) ends beyond \(corpus.count) tokens")
    corpus.withTokens { view in
      switch view {
      case .bytes(let tokens): unsafe write(tokens, inputs, targets, local, steps)
      case .narrow(let tokens): unsafe write(tokens, inputs, targets, local, steps)
      case .wide(let tokens): unsafe write(tokens, inputs, targets, local, steps)
      }
    }
  }

  @inline(__always)
  private func write<Token: FixedWidthInteger>(
    _ tokens: UnsafeBufferPointer<Token>, _ inputs: UnsafeMutablePointer<Int32>,
    _ targets: UnsafeMutablePointer<Int32>, _ local: Range<Int>, _ steps: Range<Int>
  ) {
    if restTargets > 0, steps.lowerBound == stepsOfStreams {
      unsafe gatherRest(tokens, inputs, targets, local)
    } else {
      unsafe gather(tokens, inputs, targets, local, steps)
    }
  }

  /// The window of the rest; rows that none of its targets is for read as the last of them, and
  /// count nothing.
  @inline(__always)
  private func gatherRest<Token: FixedWidthInteger>(
    _ tokens: UnsafeBufferPointer<Token>, _ inputs: UnsafeMutablePointer<Int32>,
    _ targets: UnsafeMutablePointer<Int32>, _ local: Range<Int>
  ) {
    let width = local.count
    let first = tokenRange.upperBound - restTargets
    for b in 0..<width {
      let row = local.lowerBound + b
      let target = first + min(row, restTargets - 1)
      for t in 0..<window {
        unsafe inputs[t * width + b] = unsafe Int32(
          truncatingIfNeeded: tokens[target - window + t])
        unsafe targets[t * width + b] = -1
      }
      if row < restTargets {
        unsafe targets[(window - 1) * width + b] = unsafe Int32(truncatingIfNeeded: tokens[target])
      }
    }
  }

  @inline(__always)
  private func gather<Token: FixedWidthInteger>(
    _ tokens: UnsafeBufferPointer<Token>, _ inputs: UnsafeMutablePointer<Int32>,
    _ targets: UnsafeMutablePointer<Int32>, _ local: Range<Int>, _ steps: Range<Int>
  ) {
    let width = local.count
    for b in 0..<width {
      let stream = local.lowerBound + b
      let start = tokenRange.lowerBound + stream * streamLength + steps.lowerBound
      // The last stream goes on to the end of the range.
      let counted = stream == sequences - 1 ? steps.count : streamLength - steps.lowerBound
      for t in 0..<steps.count {
        unsafe inputs[t * width + b] = unsafe Int32(truncatingIfNeeded: tokens[start + t])
        unsafe targets[t * width + b] =
          t < counted ? unsafe Int32(truncatingIfNeeded: tokens[start + t + 1]) : -1
      }
    }
  }
}
