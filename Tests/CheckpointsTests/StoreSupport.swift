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
  /// - Parameters:
  ///   - hasMoments: whether there is a file of the optimiser's too.
  ///   - change: made to its state.
  @discardableResult
  func write(
    step: Int, version: UInt64 = 0, with store: CheckpointStore? = nil, hasMoments: Bool = false,
    change: (inout TrainingState) -> Void = { _ in }
  ) throws -> Checkpoint {
    var state = Self.state(step: step)
    change(&state)
    return try Self.tensors(step: step, version: version).withSources { sources in
      try Self.moments(step: step).withSources { moments in
        var files: [CheckpointFile] = [
          try .safetensors(Checkpoint.modelFile, sources),
          try .json(Checkpoint.stateFile, state.json),
        ]
        if hasMoments { files.insert(try .safetensors(Checkpoint.optimizerFile, moments), at: 1) }
        return try (store ?? self.store()).write(
          step: step, contractVersion: .newest, files: files)
      }
    }
  }

  /// A moment and the running mean of the tensor.
  static func moments(step: Int) -> TestTensors {
    TestTensors(
      [("first_moment.weight", [5, 7]), ("average.weight", [5, 7])], seed: UInt64(step) &* 77)
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
