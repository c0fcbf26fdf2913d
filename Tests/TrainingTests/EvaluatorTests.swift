import Collectives
import Configuration
import Corpora
import Engine
import Testing

@testable import Training

@Suite struct EvaluatorTests {
  @Test func validationKeepsTheStateOfTraining() throws {
    let problem = try TrainingProblem()
    defer { problem.remove() }
    let plain = try problem.trainer(on: SoloCommunicator()).0
    let (validated, setup) = try problem.trainer(on: SoloCommunicator())
    let evaluator = Evaluator(
      replica: validated.replica, communicator: SoloCommunicator(),
      part: setup.split!.validation!, window: setup.config.batch.window)
    for _ in 0..<4 {
      let outcome = try validated.performStep()
      #expect(outcome.loss == (try plain.performStep().loss))
      let score = try evaluator.score()
      #expect(score.tokens == setup.split!.validation!.range.count - 1)
      #expect(score.bytes > score.tokens)
    }
  }
}
