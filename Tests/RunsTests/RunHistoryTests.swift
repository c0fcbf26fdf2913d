import Checkpoints
import Corpora
import Records
import Runs
import Tasks
import Testing

/// What a run knows of its best validation, over stops and changes of the measure.
@Suite struct RunHistoryTests {
  private static let accuracy = TaskMetric("accuracy", .lossMetric(.higher))

  private func state(_ change: (inout TrainingState) -> Void) -> TrainingState {
    var state = TrainingState(
      step: 100, epoch: 0, tokens: 0, bestValidationLoss: 1.5, bestValidationStep: 60,
      config: ["seed": 1], corpusFingerprint: "", tokenizer: .byte,
      model: ModelDescription(
        cell: "rnn", vocabularySize: 256, embeddingSize: 4, hiddenSize: 4, layerCount: 1),
      optimizer: "adam", fingerprint: "")
    state.bestCheckpointStep = 80
    state.bestCheckpointLoss = 1.75
    change(&state)
    return state
  }

  private func validation(_ step: Int, _ loss: Double, _ value: Double) -> RunHistory.Validation {
    RunHistory.Validation(step: step, loss: loss, value: value)
  }

  @Test func higherIsBetterWhereTheMeasureSaysSo() {
    var history = RunHistory(measure: Self.accuracy)
    for (step, loss, value) in [(1, 2, 0.5), (2, 1, 0.4), (3, 3, 0.6), (4, 0.5, .nan)] {
      history.note(validation(step, loss, value))
    }
    #expect(history.best == RunHistory.Mark(step: 3, value: 0.6))
    #expect(history.lowest == RunHistory.Mark(step: 4, value: 0.5))
    #expect(history.last?.step == 4)
  }

  /// A checkpoint that could not be written is none: the next that is better than those that are
  /// there gets one.
  @Test func failedCheckpointIsNotTheBestToBeat() {
    var history = RunHistory(measure: .loss)
    history.noteCheckpoint(of: validation(10, 3, 3))
    let lost = validation(20, 1, 1)
    let next = validation(30, 2, 2)
    history.note(lost)
    #expect(history.isBetterThanSaved(lost))
    history.pending = lost
    #expect(!history.isBetterThanSaved(next))
    history.pending = nil
    #expect(history.isBetterThanSaved(next))
    #expect(!history.isBetterThanSaved(validation(40, 3, 3)))
    #expect(!history.isBetterThanSaved(validation(40, .infinity, .infinity)))
    // Validated or not, a checkpoint under way may be no better.
    history.pending = validation(35, 5, 5)
    #expect(history.isBetterThanSaved(next))
  }

  @Test func bestLossIsKnownAtAResumeThatHasNeededNone() {
    let history = RunHistory(of: state { _ in }, measure: .loss, isComparable: true)
    #expect(history.best == RunHistory.Mark(step: 60, value: 1.5))
    #expect(history.bestSaved == validation(80, 1.75, 1.75))
    #expect(history.memory == ValidationMemory(lowestLoss: 1.5))
    let kept = state { $0.validation = ValidationMemory() }
    #expect(RunHistory(of: kept, measure: .loss, isComparable: true).memory == ValidationMemory())
    let other = RunHistory(of: state { _ in }, measure: .loss, isComparable: false)
    #expect(other == RunHistory(measure: .loss))
  }

  @Test func anotherMeasureBeginsAnew() {
    let byLoss = state { $0.validation = ValidationMemory(lowestLoss: 1.5) }
    var history = RunHistory(of: byLoss, measure: Self.accuracy, isComparable: true)
    #expect(history.best == nil)
    #expect(history.bestSaved == nil)
    #expect(history.lowest?.value == 1.5)
    let byAccuracy = state {
      $0.bestMeasure = "accuracy"
      ($0.bestValue, $0.bestValueStep, $0.bestCheckpointValue) = (0.9, 70, 0.8)
      $0.validation = ValidationMemory(lowestLoss: 1.5)
      $0.validation?.bestValue = 0.9
      $0.validation?.stalled = 3
    }
    history = RunHistory(of: byAccuracy, measure: Self.accuracy, isComparable: true)
    #expect(history.best == RunHistory.Mark(step: 70, value: 0.9))
    #expect(history.bestSaved == validation(80, 1.75, 0.8))
    #expect(history.memory.stalled == 3)
    history = RunHistory(of: byAccuracy, measure: .loss, isComparable: true)
    #expect(history.best == RunHistory.Mark(step: 60, value: 1.5))
    #expect(history.bestSaved == validation(80, 1.75, 1.75))
    #expect(history.memory == ValidationMemory(lowestLoss: 1.5))
  }
}
