import Checkpoints
import Foundation
import NumericContract
import Records
import Testing

@Suite struct FaultTests {
  /// How many changes of the file system a second write of step 2 asks for.
  private func changesOfAWrite() throws -> [String] {
    try withTestRun { run in
      try run.write(step: 1)
      try run.write(step: 2, version: 0)
      let faulty = FaultyFileSystem(.never)
      try run.write(step: 2, version: 1, with: run.store(faulty.fileSystem))
      return faulty.operations
    }
  }

  @Test func syncsFilesThenManifestThenRenames() throws {
    let operations = try withTestRun { run in
      let faulty = FaultyFileSystem(.never)
      try run.write(step: 1, with: run.store(faulty.fileSystem))
      return faulty.operations
    }
    func last(_ operation: String) -> Int { operations.lastIndex(of: operation) ?? -1 }
    let draft = ".tmp-step-00000001"
    let named = last("rename checkpoints/\(draft)")
    let manifest = operations.firstIndex(of: "create \(draft)/manifest.json") ?? -1
    for file in ["model.safetensors", "state.json"] {
      #expect(last("create \(draft)/\(file)") >= 0)
      #expect(last("write \(draft)/\(file)") < last("synchronize \(draft)/\(file)"))
      #expect(last("synchronize \(draft)/\(file)") < manifest)
    }
    #expect(last("write \(draft)/manifest.json") < last("synchronize \(draft)/manifest.json"))
    #expect(last("synchronize \(draft)/manifest.json") < last("synchronize checkpoints/\(draft)"))
    #expect(last("synchronize checkpoints/\(draft)") < named)
    let parent = operations.last ?? ""
    #expect(parent.hasPrefix("synchronize ") && parent.hasSuffix("/checkpoints"))
    #expect(named < operations.count - 1)
  }

  @Test(arguments: [ENOSPC, EIO])
  func failedWriteIsReportedAndKeepsEarlierCheckpoints(code: Int32) throws {
    let changes = try changesOfAWrite()
    #expect(changes.count > 15)
    for number in changes.indices {
      try withTestRun { run in
        try run.write(step: 1)
        try run.write(step: 2, version: 0)
        let faulty = FaultyFileSystem(.once(number, code: code))
        let store = run.store(faulty.fileSystem)
        do {
          try run.write(step: 2, version: 1, with: store)
          Issue.record("change \(number) (\(changes[number])) failed unnoticed")
        } catch let error as CheckpointError {
          guard case .system(let system) = error else { throw error }
          #expect(system.code == code)
          if code == ENOSPC { #expect(error.description.contains("free some space")) }
        }
        let selection = try run.store().newestValid()
        let checkpoint = try #require(selection.checkpoint)
        #expect(selection.refused.isEmpty, "change \(number)")
        #expect(checkpoint.step == 2)
        #expect(try TestRun.version(of: checkpoint, among: 0..<2) != nil)
        #expect(throws: Never.self) { try Checkpoint(verifying: store.path(ofStep: 1)) }
        // Going on after the failure, as a run does, must work.
        try run.write(step: 3, with: store)
        try store.recover()
        #expect(try run.names() == ["step-00000001", "step-00000002", "step-00000003"])
      }
    }
  }

  @Test func crashWhileWritingLeavesEveryStepWhole() throws {
    let changes = try changesOfAWrite()
    for number in changes.indices {
      try withTestRun { run in
        try run.write(step: 1)
        try run.write(step: 2, version: 0)
        let faulty = FaultyFileSystem(.stop(number))
        #expect(throws: CheckpointError.self) {
          try run.write(step: 2, version: 1, with: run.store(faulty.fileSystem))
        }
        // A reader that comes before the recovery finds no half of a checkpoint.
        let before = try run.store().newestValid()
        #expect(before.refused.isEmpty)
        #expect(before.checkpoint != nil)
        let store = run.store()
        try store.recover()
        let checkpoint = try #require(try store.newestValid().checkpoint)
        #expect(checkpoint.step == 2, "stopped at \(changes[number])")
        #expect(try TestRun.version(of: checkpoint, among: 0..<2) != nil)
        #expect(try run.names() == ["step-00000001", "step-00000002"])
        try run.write(step: 2, version: 2, with: store)
        let written = try #require(try store.newestValid().checkpoint)
        #expect(try TestRun.version(of: written, among: 2..<3) == 2)
      }
    }
  }

  @Test func crashWhilePruningLeavesNoPartialCheckpoint() throws {
    for number in 0..<12 {
      try withTestRun { run in
        for step in 1...3 { try run.write(step: step) }
        let faulty = FaultyFileSystem(.stop(number))
        _ = try? run.store(faulty.fileSystem).prune(keeping: 1)
        let store = run.store()
        try store.recover()
        for step in try store.steps() {
          #expect(throws: Never.self) { try Checkpoint(verifying: store.path(ofStep: step)) }
        }
        #expect(try store.newestValid().checkpoint?.step == 3)
        #expect(try run.names().allSatisfy { $0.hasPrefix("step-") })
      }
    }
  }

  @Test func checksFreeSpaceBeforeWriting() throws {
    try withTestRun { run in
      try run.write(step: 1)
      let faulty = FaultyFileSystem(.never)
      var fileSystem = faulty.fileSystem
      fileSystem.freeBytes = { _ in 1000 }
      let store = run.store(fileSystem)
      let error = #expect(throws: CheckpointError.self) { try run.write(step: 2, with: store) }
      guard case .noSpace(let path, let needed, available: 1000) = try #require(error) else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(path == run.checkpoints)
      #expect(needed > 1000)
      #expect(!faulty.operations.contains { $0.hasPrefix("create") })
      #expect(try run.names() == ["step-00000001"])
    }
  }

  @Test func writesWhenFreeSpaceIsUnknown() throws {
    try withTestRun { run in
      var fileSystem = FileSystem.system
      fileSystem.freeBytes = { _ in nil }
      try run.write(step: 2, with: run.store(fileSystem))
      #expect(try run.names() == ["step-00000002"])
    }
  }

  @Test func failedProducerLeavesNoFiles() throws {
    struct Broken: Error {}
    try withTestRun { run in
      try run.write(step: 1)
      #expect(throws: Broken.self) {
        try run.store().write(
          step: 2, contractVersion: .newest,
          files: [CheckpointFile(name: "x", byteCount: 5) { _ in throw Broken() }])
      }
      #expect(try run.names() == ["step-00000001"])
    }
  }

  @Test func errorNamesMissingRunDirectory() throws {
    try withTemporaryDirectory { directory in
      let run = TestRun(directory: directory + "/absent")
      let error = SystemError(
        operation: "make directory", path: run.checkpoints, code: ENOENT)
      #expect(throws: CheckpointError.system(error)) { try run.write(step: 1) }
    }
  }

  @Test func readErrorsRejectTheCheckpoint() throws {
    try withTestRun { run in
      for step in [1, 2] { try run.write(step: step) }
      var fileSystem = FileSystem.system
      fileSystem.read = { descriptor, path, offset, buffer throws(SystemError) in
        if path.contains("step-00000002/model") {
          throw SystemError(operation: "read", path: path, code: EIO)
        }
        return try FileSystem.system.read(descriptor, path, offset, buffer)
      }
      let selection = try run.store(fileSystem).newestValid()
      #expect(selection.checkpoint?.step == 1)
      #expect(selection.refused.map(\.step) == [2])
    }
  }

  @Test func writeThatMakesNoProgressFails() throws {
    try withTestRun { run in
      var fileSystem = FileSystem.system
      fileSystem.write = { _, _, _ in 0 }
      #expect(throws: CheckpointError.self) {
        try run.write(step: 1, with: run.store(fileSystem))
      }
      let names = try run.names()
      #expect(names.isEmpty)
    }
  }
}
