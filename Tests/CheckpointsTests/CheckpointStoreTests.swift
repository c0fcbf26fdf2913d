import Foundation
import NumericContract
import Testing

@testable import Checkpoints

@Suite struct CheckpointStoreTests {
  @Test func checkpointsReadBackAsWritten() throws {
    try withTestRun { run in
      try run.write(step: 200)
      #expect(try run.names() == ["step-00000200"])
      let selection = try run.store().newestValid()
      let checkpoint = try #require(selection.checkpoint)
      #expect(selection.refused.isEmpty)
      #expect(checkpoint.step == 200)
      #expect(checkpoint.manifest.contractVersion == ContractVersion.newest.rawValue)
      #expect(try checkpoint.trainingState() == TestRun.state(step: 200))
      #expect(try TestRun.version(of: checkpoint, among: 0..<2) == 0)
    }
  }

  @Test func noDirectoryHasNoCheckpoints() throws {
    try withTestRun { run in
      let selection = try run.store().newestValid()
      #expect(selection.checkpoint == nil)
      #expect(selection.refused.isEmpty)
    }
  }

  @Test func otherFilesAreIgnored() throws {
    try withTestRun { run in
      try run.write(step: 3)
      for name in ["step-4", "step-000000005", "step--0000006", "notes", "step-0000000x"] {
        try FileManager.default.createDirectory(
          atPath: run.checkpoints + "/" + name, withIntermediateDirectories: false)
      }
      #expect(try run.store().steps() == [3])
      #expect(try run.store().prune(keeping: 1).isEmpty)
    }
  }

  @Test func stepsBeyondEightDigitsSortAsNumbers() throws {
    #expect(CheckpointStore.name(ofStep: 123_456_789) == "step-123456789")
    #expect(CheckpointStore.step(ofName: "step-123456789") == 123_456_789)
    try withTestRun { run in
      for step in [99_999_999, 100_000_000] { try run.write(step: step) }
      #expect(try run.store().newestValid().checkpoint?.step == 100_000_000)
    }
  }

  @Test func damagedCheckpointsFallBackToTheNewestWholeOne() throws {
    try withTestRun { run in
      for step in [100, 200, 300, 400] { try run.write(step: step) }
      let store = run.store()
      let model = store.path(ofStep: 300) + "/" + Checkpoint.modelFile
      var bytes = try contents(model)
      bytes[bytes.count - 1] ^= 1
      try overwrite(model, bytes)
      try FileManager.default.removeItem(atPath: store.path(ofStep: 400) + "/manifest.json")
      let selection = try store.newestValid()
      #expect(selection.checkpoint?.step == 200)
      #expect(selection.refused.map(\.step) == [400, 300])
      #expect(selection.refused[0].error == .missing(path: store.path(ofStep: 400)))
      #expect(selection.refused[1].description.contains("SHA-256"))
      #expect(selection.refused[1].description.contains(model))
    }
  }

  @Test func aRunWhoseOnlyCheckpointIsNotWholeIsToldSo() throws {
    try withTestRun { run in
      try run.write(step: 100)
      let path = run.store().path(ofStep: 100)
      try FileManager.default.removeItem(atPath: path + "/manifest.json")
      let directory = String(path.prefix(path.count - "/checkpoints/step-00000100".count))
      let error = #expect(throws: CheckpointError.self) {
        try CheckpointSelection.find(at: directory)
      }
      #expect("\(error!)".contains("'\(path)' is damaged: it has no manifest"))
    }
  }

  @Test func rejectsCheckpointNamedAfterAnotherStep() throws {
    try withTestRun { run in
      try run.write(step: 100)
      let store = run.store()
      try FileManager.default.moveItem(
        atPath: store.path(ofStep: 100), toPath: store.path(ofStep: 900))
      #expect(try store.newestValid().checkpoint == nil)
    }
  }

  @Test func rejectsEveryAlteredByte() throws {
    var generator = SeededGenerator(seed: 5)
    try withTestRun { run in
      let checkpoint = try run.write(step: 7)
      let names = checkpoint.manifest.files.map(\.name) + [Manifest.fileName]
      let sound = try names.map { try contents(checkpoint.path + "/" + $0) }
      var refused = 0
      for trial in 0..<3000 {
        let index = trial % names.count
        let path = checkpoint.path + "/" + names[index]
        let altered = sound[index].mutated(using: &generator)
        if altered == sound[index] { continue }
        try overwrite(path, altered)
        do throws(CheckpointError) {
          let found = try Checkpoint(verifying: checkpoint.path)
          // Only spaces in the manifest may differ without a change of what it says.
          #expect(names[index] == Manifest.fileName, "trial \(trial)")
          #expect(found.manifest == checkpoint.manifest, "trial \(trial)")
        } catch {
          #expect(!error.description.isEmpty)
          refused += 1
        }
        try overwrite(path, sound[index])
      }
      #expect(refused > 2700)
      #expect(throws: Never.self) { try Checkpoint(verifying: checkpoint.path) }
    }
  }

  @Test func rejectsManifestThatListsFilesElsewhere() throws {
    try withTestRun { run in
      let checkpoint = try run.write(step: 7)
      let digest = String(repeating: "0", count: 64)
      for name in ["../x", "/etc/passwd", "", ".", "..", "manifest.json", "a/b", "a\nb"] {
        let manifest = Manifest(
          contractVersion: 1, step: 7, files: [.init(name: name, bytes: 0, sha256: digest)])
        try overwrite(checkpoint.path + "/manifest.json", try manifest.encoded())
        #expect(throws: CheckpointError.self, "\(name)") {
          try Checkpoint(verifying: checkpoint.path)
        }
      }
    }
  }

  @Test func namesLaterFormatVersions() throws {
    try withTestRun { run in
      let checkpoint = try run.write(step: 7)
      let path = checkpoint.path + "/manifest.json"
      try overwrite(path, Array(#"{"format":"gru-dist checkpoint","format_version":2}"#.utf8))
      #expect(throws: CheckpointError.unsupportedFormat(path: path, found: 2, supported: 1)) {
        try Checkpoint(verifying: checkpoint.path)
      }
    }
  }

  @Test func pathMayNameRunOrCheckpoint() throws {
    try withTestRun { run in
      #expect(throws: CheckpointError.missing(path: run.directory)) {
        try CheckpointSelection.find(at: run.directory)
      }
      for step in [1, 2] { try run.write(step: step) }
      #expect(try CheckpointSelection.find(at: run.directory).checkpoint.step == 2)
      #expect(try CheckpointSelection.find(at: run.store().path(ofStep: 1)).checkpoint.step == 1)
      #expect(throws: CheckpointError.missing(path: "/nowhere")) {
        try CheckpointSelection.find(at: "/nowhere")
      }
      try overwrite(run.store().path(ofStep: 2) + "/state.json", [])
      let found = try CheckpointSelection.find(at: run.directory)
      #expect(found.checkpoint.step == 1)
      #expect(found.refused.map(\.step) == [2])
      // Named itself, it is refused and nothing else is used in its place.
      #expect(throws: CheckpointError.self) {
        try CheckpointSelection.find(at: run.store().path(ofStep: 2))
      }
    }
  }

  @Test func rewritingAStepReplacesItsCheckpoint() throws {
    try withTestRun { run in
      try run.write(step: 5, version: 0)
      try run.write(step: 5, version: 1)
      #expect(try run.names() == ["step-00000005"])
      let checkpoint = try #require(try run.store().newestValid().checkpoint)
      #expect(try TestRun.version(of: checkpoint, among: 0..<2) == 1)
    }
  }

  @Test func rejectsStateOfAnotherStep() throws {
    try withTestRun { run in
      let checkpoint = try run.store().write(
        step: 6, contractVersion: .newest,
        files: [try .json(Checkpoint.stateFile, TestRun.state(step: 5).json)])
      #expect(throws: CheckpointError.self) { try checkpoint.trainingState() }
    }
  }

  @Test func filesThatAreNotListedAreNotRead() throws {
    try withTestRun { run in
      let checkpoint = try run.write(step: 6)
      #expect(throws: CheckpointError.self) {
        _ = try checkpoint.tensors(in: Checkpoint.optimizerFile)
      }
    }
  }

  @Test func tensorsMayBeAppendedInChunks() throws {
    try withTestRun { run in
      let shape = try #require(TensorDescription(name: "w", type: .float32, shape: [1000]))
      let checkpoint = try run.store().write(
        step: 1, contractVersion: .newest,
        files: [
          try .safetensors(Checkpoint.optimizerFile, [shape]) { sink in
            for start in stride(from: 0, to: 1000, by: 125) {
              let piece = (start..<start + 125).map { Float($0) }
              try piece.withUnsafeBytes { bytes in try sink.append(bytes) }
            }
          }
        ])
      let values = try checkpoint.tensors(in: Checkpoint.optimizerFile).floats("w", shape: [1000])
      #expect(values == (0..<1000).map { Float($0) })
    }
  }
}
