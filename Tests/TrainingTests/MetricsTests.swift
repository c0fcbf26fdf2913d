import Foundation
import Records
import Testing

@testable import Engine
@testable import Training

@Suite struct MetricsTests {
  private func outcome(step: Int, milliseconds: Int) -> StepOutcome {
    StepOutcome(
      step: step, loss: 2, tokens: 100, learningRate: 0.1, gradientNorm: 1,
      requests: [], duration: .milliseconds(milliseconds),
      dataDuration: .milliseconds(1), exposedExchangeDuration: .milliseconds(2),
      hiddenExchangeDuration: .milliseconds(5), sentBytes: 1000 * step)
  }

  @Test func trainRecordsHaveTheAgreedFields() throws {
    var interval = StepInterval()
    interval.add(outcome(step: 1, milliseconds: 40))
    interval.add(outcome(step: 2, milliseconds: 60))
    let record = TrainRecord(
      step: 2, epoch: 0, tokens: 200, loss: 2, learningRate: 0.1, gradientNorm: 1,
      interval: interval, fingerprint: "f")
    #expect(
      record.json.line
        == #"{"kind":"train","step":2,"epoch":0,"tokens":200,"loss":2.0,"learning_rate":0.1,"#
        + #""gradient_norm":1.0,"tokens_per_second":2000.0,"step_seconds":0.05,"#
        + #""exchange_seconds":0.002,"#
        + #""hidden_exchange_seconds":0.005,"exchange_bytes":1500,"#
        + #""data_seconds":0.001,"fingerprint":"f"}"#)
  }

  @Test func validationRecordsHaveTheAgreedFields() {
    let score = Evaluator.Score(loss: 2, tokens: 10, bytes: 20)
    let json = score.json(step: 7)
    #expect(json["kind"] == "valid")
    #expect(json["step"] == 7)
    #expect(json["loss"] == .number(2))
    #expect(abs((json["perplexity"]?.doubleValue ?? 0) - exp(2.0)) < 1e-14)
    // 2 nats a token, half a token a byte, 1 / ln 2 bits a nat.
    #expect(abs((json["bits_per_byte"]?.doubleValue ?? 0) - 1 / log(2.0)) < 1e-14)
    #expect(Evaluator.Score(loss: 1e4, tokens: 1, bytes: 1).perplexity == .infinity)
  }
}
