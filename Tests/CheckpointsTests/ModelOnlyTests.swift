import Checkpoints
import Foundation
import Records
import Testing

/// A run that is pruned to one model.
@Suite struct ModelOnlyTests {
  private static let reason: OrderedJSON = ["taken": "best", "best_by": "loss", "best_value": 1.25]

  /// Three steps with moments and the running means of parameters, of which the second is the best.
  private func makeRun(_ run: TestRun) throws {
    for step in 1...3 {
      try run.write(step: step, hasMoments: true) { state in
        state.bestCheckpointStep = min(step, 2)
        state.bestCheckpointLoss = 1.25
        state.averagedSteps = 1
      }
    }
  }

  private func prune(_ run: TestRun, _ fileSystem: FileSystem = .system) throws {
    let store = run.store(fileSystem)
    let choice = try ChosenCheckpoint(at: run.directory, wanting: nil)
    let kept = try store.makeModelOnly(
      choice.checkpoint, averagePrefix: "average.", reason: choice.json)
    try store.removeAllBut(kept)
  }

  /// That the model of step 2 can be read, and the means that it is used with.
  private func requireModel(_ checkpoint: Checkpoint, _ comment: Comment) throws {
    #expect(checkpoint.step == 2, comment)
    #expect(try TestRun.version(of: checkpoint, among: 0..<1) == 0, comment)
    let file = checkpoint.isModelOnly ? Checkpoint.averageFile : Checkpoint.optimizerFile
    let means = try checkpoint.tensors(in: file).floats("average.weight", shape: [5, 7])
    #expect(means == TestRun.moments(step: 2).values[1], comment)
    #expect(try checkpoint.trainingState().step == 2, comment)
  }

  @Test func leavesTheModelAndItsMeansAlone() throws {
    try withTestRun { run in
      try makeRun(run)
      try prune(run)
      #expect(try run.names() == ["step-00000002"])
      #expect(
        try FileSystem.system.entries(run.checkpoints + "/step-00000002") == [
          "average.safetensors", "manifest.json", "model.safetensors", "pruned.json", "state.json",
        ])
      let choice = try ChosenCheckpoint(at: run.directory, wanting: nil)
      try requireModel(choice.checkpoint, "")
      #expect(choice.reason == .best(measure: "loss", value: 1.25, newest: 2))
      #expect(choice.words == "the best by loss (1.2500), which the run was pruned to")
      #expect(choice.checkpoint.isModelOnly)
      let names = try choice.checkpoint.tensors(in: Checkpoint.averageFile).header.entries
      #expect(names.map(\.tensor.name) == ["average.weight"])
      // Again, and nothing changes.
      try prune(run)
      #expect(try run.names() == ["step-00000002"])
    }
  }

  @Test func newestModelIsNotTakenForTheBest() throws {
    try withTestRun { run in
      try makeRun(run)
      let store = run.store()
      let choice = try ChosenCheckpoint(at: run.directory, wanting: .newest)
      try store.removeAllBut(
        try store.makeModelOnly(choice.checkpoint, averagePrefix: nil, reason: choice.json))
      let found = try ChosenCheckpoint(at: run.directory, wanting: nil)
      #expect(found.checkpoint.step == 3)
      #expect(found.refused.isEmpty)
      #expect(
        found.words == "the one that the run was pruned to, since --newest asks for it")
      // Without running means there is no file of them.
      #expect(!found.checkpoint.manifest.files.contains { $0.name == Checkpoint.averageFile })
    }
  }

  @Test func stopAnywhereLeavesTheRunOrTheModelWhole() throws {
    let changes = try withTestRun { run in
      try makeRun(run)
      let faulty = FaultyFileSystem(.never)
      try prune(run, faulty.fileSystem)
      return faulty.operations
    }
    let commit = try #require(
      changes.firstIndex(of: "rename step-00000002/.tmp-manifest.json"))
    #expect(changes.count > 30)
    for number in changes.indices {
      try withTestRun { run in
        try makeRun(run)
        let faulty = FaultyFileSystem(.stop(number))
        #expect(throws: CheckpointError.self) { try prune(run, faulty.fileSystem) }
        let comment: Comment = "\(number): \(changes[number])"
        let choice = try ChosenCheckpoint(at: run.directory, wanting: nil)
        #expect(choice.refused.isEmpty, comment)
        try requireModel(choice.checkpoint, comment)
        #expect(choice.checkpoint.isModelOnly == (number > commit), comment)
        if number <= commit {
          let newest = try #require(try run.store().newestValid().checkpoint)
          #expect(newest.step == 3 && !newest.isModelOnly, comment)
          #expect(try run.names() == ["step-00000001", "step-00000002", "step-00000003"], comment)
        }
        try prune(run)
        #expect(try run.names() == ["step-00000002"], comment)
        try requireModel(try Checkpoint(verifying: run.checkpoints + "/step-00000002"), comment)
      }
    }
  }

  @Test(arguments: [ENOSPC, EIO])
  func failureBeforeTheCommitChangesNothing(code: Int32) throws {
    for number in 0..<18 {
      try withTestRun { run in
        try makeRun(run)
        let faulty = FaultyFileSystem(.once(number, code: code))
        do {
          try prune(run, faulty.fileSystem)
        } catch {
          let choice = try ChosenCheckpoint(at: run.directory, wanting: nil)
          try requireModel(choice.checkpoint, "\(number)")
          let newest = try run.store().newestValid().checkpoint?.step
          #expect(newest == 3 || choice.checkpoint.isModelOnly)
        }
        try prune(run)
        #expect(try run.names() == ["step-00000002"])
      }
    }
  }

  @Test func manifestOfAnAlteredModelIsNotBelieved() throws {
    try withTestRun { run in
      try makeRun(run)
      try prune(run)
      let file = run.checkpoints + "/step-00000002/" + Checkpoint.averageFile
      var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
      bytes[bytes.count - 1] ^= 1
      try bytes.write(to: URL(fileURLWithPath: file))
      #expect(throws: CheckpointError.self) {
        try ChosenCheckpoint(at: run.directory, wanting: nil)
      }
    }
  }
}
