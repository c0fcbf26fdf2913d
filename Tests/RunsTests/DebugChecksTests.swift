import Collectives
import Engine
import Foundation
import GRUCore
import Kernels
import Records
import Testing

@testable import Debugging

@Suite struct DebugChecksTests {
  @Test(arguments: [
    ("gru", "before"), ("gru", "after"), ("rnn", "before"), ("lstm", "before"),
    ("mingru", "before"),
  ])
  func gradientsAgreeWithCentralDifferences(cell: String, reset: String) throws {
    let problem = try TrainingProblem("model.cell=\(cell)", "model.reset=\(reset)")
    defer { problem.remove() }
    let (trainer, _) = try problem.trainer(on: SoloCommunicator(), debug: true)
    _ = try trainer.performStep()
    let table = try DebugChecks(trainer: trainer, seed: 1).checkGradients()
    try table.requirePassed()
    #expect(
      Set(table.rows.map(\.tensor)) == Set(trainer.replica.table.parameters.map(\.name)))
    // Rounding of single precision over 16 tokens, far from the tolerance.
    #expect(table.rows.allSatisfy { $0.relativeError < 1e-4 }, "\(table.text)")
    #expect(table.rows.contains { $0.computed != 0 })
    #expect(table.text.split(separator: "\n").count == table.rows.count + 2)
  }

  @Test func wrongGradientFailsTheCheckAndIsNamed() {
    let good = GradientTable.Row(
      tensor: "output.bias", place: "[1]", computed: 1, difference: 1, tensorScale: 1)
    let wrong = GradientTable.Row(
      tensor: "output.weight", place: "[2, 3]", computed: 1, difference: 1.1, tensorScale: 1)
    let table = GradientTable(rows: [good, wrong], sequences: 2, window: 8)
    let error = #expect(throws: GradientCheckError.self) { try table.requirePassed() }
    #expect(
      error?.description.contains("failed for 1 of 2 elements, first output.weight [2, 3]") == true)
    #expect(table.text.contains("WRONG"))
    #expect(table.records(step: 0)[1]["ok"] == false)
  }

  @Test func damagedValuesAreFoundAndNamed() throws {
    let problem = try TrainingProblem()
    defer { problem.remove() }
    let (trainer, _) = try problem.trainer(on: SoloCommunicator(), debug: true)
    let checks = DebugChecks(trainer: trainer, seed: 1)
    _ = try trainer.performStep()
    try checks.checkValues()
    let parameter = trainer.replica.table["layers.1.input.weight"]
    trainer.replica.parameters.pointer[parameter.offset + 23] = .infinity
    let error = #expect(throws: NonFiniteFinding.self) { try checks.checkValues() }
    #expect(
      error?.description.contains("layers.1.input.weight, element [1, 3]: inf") == true,
      "\(String(describing: error))")
  }

  @Test func statisticsEqualThoseOfTheValues() throws {
    let values: [Float] = [1, -3, 2, 4]
    let statistics = values.withUnsafeBufferPointer {
      TensorStatistics($0.baseAddress!, count: 4, divisor: 2)
    }
    #expect(statistics.least == -1.5)
    #expect(statistics.greatest == 2)
    #expect(statistics.mean == 0.5)
    #expect(abs(statistics.rootMeanSquare - (30.0 / 4).squareRoot() / 2) < 1e-15)

    let problem = try TrainingProblem()
    defer { problem.remove() }
    let (trainer, _) = try problem.trainer(on: SoloCommunicator(), debug: true)
    let outcome = try trainer.performStep()
    let records = DebugChecks(trainer: trainer, seed: 1).tensorRecords(tokens: outcome.tokens)
    #expect(records.count == trainer.replica.table.parameters.count)
    #expect(records.allSatisfy { $0["kind"] == "tensor" && $0["step"] == 1 })
    #expect(records.allSatisfy { ($0["gradients"]?["rms"]?.doubleValue ?? 0) > 0 })
  }
}
