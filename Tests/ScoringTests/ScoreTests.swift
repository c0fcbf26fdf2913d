import Foundation
import Records
import Scoring
import Tasks
import Testing

@Suite struct ScoreTests {
  private func score(
    _ task: TaskDescription, loss: Double, metric: Double = 0, targets: Int, bytes: Int = 0,
    outputs: Int = 1
  ) -> Score {
    Score(
      task: task, loss: loss, lossMetric: metric, targets: targets, bytes: bytes,
      outputs: outputs)
  }

  @Test func recordsOfTextsHaveTheAgreedFields() {
    let score = score(TaskName.language.description, loss: 2, targets: 10, bytes: 20)
    let json = score.json(step: 7)
    #expect(json["kind"] == "valid")
    #expect(json["step"] == 7)
    #expect(json["loss"] == .number(2))
    #expect(abs((json["perplexity"]?.doubleValue ?? 0) - exp(2.0)) < 1e-14)
    // 2 nats a token, half a token a byte, 1 / ln 2 bits a nat.
    #expect(abs((json["bits_per_byte"]?.doubleValue ?? 0) - 1 / log(2.0)) < 1e-14)
    #expect(score.words == "loss 2.0000  perplexity 7.39  1.4427 bits/byte  (10 tokens)")
  }

  @Test func perplexityOverflowsToInfinity() {
    let task = TaskName.language.description
    #expect(score(task, loss: 1e4, targets: 1, bytes: 1).value(of: task.metrics[0]) == .infinity)
  }

  @Test func everyTaskIsJudgedByItsOwnMetrics() {
    func words(_ name: TaskName, _ loss: TaskShape.Loss, outputs: Int = 1) -> String {
      let task = name.description(readout: name.readouts[0], loss: loss)
      return score(task, loss: 0.5, metric: 0.25, targets: 1200, outputs: outputs).words
    }
    #expect(
      words(.classification, .softmax) == "loss 0.5000  accuracy 0.2500  (1,200 sequences)")
    #expect(
      words(.forecasting, .squaredError)
        == "loss 0.5000  mse 0.5000  mae 0.2500  (1,200 sequences)")
    #expect(
      words(.forecasting, .absoluteError)
        == "loss 0.5000  mse 0.2500  mae 0.5000  (1,200 sequences)")
    #expect(
      words(.multilabel, .sigmoid, outputs: 5)
        == "loss 0.5000  nll 0.5000  label_accuracy 0.0500  (1,200 steps)")
    #expect(words(.copy, .softmax) == "loss 0.5000  (1,200 steps)")
  }
}
