/// How a task plugs into the recurrent layers: what the first of them reads, which of the last
/// one's states the output layer reads, and what its outputs are compared with.
///
/// This is all that a worker sees of a task. The default predicts the next of the tokens that it
/// reads, at every step. The output layer always has `ModelShape.vocabularySize` columns: tokens,
/// classes, labels or values.
package struct TaskShape: Sendable, Equatable {
  /// What the first layer reads.
  package enum Input: String, Sendable, CaseIterable {
    /// Rows of the embedding table.
    case tokens
    /// `ModelShape.embeddingSize` real values at each step, without an embedding.
    case values
    /// A row of the embedding table, and after it `ModelShape.valuesBesideTokens` real values.
    case both
  }

  /// What the output layer reads.
  package enum Readout: String, Sendable, CaseIterable {
    /// The state after every step.
    case every
    /// The state after the last step of each sequence.
    case last
    /// The mean of the states after all steps of each sequence.
    case mean
  }

  /// The loss of one output row; a metric can be computed beside it.
  package enum Loss: String, Sendable, CaseIterable {
    /// Softmax and the negative log-likelihood of one class; the metric is 1 where that class has
    /// the highest score.
    case softmax
    /// The mean over outputs of (y − target)²; the metric is that of |y − target|.
    case squaredError = "squared"
    /// The mean over outputs of |y − target|; the metric is that of (y − target)².
    case absoluteError = "absolute"
    /// The sum over outputs of the negative log-likelihood of one yes or no each, by a sigmoid; the
    /// metric counts the outputs on the right side of one half.
    case sigmoid
  }

  package var input = Input.tokens
  package var readout = Readout.every
  package var loss = Loss.softmax
  /// Kinds of input tokens where they are not those of the output.
  package var inputVocabularySize: Int?
  /// Whether the metric of the loss is summed too; that of a softmax in evaluations only.
  package var sumsMetric = false
  /// Whether a target may lie after the step that predicts it, so that nothing may be read from
  /// the end.
  package var looksAhead = true

  package init() {}

  package init(
    input: Input, readout: Readout, loss: Loss, inputVocabularySize: Int? = nil,
    sumsMetric: Bool, looksAhead: Bool
  ) {
    self.input = input
    self.readout = readout
    self.loss = loss
    self.inputVocabularySize = inputVocabularySize
    self.sumsMetric = sumsMetric
    self.looksAhead = looksAhead
  }

  /// Whether there is an embedding.
  package var readsTokens: Bool { input != .values }

  /// Whether real values go in.
  package var readsValues: Bool { input != .tokens }

  /// Whether every step chooses among the kinds of tokens that go in, so that what comes out can
  /// be read again.
  package var predictsInputTokens: Bool {
    input == .tokens && inputVocabularySize == nil && readout == .every && loss == .softmax
  }

  /// Whether there may be more outputs than one canonical block holds: a softmax at every step is
  /// computed block by block, without its metric.
  package var canSplitOutputs: Bool { readout == .every && loss == .softmax && !sumsMetric }
}
