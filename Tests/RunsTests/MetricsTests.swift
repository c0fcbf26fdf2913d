import Foundation
import Records
import Testing

@testable import Engine
@testable import Runs

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
        + #""data_seconds":0.001,"fingerprint":"f","mean_loss":2.0}"#)
  }
}
