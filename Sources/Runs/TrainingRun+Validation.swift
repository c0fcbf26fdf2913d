import Checkpoints
import Collectives
import Configuration
import Engine
import Foundation
import GRUCore
import Kernels
import Records
import Scoring
import Tasks

/// What came of a validation.
enum ValidationOutcome {
  /// There was nothing to do.
  case none
  /// A signal ended it; the next start makes up for it.
  case interrupted
  case done
  /// It is better than all steps that have a checkpoint.
  case best
}

/// Validations, and what a run decides by them.
extension TrainingRun {
  /// Validates where there is something to validate on; every rank calls it, and all get the same.
  func validate() throws -> ValidationOutcome {
    guard let validation, run.validateEvery > 0, lastValidatedStep != trainer.step else {
      return .none
    }
    try trainer.synchronize()
    trainer.progress.begin(.validation)
    trainer.engine.timeline?.mute(.validation)
    defer {
      trainer.engine.timeline?.unmute()
      trainer.progress.begin(.reporting)
    }
    var samples: [OrderedJSON] = []
    let measured = try trainer.engine.withAverage {
      let score = try scorer.score(
        on: validation, unlessStopped: { Signals.isStopRequested })
      if score != nil { samples = drawSample() }
      return score
    }
    guard let score = measured else { return .interrupted }
    let (decisions, isBest) = try note(score)
    progress.say(
      "step \(trainer.step)/\(setup.lastStep)  validation  \(score.words)"
        + (isBest ? ", the best so far" : ""))
    write([score.json(step: trainer.step)] + samples)
    keep(score)
    tell(of: decisions)
    return isBest ? .best : .done
  }

  /// Leaves what a validation has found out beside the metrics, in place of the one before; on rank
  /// 0. A disk that does not take it ends nothing: it is told once, and the next one is tried.
  private func keep(_ score: Score) {
    guard communicator.rank == 0 else { return }
    do throws(RunDirectoryError) {
      try RunFiles.replace(
        "\(run.directory)/\(RunFiles.validation)", with: score.report(step: trainer.step))
      hasToldReport = false
    } catch {
      if !hasToldReport { warn("validation_report_lost", atStep: trainer.step, "\(error)") }
      hasToldReport = true
    }
  }

  /// Takes note of a validation, and decides with all ranks what follows from it: that of rank 0
  /// alone knows which checkpoints there are.
  private func note(_ score: Score) throws -> (ValidationDecisions, isBest: Bool) {
    lastValidatedStep = trainer.step
    let validation = RunHistory.Validation(
      step: trainer.step, loss: score.loss, value: score.value(of: history.measure))
    history.note(validation)
    var decisions = ValidationDecisions()
    // One after the last step, which a longer run would not make, decides nothing.
    if isDue(run.validateEvery) {
      decisions = history.memory.note(
        loss: score.loss, value: validation.value, by: history.measure,
        optimizer: config.optimizer)
      trainer.take(
        decays: history.memory.decays, isAveraging: history.memory.isAveraging)
    }
    let isBest = history.isBetterThanSaved(validation)
    return (decisions, try communicator.share(isBest ? [1] : [0]) == [1])
  }

  /// Whether something that is done every so many steps is done after this one.
  func isDue(_ period: Int) -> Bool { period > 0 && trainer.step.isMultiple(of: period) }

  private func tell(of decisions: ValidationDecisions) {
    if decisions.startsAveraging {
      progress.say("step \(trainer.step)/\(setup.lastStep)  parameters are averaged from now on")
      write([event("averaging_starts", atStep: trainer.step)])
    }
    if decisions.rateFalls {
      let rate = trainer.schedule.rate(atStep: trainer.step + 1, decays: history.memory.decays)
      progress.say("step \(trainer.step)/\(setup.lastStep)  learning rate falls to \(rate)")
      write([event("learning_rate_falls", atStep: trainer.step, ["learning_rate": .number(rate)])])
    }
  }

  /// Whether no validation was the best so far for as long as the config allows.
  var isStalled: Bool {
    setup.file == nil && run.patience > 0 && history.memory.stalled >= run.patience
  }
}

extension TrainingRun {
  /// The record of what the model of this step writes, where the config asks for it; on rank 0,
  /// while the others wait. Takes no part in what is computed.
  func drawSample() -> [OrderedJSON] {
    guard run.sampleLength > 0, communicator.rank == 0, scorer.task.writesText else {
      return []
    }
    var sampling = Sampling(path: run.directory)
    sampling.length = run.sampleLength
    sampling.seed = run.seed
    do {
      let drawn = try sampling.draw(
        from: scorer, setup.tokenizer, after: setup.startToken, source: "step \(trainer.step)")
      return [
        [
          "kind": "sample", "step": .integer(trainer.step),
          "text": .string(String(decoding: drawn.text, as: UTF8.self)),
        ]
      ]
    } catch {
      warn("sample_failed", atStep: trainer.step, "\(error)")
      return []
    }
  }
}
