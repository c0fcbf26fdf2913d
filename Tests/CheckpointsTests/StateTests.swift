import Checkpoints
import Corpora
import Foundation
import Records
import Testing

@Suite struct StateTests {
  private func roundTrip(_ state: TrainingState) throws -> TrainingState {
    let text = try state.json.sortedPretty()
    return try TrainingState(text: Array(text.utf8), path: "state.json")
  }

  @Test func statesRoundTripExactly() throws {
    var state = TestRun.state(step: 123)
    state.bestValidationLoss = 1.0 / 3
    // In the order of their bytes, as they are written.
    state.config = [
      "flag": true, "list": .array([1, .array([]), .object([])]), "name": "a/é\u{0}\"",
      "none": .null, "rate": 0.002, "seed": .integer(.max), "small": 1e-8, "steps": -5,
    ]
    #expect(try roundTrip(state) == state)
    state.bestValidationLoss = nil
    state.bestValidationStep = nil
    state.validationFingerprint = "00"
    #expect(try roundTrip(state) == state)
  }

  @Test func jsonKeysAreTheDocumentedOnes() throws {
    let text = try TestRun.state(step: 9).json.sortedPretty()
    for key in [
      "contract_version", "step", "epoch", "tokens", "best_validation_loss",
      "best_validation_step", "config", "corpus_fingerprint", "tokenizer", "model", "optimizer",
      "fingerprint", "vocabulary_size", "embedding_size", "hidden_size", "layers", "cell",
    ] {
      #expect(text.contains("\"\(key)\""), "\(key)")
    }
    #expect(text.hasSuffix("}\n"))
  }

  @Test func errorsNameMissingAndWrongKeys() {
    func reason(_ text: String) -> String {
      do throws(CheckpointError) {
        _ = try TrainingState(text: Array(text.utf8), path: "state.json")
        return ""
      } catch {
        return error.description
      }
    }
    #expect(reason("{}").contains("is missing"))
    let config = #"{"contract_version":1,"step":"one","epoch":0,"tokens":0,"config":{}}"#
    #expect(reason(config).contains("key 'step'"))
    #expect(reason("{").contains("state.json"))
    #expect(reason("\u{FEFF}\u{0}").contains("byte 0"))
  }

  @Test func nonFiniteLossesCannotBeWritten() throws {
    var state = TestRun.state(step: 9)
    state.bestValidationLoss = .nan
    let error = #expect(throws: CheckpointError.self) {
      try CheckpointFile.json(Checkpoint.stateFile, state.json)
    }
    #expect(try #require(error).description.contains("best_validation_loss"))
  }

  @Test func keepsIntegersOfOtherWritersAsIntegers() throws {
    var state = TestRun.state(step: 4)
    state.config = ["rate": 1.0, "large": .number(1.7e18), "list": .array([.number(-0.0)])]
    let text = try state.json.sortedPretty()
    #expect(text.contains("\"large\" : 1700000000000000000"))
    #expect(text.contains("\"rate\" : 1\n"))
    #expect(!text.contains("-0"))
  }
}
