import Checkpoints
import Corpora
import Foundation
import NumericContract
import Records

/// A run's checkpoints in a temporary directory, each with values that tell its step and version.
struct TestRun {
  let directory: String

  var checkpoints: String { directory + "/checkpoints" }

  func store(_ fileSystem: FileSystem = .system) -> CheckpointStore {
    CheckpointStore(directory: checkpoints, fileSystem: fileSystem)
  }

  static func state(step: Int) -> TrainingState {
    TrainingState(
      step: step, epoch: 1, tokens: step * 4096, bestValidationLoss: 1.25,
      bestValidationStep: step, config: ["seed": 1],
      corpusFingerprint: String(repeating: "ab", count: 16), tokenizer: .byte,
      model: ModelDescription(
        cell: "rnn", vocabularySize: 256, embeddingSize: 4, hiddenSize: 4, layerCount: 1),
      optimizer: "adam", fingerprint: String(repeating: "cd", count: 16))
  }

  /// Writes a checkpoint whose single tensor is made from step and version.
  ///
  /// - Parameter change: made to its state.
  @discardableResult
  func write(
    step: Int, version: UInt64 = 0, with store: CheckpointStore? = nil,
    change: (inout TrainingState) -> Void = { _ in }
  ) throws -> Checkpoint {
    var state = Self.state(step: step)
    change(&state)
    return try Self.tensors(step: step, version: version).withSources { sources in
      try (store ?? self.store()).write(
        step: step, contractVersion: .newest,
        files: [
          .safetensors(Checkpoint.modelFile, sources),
          .json(Checkpoint.stateFile, state.json),
        ])
    }
  }

  /// The version that a checkpoint was written with, out of `versions`; nil if none.
  static func version(of checkpoint: Checkpoint, among versions: Range<UInt64>) throws -> UInt64? {
    let values = try checkpoint.tensors(in: Checkpoint.modelFile).floats("weight", shape: [5, 7])
    return versions.first {
      tensors(step: checkpoint.step, version: $0).values[0] == values
    }
  }

  private static func tensors(step: Int, version: UInt64) -> TestTensors {
    TestTensors([("weight", [5, 7])], seed: UInt64(step) &* 1000 &+ version)
  }

  /// Names in the directory of checkpoints.
  func names() throws -> [String] { try FileSystem.system.entries(checkpoints) }
}

func withTestRun<Result>(_ body: (TestRun) throws -> Result) throws -> Result {
  try withTemporaryDirectory { try body(TestRun(directory: $0)) }
}
