import Collectives
import Configuration
import Corpora
import Engine
import Runs
import Scoring
import Testing

@Suite struct ScorerTests {
  @Test func validationDoesNotDisturbTraining() throws {
    let problem = try TrainingProblem()
    defer { problem.remove() }
    let plain = try problem.trainer(on: SoloCommunicator()).0
    let (validated, setup) = try problem.trainer(on: SoloCommunicator())
    let scorer = Scorer(
      task: setup.config.taskDescription, decoder: try setup.decoder(),
      replica: validated.replica, communicator: SoloCommunicator())
    for _ in 0..<4 {
      let outcome = try validated.performStep()
      #expect(outcome.loss == (try plain.performStep().loss))
      let score = try scorer.score(on: setup.validation!)
      #expect(score.targets == setup.split!.validation!.range.count - 1)
      #expect(score.bytes > score.targets)
    }
  }
}
