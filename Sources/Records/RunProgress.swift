import Synchronization

/// What a rank is doing, in the order in which a run gets to it.
package enum RunActivity: Int, Sendable, CaseIterable {
  case starting, reading, batch, gradients, gradientExchange, decision, update, parameterExchange
  case repacking, reporting, validation, checkpoint, finishing

  /// The phase of the run, as the heartbeat names it.
  package var phase: String {
    switch self {
    case .starting, .reading: "starting"
    case .validation: "validation"
    case .checkpoint: "checkpoint"
    case .finishing: "finishing"
    default: "step"
    }
  }

  package var words: String {
    switch self {
    case .starting: "starting"
    case .reading: "reading the data"
    case .batch: "filling the batch"
    case .gradients: "computing gradients"
    case .gradientExchange: "reduce-scatter of gradients"
    case .decision: "all-gather of loss and norm"
    case .update: "updating parameters"
    case .parameterExchange: "all-gather of parameters"
    case .repacking: "repacking weights"
    case .reporting: "between steps"
    case .validation: "validation"
    case .checkpoint: "writing a checkpoint"
    case .finishing: "finishing"
    }
  }
}

/// Where a rank stands, written by its training thread and read by its watchdog.
///
/// All ranks go through the same activities in the same order, so that their numbers of beats say
/// who is behind. A beat costs an uncontended lock; it allocates nothing and reads no clock.
package final class RunProgress: Sendable {
  package struct Reading: Sendable, Equatable {
    package var activity = RunActivity.starting
    /// The step under way, or the last one between steps.
    package var step = 0
    /// Activities begun so far, and parts of them.
    package var beats = 0
    /// Steps that this process has finished.
    package var finishedSteps = 0
    /// How much of the data it has read.
    package var data = ReadingProgress.Amount()

    package init(
      activity: RunActivity = .starting, step: Int = 0, beats: Int = 0, finishedSteps: Int = 0,
      data: ReadingProgress.Amount = ReadingProgress.Amount()
    ) {
      self.activity = activity
      self.step = step
      self.beats = beats
      self.finishedSteps = finishedSteps
      self.data = data
    }
  }

  private struct State {
    var reading = Reading()
    /// The last steps' seconds, a ring.
    var durations = [Double](repeating: 0, count: RunProgress.rememberedSteps)
    /// The same of the exchange and of filling the batch.
    var exchanges = [Double](repeating: 0, count: RunProgress.rememberedSteps)
    var fillings = [Double](repeating: 0, count: RunProgress.rememberedSteps)
    var remainingSeconds: Double?
  }

  private static let rememberedSteps = 64
  private let state = Mutex(State())

  /// Steps that this rank makes without the others, whose end is the end of a step here.
  package let stepsAtOnce: Int

  /// Of the data, before the first step.
  package let data = ReadingProgress()

  package init(stepsAtOnce: Int = 1) { self.stepsAtOnce = stepsAtOnce }

  package var reading: Reading {
    var reading = state.withLock { $0.reading }
    reading.data = data.amount
    return reading
  }

  /// Says that an activity begins.
  package func begin(_ activity: RunActivity) {
    state.withLock {
      $0.reading.activity = activity
      $0.reading.beats += 1
    }
  }

  /// Says that a step begins, with its batch.
  package func begin(step: Int) {
    state.withLock {
      $0.reading.activity = .batch
      $0.reading.step = step
      $0.reading.beats += 1
    }
  }

  /// Says after which step the run goes on.
  package func resume(afterStep step: Int) { state.withLock { $0.reading.step = step } }

  /// Says that a part of a long activity is done.
  package func beat() { state.withLock { $0.reading.beats += 1 } }

  /// Says that a step is done, and how long this rank took: for all of it, waiting for the exchange
  /// with the others, and filling its batch.
  package func finishStep(seconds: Double, exchange: Double = 0, data: Double = 0) {
    state.withLock {
      let place = $0.reading.finishedSteps % Self.rememberedSteps
      $0.durations[place] = seconds
      $0.exchanges[place] = exchange
      $0.fillings[place] = data
      $0.reading.finishedSteps += 1
      $0.reading.activity = .reporting
      $0.reading.beats += 1
    }
  }

  /// Mean seconds of the last steps on one rank. A rank that the others wait for is the one whose
  /// exchange is short.
  package struct Times: Sendable, Equatable {
    package var step: Double
    package var exchange: Double
    package var data: Double
  }

  /// Nil before the first step.
  package var times: Times? {
    state.withLock { state in
      let count = min(state.reading.finishedSteps, Self.rememberedSteps)
      func mean(_ values: [Double]) -> Double {
        (values.prefix(count).reduce(0, +) / Double(count) * 1e6).rounded() / 1e6
      }
      return count == 0
        ? nil
        : Times(
          step: mean(state.durations), exchange: mean(state.exchanges),
          data: mean(state.fillings))
    }
  }

  /// How long the run still takes after its last step so far, in seconds; nil where nobody knows.
  package var remainingSeconds: Double? {
    get { state.withLock { $0.remainingSeconds } }
    set { state.withLock { $0.remainingSeconds = newValue } }
  }

  /// The median of the last steps in seconds; nil before the first.
  package var medianStepSeconds: Double? {
    let durations = state.withLock { Array($0.durations.prefix($0.reading.finishedSteps)) }
    return durations.isEmpty ? nil : durations.sorted()[durations.count / 2]
  }
}
