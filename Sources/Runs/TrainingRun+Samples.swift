import Collectives
import Configuration
import Engine
import GRUCore
import Kernels
import Records
import Scoring
import Tasks

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
      let text = try sampling.draw(
        from: scorer, setup.tokenizer, source: "step \(trainer.step)")
      return [
        [
          "kind": "sample", "step": .integer(trainer.step),
          "text": .string(String(decoding: text, as: UTF8.self)),
        ]
      ]
    } catch {
      warn("sample_failed", atStep: trainer.step, "\(error)")
      return []
    }
  }
}
