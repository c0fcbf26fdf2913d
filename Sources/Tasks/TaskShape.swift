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
    /// Rows of the embedding table, and after them `ModelShape.valuesBesideTokens` real values.
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
    /// The mean over targets and quantiles of the pinball loss, max(τ (t − y), (τ − 1) (t − y));
    /// the metric is the mean of |y − t| of the quantile that is nearest to the median.
    case quantile
    /// The mean over targets of the negative log-likelihood under a normal distribution each; the
    /// metric is that of (mean − t)².
    case gaussian
    /// The same under a Student t distribution, whose degrees of freedom are learnt too.
    case studentT = "student"

    /// Whether it may fall below 0, as the likelihood of a density does.
    package var mayBeNegative: Bool { self == .gaussian || self == .studentT }

    /// Outputs for each target: numbers of its distribution that are predicted.
    package func outputsPerTarget(quantiles: Int) -> Int {
      switch self {
      case .softmax, .squaredError, .absoluteError, .sigmoid: 1
      case .quantile: quantiles
      case .gaussian: 2
      case .studentT: 3
      }
    }
  }

  package var input = Input.tokens
  /// Tokens of each step, whose embeddings stand side by side.
  package var tokensPerStep = 1
  package var readout = Readout.every
  package var loss = Loss.softmax
  /// Kinds of input tokens where they are not those of the output.
  package var inputVocabularySize: Int?
  /// Between 0 and 1, ascending: what a quantile loss predicts of each target.
  package var quantiles: [Double] = []
  /// Whether real targets may be missing (NaN), which count neither in losses nor in metrics.
  package var masksTargets = false
  /// Whether the metric of the loss is summed too; that of a softmax in evaluations only.
  package var sumsMetric = false
  /// The first output among which evaluations rank the targets of a softmax; nil ranks none.
  package var rankedFrom: Int?
  /// Whether a target may lie after the step that predicts it, so that nothing may be read from
  /// the end.
  package var looksAhead = true

  package init() {}

  package init(
    input: Input, tokensPerStep: Int = 1, readout: Readout, loss: Loss,
    inputVocabularySize: Int? = nil,
    quantiles: [Double] = [], masksTargets: Bool = false, sumsMetric: Bool, looksAhead: Bool
  ) {
    self.input = input
    self.tokensPerStep = tokensPerStep
    self.readout = readout
    self.loss = loss
    self.inputVocabularySize = inputVocabularySize
    self.quantiles = quantiles
    self.masksTargets = masksTargets
    self.sumsMetric = sumsMetric
    self.looksAhead = looksAhead
  }

  /// Outputs for each target.
  package var outputsPerTarget: Int { loss.outputsPerTarget(quantiles: quantiles.count) }

  /// The place among `quantiles` of the one that is nearest to the median, the first of such.
  package var pointQuantile: Int { Self.middle(of: quantiles) }

  /// The place of the level that is nearest to one half, the first of such.
  package static func middle(of levels: [Double]) -> Int {
    levels.indices.min { abs(levels[$0] - 0.5) < abs(levels[$1] - 0.5) } ?? 0
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
