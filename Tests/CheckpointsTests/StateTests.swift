import Corpora
import Foundation
import Testing

@testable import Checkpoints

@Suite struct StateTests {
  private func roundTrip(_ state: TrainingState) throws -> TrainingState {
    try JSONCoding.decode(
      TrainingState.self, from: try JSONCoding.encode(state, file: "state.json"), path: "state.json"
    )
  }

  @Test func statesComeBackExactly() throws {
    var state = TestRun.state(step: 123)
    state.bestValidationLoss = 1.0 / 3
    state.config = .object([
      "rate": .number(0.002), "small": .number(1e-8), "seed": .unsigned(.max),
      "steps": .integer(-5), "flag": .bool(true), "none": .null, "name": .string("a/é\u{0}\""),
      "list": .array([.integer(1), .array([]), .object([:])]),
    ])
    #expect(try roundTrip(state) == state)
    state.bestValidationLoss = nil
    state.bestValidationStep = nil
    state.validationFingerprint = "00"
    #expect(try roundTrip(state) == state)
  }

  @Test func keysAreThoseOfTheRunDirectory() throws {
    let text = String(
      decoding: try JSONCoding.encode(TestRun.state(step: 9), file: "state.json"), as: UTF8.self)
    for key in [
      "contract_version", "step", "epoch", "tokens", "best_validation_loss",
      "best_validation_step", "config", "corpus_fingerprint", "tokenizer", "model", "optimizer",
      "fingerprint", "vocabulary_size", "embedding_size", "hidden_size", "layers", "cell",
    ] {
      #expect(text.contains("\"\(key)\""), "\(key)")
    }
    #expect(text.hasSuffix("}\n"))
  }

  @Test func missingAndWrongKeysAreNamed() {
    func reason(_ text: String) -> String {
      do throws(CheckpointError) {
        _ = try JSONCoding.decode(TrainingState.self, from: Array(text.utf8), path: "state.json")
        return ""
      } catch {
        return error.description
      }
    }
    #expect(reason("{}").contains("is missing"))
    let config = #"{"contract_version":1,"step":"one","epoch":0,"tokens":0,"config":{}}"#
    #expect(reason(config).contains("key 'step'"))
    #expect(reason("{").contains("state.json"))
    #expect(reason("\u{FEFF}\u{0}").contains("UTF-8"))
  }

  @Test func lossesThatAreNoNumbersCannotBeWritten() throws {
    var state = TestRun.state(step: 9)
    state.bestValidationLoss = .nan
    let error = #expect(throws: CheckpointError.self) {
      try CheckpointFile.json(Checkpoint.stateFile, state)
    }
    #expect(try #require(error).description.contains("best_validation_loss"))
  }

  @Test func valuesPassThroughJSON() throws {
    let state = TestRun.state(step: 4)
    let value = try JSONValue(encoding: state)
    #expect(try value.decoded(as: TrainingState.self, path: "state.json") == state)
    #expect(throws: CheckpointError.self) { try value.decoded(as: [Int].self, path: "x") }
  }
}

@Suite struct RunLockTests {
  @Test func aSecondHolderIsToldOfTheFirst() throws {
    try withTemporaryDirectory { directory in
      do {
        let lock = try RunLock(runDirectory: directory)
        let error = #expect(throws: CheckpointError.self) {
          _ = try RunLock(runDirectory: directory)
        }
        let text = try #require(error).description
        #expect(text.contains("process \(getpid()) on "))
        #expect(text.contains(directory))
        _ = consume lock
      }
      // Given up, it is free; what the last holder wrote does not matter.
      let again = try RunLock(runDirectory: directory)
      _ = consume again
    }
  }

  @Test func aProcessThatIsBeingStartedDoesNotKeepTheLock() throws {
    try withTemporaryDirectory { directory in
      let lock = try RunLock(runDirectory: directory)
      var wanted = stat()
      #expect(stat(directory + "/" + RunLock.fileName, &wanted) == 0)
      // As between fork and exec the child has it.
      let copies = (0..<min(getdtablesize(), 1 << 16)).filter { descriptor in
        var found = stat()
        return fstat(descriptor, &found) == 0 && found.st_dev == wanted.st_dev
          && found.st_ino == wanted.st_ino
      }.map { dup($0) }
      defer { for copy in copies { close(copy) } }
      #expect(copies.count == 1)
      _ = consume lock
      let again = try RunLock(runDirectory: directory)
      _ = consume again
    }
  }

  @Test func aMissingDirectoryIsNamed() {
    let path = "/nowhere/run.lock"
    #expect(
      throws: CheckpointError.system(SystemError(operation: "open", path: path, code: ENOENT))
    ) {
      _ = try RunLock(runDirectory: "/nowhere")
    }
  }
}
