import Checkpoints
import Records
import Testing

/// Which of a run's checkpoints a path means to who uses the model.
@Suite struct ChosenCheckpointTests {
  /// Writes checkpoints whose states tell of the best one so far.
  private func write(_ steps: [(step: Int, best: Int?)], in run: TestRun) throws {
    for (step, best) in steps {
      try run.write(step: step) {
        $0.bestCheckpointStep = best
        $0.bestCheckpointLoss = best.map { Double($0) }
      }
    }
  }

  @Test func bestIsTheDefaultOfARunThatValidated() throws {
    try withTestRun { run in
      try write([(1, 1), (2, 2), (3, 2)], in: run)
      for wish in [nil, ChosenCheckpoint.Wish.best] {
        let chosen = try ChosenCheckpoint(at: run.directory, wanting: wish)
        #expect(chosen.checkpoint.step == 2)
        #expect(chosen.reason == .best(measure: "loss", value: 2, newest: 3))
        #expect(chosen.words == "the best by loss (2.0000); the newest is of step 3")
        #expect(chosen.json["taken"] == "best")
        #expect(chosen.refused.isEmpty)
      }
      let newest = try ChosenCheckpoint(at: run.directory, wanting: .newest)
      #expect(newest.checkpoint.step == 3)
      #expect(newest.reason == .newest(because: "--newest asks for it"))
      let named = try ChosenCheckpoint(at: run.store().path(ofStep: 1), wanting: nil)
      #expect(named.checkpoint.step == 1)
      #expect(named.reason == .named)
      #expect(named.words == nil)
    }
  }

  /// A file that the run has passed over since says which model is the best.
  @Test func bestByAFileNamesIt() throws {
    try withTestRun { run in
      try run.write(step: 1)
      try run.write(step: 9) {
        ($0.bestCheckpointStep, $0.bestCheckpointLoss) = (1, 2)
        $0.filePasses = [
          FilePass(
            name: "news.txt", fingerprint: "ab", firstStep: 2, steps: 8, fileBatches: 7,
            rehearsals: 3, rehearsedBefore: 1, targetsBefore: 4)
        ]
      }
      let chosen = try ChosenCheckpoint(at: run.directory, wanting: nil)
      #expect(chosen.checkpoint.step == 1)
      #expect(
        chosen.words == "the best by loss (2.0000 on news.txt); the newest is of step 9")
      #expect(chosen.json["best_file"] == "news.txt")
    }
  }

  @Test func newestIsTakenWhereThereIsNoBest() throws {
    try withTestRun { run in
      #expect(throws: CheckpointError.missing(path: run.directory)) {
        try ChosenCheckpoint(at: run.directory, wanting: nil)
      }
      try run.write(step: 1) { ($0.bestValidationStep, $0.bestValidationLoss) = (nil, nil) }
      let fresh = try ChosenCheckpoint(at: run.directory, wanting: nil)
      #expect(fresh.reason == .newest(because: "the run has not validated"))
      // As programs left it that saved at other steps than they validated at.
      try run.write(step: 2)
      let unsaved = try ChosenCheckpoint(at: run.directory, wanting: .best)
      #expect(unsaved.checkpoint.step == 2)
      #expect(unsaved.reason == .newest(because: "no step that was validated has a checkpoint"))
    }
  }

  @Test func damagedBestIsNamed() throws {
    try withTestRun { run in
      try write([(1, 1), (2, 1), (3, 3), (4, 3)], in: run)
      let path = run.store().path(ofStep: 3) + "/model.safetensors"
      try overwrite(path, try contents(path).map { ~$0 })
      // The state before names another.
      let older = try ChosenCheckpoint(at: run.directory, wanting: nil)
      #expect(older.checkpoint.step == 1)
      #expect(older.reason == .best(measure: "loss", value: 1, newest: 4))
      #expect(older.refused.map(\.step) == [3])
      try run.store().prune(keeping: 2)
      let newest = try ChosenCheckpoint(at: run.directory, wanting: nil)
      #expect(newest.checkpoint.step == 4)
      #expect(newest.reason == .newest(because: "the best, of step 3, cannot be used"))
      #expect(newest.refused.map(\.step) == [3])
    }
  }

  @Test func newestStateThatIsDamagedIsPassedOver() throws {
    try withTestRun { run in
      try write([(1, 1), (2, 2), (3, 2)], in: run)
      try overwrite(run.store().path(ofStep: 3) + "/state.json", [1])
      let chosen = try ChosenCheckpoint(at: run.directory, wanting: nil)
      #expect(chosen.checkpoint.step == 2)
      #expect(chosen.refused.map(\.step) == [3])
    }
  }
}
