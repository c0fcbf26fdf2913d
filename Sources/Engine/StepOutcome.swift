package import Configuration
package import NumericContract
import GRUCore

/// What a step did.
package struct StepOutcome: Sendable {
  /// Counted from 1.
  package var step: Int
  /// How many steps it was: those of a round of local updates, which count as one.
  package var steps = 1
  /// Nats per token.
  package var loss: Double
  /// Counted targets of the global batch.
  package var tokens: Int
  package var learningRate: Double
  /// Before clipping.
  /// Of local updates: of the mean change of parameters.
  package var gradientNorm: Double
  /// What any rank asked for.
  package var requests: StepRequests
  package var duration: Duration
  package var dataDuration: Duration
  /// Waiting for the exchange and moving it along.
  package var exposedExchangeDuration: Duration
  /// The exchange while this rank computed; that of a step's parameters counts with the next step
  /// where it goes on during that.
  package var hiddenExchangeDuration: Duration
  /// What this rank sent since the step before: gradients, parameters, and which rows they are
  /// of.
  package var sentBytes: Int
}

/// What all ranks know of a step, alike, before its update.
struct StepDecision {
  /// Nats per token.
  let loss: Double
  /// Of the gradient, or the change, that is one part of `parts` of the sum.
  let norm: Double
  let tokens: Int
  let requests: StepRequests

  init(_ totals: StepStatistics.Totals, parts: Int) {
    // Where nothing is counted, as in a group of shards without a row, loss and gradient are 0.
    loss = totals.loss / Double(max(1, totals.tokens))
    norm = totals.gradientSquares.squareRoot() / Double(max(1, parts))
    tokens = totals.tokens
    requests = totals.requests
  }

  var isFinite: Bool { norm.isFinite && loss.isFinite }
}

/// What later steps depend on besides tensors; the same on every rank.
package struct StepState: Sendable {
  /// Steps done so far, the one under way included.
  package var step = 0
  /// How often the learning rate fell because validation stalled.
  package var rateDecays = 0
  /// Whether a running mean of the parameters is kept by now.
  package var isAveraging = false
  /// Steps whose parameters are in that mean.
  package var averagedSteps = 0
  /// Steps done without an update.
  package var skippedSteps = 0
}

/// What decides how steps are made.
package struct StepSettings {
  package var optimizer: OptimizerConfig
  package var exchange: ExchangeConfig
  /// Whether steps bring the parameters of groups together.
  package var bringsGroupsTogether = false
  /// Of the whole run.
  package var steps: Int
  /// Batches whose gradients one update sums.
  package var accumulation: Int
  package var checks = StepChecks()
  package var contract: ContractVersion
  /// Names of tensors that keep their bits, or what these begin with.
  package var frozen: [String]
  /// About how many bytes of gradients are exchanged as a whole.
  package var bucketBytes = 1 << 20

  /// Goes by a config, but for checks and the size of buckets, which may need the network.
  package init(_ config: Config) {
    optimizer = config.optimizer
    exchange = config.exchange
    steps = config.run.steps
    accumulation = config.batch.accumulate
    contract = config.contract
    frozen = config.model.freeze ?? []
  }

  /// What is frozen, and what learns at another rate; nil where all learns alike.
  func rates(of table: ParameterTable) -> ParameterRates? {
    ParameterRates(
      table: table, frozen: frozen,
      factors: optimizer.rates.named.map { ($0.name, $0.factor) })
  }

  /// How parameters are updated.
  var updateRule: UpdateRule {
    UpdateRule(optimizer, exchange, isOuter: bringsGroupsTogether)
  }
}
