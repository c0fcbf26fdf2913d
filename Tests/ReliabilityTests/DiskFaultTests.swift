import Checkpoints
import Foundation
import Records
import Runs
import Synchronization
import Testing

/// The system's own files, which fail while they are told to.
private final class FailingDisk: Sendable {
  private struct State {
    var code: Int32?
    var failures = 0
    var changes = 0
    /// Changes, counted from the first, that fail.
    var window = 0..<0
  }

  private let state = Mutex(State())

  /// - Parameter window: the changes of the file system that fail.
  init(_ code: Int32, in window: Range<Int>) {
    state.withLock {
      $0.code = code
      $0.window = window
    }
  }

  var failures: Int { state.withLock { $0.failures } }

  private func check(_ operation: String, _ path: String) throws(SystemError) {
    let code: Int32? = state.withLock { state in
      state.changes += 1
      guard state.window.contains(state.changes - 1) else { return nil }
      state.failures += 1
      return state.code
    }
    if let code { throw SystemError(operation: operation, path: path, code: code) }
  }

  var fileSystem: FileSystem {
    var failing = FileSystem.system
    failing.open = { [self] path, flags, mode throws(SystemError) in
      if flags & O_CREAT != 0 { try check("open", path) }
      return try FileSystem.system.open(path, flags, mode)
    }
    failing.write = { [self] descriptor, path, bytes throws(SystemError) in
      try check("write", path)
      return try FileSystem.system.write(descriptor, path, bytes)
    }
    failing.synchronize = { [self] descriptor, path throws(SystemError) in
      try check("synchronize", path)
      try FileSystem.system.synchronize(descriptor, path)
    }
    failing.rename = { [self] from, to throws(SystemError) in
      try check("rename", from)
      try FileSystem.system.rename(from, to)
    }
    failing.makeDirectory = { [self] path throws(SystemError) in
      try check("make directory", path)
      try FileSystem.system.makeDirectory(path)
    }
    failing.removeFile = { [self] path throws(SystemError) in
      try check("remove", path)
      try FileSystem.system.removeFile(path)
    }
    return failing
  }
}

@Suite(.serialized) struct DiskFaultTests {
  @Test(arguments: [ENOSPC, EIO, EDQUOT, EROFS])
  func trainingContinuesWhileTheDiskFails(code: Int32) throws {
    let scenario = try TrainingScenario("run.checkpoint_every=2")
    try scenario.train(scenario.options(run: "whole"), ranks: 1)
    // A checkpoint takes some twenty changes: the second fails in its midst, and so does tidying
    // up; the third and fourth fail at once.
    let disk = FailingDisk(code, in: 25..<29)
    let status = try scenario.train(scenario.options(), ranks: 2, fileSystem: disk.fileSystem)
    #expect(status == 0)
    #expect(disk.failures > 0)
    #expect(try scenario.trajectory() == scenario.trajectory("whole"))
    let reported = try scenario.events("checkpoint_failed") + scenario.events("checkpoint_warning")
    #expect(!reported.isEmpty)
    for record in reported {
      let reason = try #require(record["reason"]?.stringValue)
      #expect(reason.contains(String(cString: strerror(code))), "\(reason)")
    }
    // With the disk back, so are checkpoints, the last of them whole.
    let store = CheckpointStore(directory: scenario.path("run/checkpoints"))
    #expect(try store.newestValid().checkpoint?.step == 12)
    var options = scenario.options(["run.steps=14"])
    options.resume = true
    #expect(try scenario.train(options, ranks: 3) == 0)
  }

  @Test func diskFaultAtAnyChangeKeepsTheRunCorrect() throws {
    let scenario = try TrainingScenario("run.checkpoint_every=3", "model.layers=1")
    try scenario.train(scenario.options(run: "whole"), ranks: 1)
    let expected = try scenario.trajectory("whole")
    // The last of four checkpoints begins after more than 60 changes, and must be written.
    for number in stride(from: 0, to: 50, by: LongTests.areOn ? 1 : 7) {
      let disk = FailingDisk(EIO, in: number..<number + 2)
      var options = scenario.options()
      options.overwrite = true
      #expect(try scenario.train(options, ranks: 1, fileSystem: disk.fileSystem) == 0, "\(number)")
      #expect(disk.failures > 0)
      #expect(try scenario.trajectory() == expected, "\(number)")
      let store = CheckpointStore(directory: scenario.path("run/checkpoints"))
      let selection = try store.newestValid()
      #expect(selection.checkpoint?.step == 12, "\(number)")
      #expect(selection.refused.isEmpty)
    }
  }

  @Test func unwritableFinalCheckpointIsAnError() throws {
    let scenario = try TrainingScenario()
    let disk = FailingDisk(ENOSPC, in: 0..<Int.max)
    let error = #expect(throws: (any Error).self) {
      try scenario.train(scenario.options(), ranks: 2, fileSystem: disk.fileSystem)
    }
    let text = "\(try #require(error))"
    #expect(text.contains("the checkpoint of step 12 could not be written"), "\(text)")
    #expect(text.contains("free some space"), "\(text)")
  }

  @Test func bestCheckpointIsKeptIfWrittenAfterTheNextValidation() throws {
    let scenario = try TrainingScenario(
      "run.validate_every=1", "run.checkpoint_every=1", "run.keep_checkpoints=1",
      "optimizer.learning_rate=0.5", "optimizer.clip_norm=0")
    try scenario.train(scenario.options(), ranks: 1)
    let losses = try scenario.records().filter { $0["kind"] == "valid" }
      .compactMap { record in
        record["loss"]?.doubleValue.map { (record["step"]?.integerValue, $0) }
      }
    let best = try #require(losses.min { $0.1 < $1.1 }?.0)
    let kept = try scenario.checkpoints()
    #expect(kept.contains(CheckpointStore.name(ofStep: best)), "\(best): \(kept)")
    #expect(kept.contains("step-00000012"))
    #expect(kept.count <= 2)
  }
}
