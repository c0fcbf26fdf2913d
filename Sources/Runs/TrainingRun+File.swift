import Checkpoints
import Collectives
import Engine
import GRUCore
import Kernels
import Records
import Scoring
import Tasks

/// What a run does about a file before it passes over it.
extension TrainingRun {
  /// Measures the newest model on a file that it has not trained on, and the best one so far, where
  /// that is another: who does better on it is the best from now on. Every rank calls it.
  ///
  /// (Each datum is first forecast, then learnt from: prequential, A. P. Dawid 1984.)
  ///
  /// - Returns: whether nobody asked to stop meanwhile.
  func judgeByFile() throws -> Bool {
    guard let file = setup.file, file.isNew, let subject = setup.fileSubject else { return true }
    trainer.progress.begin(.validation)
    defer { trainer.progress.begin(.reporting) }
    guard
      let newest = try trainer.engine.withAverage({ try measure(on: subject) })
    else { return false }
    let best = try communicator.share(
      Array("\(history.bestSaved?.step ?? trainer.step)".utf8))
    let bestStep = Int(String(decoding: best, as: UTF8.self)) ?? trainer.step
    var bestScore: Score?
    if bestStep != trainer.step {
      try loadModel(step: bestStep)
      bestScore = try measure(on: subject)
      // What a resume has read is in memory still.
      try saver.snapshot.restore()
      if bestScore == nil { return false }
    }
    note(newest, bestScore, file.pass, bestStep: bestStep)
    return true
  }

  private func measure(on subject: Scorer.Subject) throws -> Score? {
    try scorer.score(on: subject, unlessStopped: { Signals.isStopRequested })
  }

  /// Takes the parameters of a checkpoint as every command does that uses its model: their running
  /// mean where it has one. Moments and states stay.
  private func loadModel(step: Int) throws {
    try communicator.coordinate {
      let model = try LoadedModel(path: directory.store.path(ofStep: step))
      guard ParameterTable(shape: model.shape).elementCount == replica.table.elementCount else {
        throw RunDirectoryError(
          "\(model.checkpoint.path): its parameters are not as many as those of the run")
      }
      try unsafe model.readParameters(into: replica.parameters.pointer)
    }
    let count = replica.parameters.count * MemoryLayout<Float>.stride
    try unsafe communicator.broadcast(
      UnsafeMutableRawBufferPointer(start: replica.parameters.pointer, count: count), from: 0)
    replica.repack()
  }

  private func note(_ newest: Score, _ best: Score?, _ pass: FilePass, bestStep: Int) {
    let measure = history.measure
    let value = newest.value(of: measure)
    let bestValue = best?.value(of: measure)
    let isKept = bestValue.map { measure.isBetter($0, than: value) } ?? false
    history.bestSaved = RunHistory.Validation(
      step: isKept ? bestStep : trainer.step, loss: (isKept ? best : newest)?.loss ?? newest.loss,
      value: isKept ? bestValue ?? value : value)
    if !isKept, bestStep != trainer.step { postBest(figures: ["BEST_FILE": pass.name]) }
    let which = isKept ? "the model of step \(bestStep) stays the best" : "the newest is the best"
    progress.say(
      "file '\(pass.name)', before it is trained on: \(newest.words)"
        + (bestValue.map { "; step \(bestStep): \(measure.name) \(Format.small($0)), \(which)" }
          ?? ""))
    let head: OrderedJSON = [
      "kind": "prequential", "step": .integer(pass.firstStep), "file": .string(pass.name),
      "fingerprint": .string(pass.fingerprint), "loss": .number(newest.loss),
    ]
    let members: OrderedJSON = [
      "best_step": .integer(isKept ? bestStep : trainer.step),
      "best_before_step": .integer(bestStep),
      "best_before_value": .number(bestValue ?? value),
    ]
    let unknown = setup.unknownInFile?.json ?? [:]
    write([head.merging(newest.measures).merging(members).merging(unknown)])
  }
}
