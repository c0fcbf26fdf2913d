import Checkpoints
import Foundation
import Testing

@Suite struct PruneTests {
  @Test func keepsNewestAndProtectedCheckpoints() throws {
    try withTestRun { run in
      let store = run.store()
      for step in 1...6 { try run.write(step: step, with: store) }
      #expect(try store.prune(keeping: 0).isEmpty)
      #expect(try store.prune(keeping: 3, protecting: [2]) == [1, 3])
      #expect(try store.steps() == [2, 4, 5, 6])
      #expect(try run.names().allSatisfy { $0.hasPrefix("step-") })
      #expect(try store.prune(keeping: 9).isEmpty)
    }
  }

  @Test func damagedCheckpointsDoNotCountAsKept() throws {
    try withTestRun { run in
      for step in 1...5 { try run.write(step: step) }
      let store = run.store()
      try overwrite(store.path(ofStep: 4) + "/model.safetensors", [1])
      try overwrite(store.path(ofStep: 1) + "/model.safetensors", [1])
      #expect(try store.prune(keeping: 2) == [1, 2])
      #expect(try store.steps() == [3, 4, 5])
    }
  }

  @Test func rejectedCheckpointsDoNotCountEvenAtTheRightLength() throws {
    try withTestRun { run in
      for step in 1...3 { try run.write(step: step) }
      let store = run.store()
      let path = store.path(ofStep: 3) + "/model.safetensors"
      try overwrite(path, try contents(path).map { ~$0 })
      #expect(try store.newestValid().checkpoint?.step == 2)
      #expect(try store.prune(keeping: 1) == [1])
      #expect(try store.newestValid().checkpoint?.step == 2)
    }
  }

  @Test func keepsTheOneJustWrittenEvenIfOlder() throws {
    try withTestRun { run in
      for step in [10, 20, 30] { try run.write(step: step) }
      let store = run.store()
      try run.write(step: 15, with: store)
      #expect(try store.prune(keeping: 1) == [10, 20])
      #expect(try store.steps() == [15, 30])
    }
  }

  @Test func removesDirectoriesRecursively() throws {
    try withTestRun { run in
      let store = run.store()
      for step in [1, 2] { try run.write(step: step, with: store) }
      let nested = store.path(ofStep: 1) + "/notes/more"
      try FileManager.default.createDirectory(atPath: nested, withIntermediateDirectories: true)
      try overwrite(nested + "/text", [65])
      // A link is removed, not what it leads to.
      try FileManager.default.createSymbolicLink(
        atPath: nested + "/link", withDestinationPath: store.path(ofStep: 2))
      #expect(try store.prune(keeping: 1) == [1])
      #expect(try run.names() == ["step-00000002"])
      #expect(try store.newestValid().checkpoint?.step == 2)
    }
  }

  @Test func leftoversAreRemovedOrRestored() throws {
    try withTestRun { run in
      let store = run.store()
      for step in [1, 2, 3] { try run.write(step: step, with: store) }
      func move(_ from: String, _ to: String) throws {
        try FileManager.default.moveItem(
          atPath: run.checkpoints + "/" + from, toPath: run.checkpoints + "/" + to)
      }
      try move("step-00000003", ".tmp-step-00000003")
      try move("step-00000001", ".replaced-step-00000001")
      try FileManager.default.copyItem(
        atPath: run.checkpoints + "/step-00000002",
        toPath: run.checkpoints + "/.replaced-step-00000002")
      try store.recover()
      #expect(try run.names() == ["step-00000001", "step-00000002"])
      #expect(try Checkpoint(verifying: store.path(ofStep: 1)).step == 1)
    }
  }
}
