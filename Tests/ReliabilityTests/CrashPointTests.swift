import Checkpoints
import Corpora
import Foundation
import NumericContract
import Records
import Testing

@Suite struct CrashPointTests {
  /// A write that was begun: its moments count changes of the disk.
  private struct Attempt {
    var step: Int
    var version: UInt64
    var began: Int
    /// When it returned; nil where it threw.
    var committed: Int?
  }

  /// What a store did with a disk, and what was promised when.
  private struct History {
    let disk = SimulatedDisk(.init(directories: [0: ["run": 1], 1: [:]]))
    var attempts: [Attempt] = []

    /// The writes that a reader may find after a crash at a moment.
    func allowed(at moment: Int) -> [Attempt] {
      let begun = attempts.filter { $0.began < moment }
      let safe = begun.last { $0.committed ?? .max <= moment }
      guard let safe else { return begun }
      return begun.filter {
        $0.step > safe.step || ($0.step == safe.step && $0.version >= safe.version)
      }
    }

    func mustFindOne(at moment: Int) -> Bool {
      attempts.contains { $0.committed ?? .max <= moment }
    }
  }

  private static let directory = "/run/checkpoints"

  /// Writes, replaces and removes checkpoints at random, with a failing call now and then.
  ///
  /// - Parameter synchronizes: false forgets every `fsync`, as a store with a mistake would.
  private func history(seed: UInt64, synchronizes: Bool = true) throws -> History {
    var random = SeededRandom(seed: seed)
    var history = History()
    var fileSystem = history.disk.fileSystem
    if !synchronizes { fileSystem.synchronize = { _, _ in } }
    let store = CheckpointStore(directory: Self.directory, fileSystem: fileSystem)
    var step = 0
    for version in 1...UInt64(7) {
      if step == 0 || Int.random(in: 0..<4, using: &random) > 0 { step += 1 }
      if Int.random(in: 0..<3, using: &random) == 0 {
        let number = history.disk.attempts + Int.random(in: 0..<40, using: &random)
        history.disk.fail(
          number, with: [ENOSPC, EIO, EDQUOT, EROFS].randomElement(using: &random)!)
      }
      var attempt = Attempt(step: step, version: version, began: history.disk.changeCount)
      if (try? SmallCheckpoint.write(step: step, version: version, to: store)) != nil {
        attempt.committed = history.disk.changeCount
      }
      history.attempts.append(attempt)
      if Bool.random(using: &random) { _ = try? store.prune(keeping: 2) }
    }
    return history
  }

  /// Stops the power everywhere, and reads what is left as a run that is resumed does.
  @Test func powerLossNeverLeavesWrongOrLostState() throws {
    var states = 0
    var problems = 0
    var distinct = Set<UInt64>()
    let started = ContinuousClock.now
    // The last ones are those that found something.
    let seeds = LongTests.areOn ? Array(0..<400) : [0, 1, 2, 3, 61, 99, 120, 380]
    for seed in seeds.map(UInt64.init) {
      let history = try history(seed: seed)
      var random = SeededRandom(seed: seed ^ 0x5eed)
      for moment in 0...history.disk.changeCount {
        for _ in 0..<2 {
          let contents = history.disk.contents(afterCrashAt: moment, using: &random)
          let finding = try look(at: SimulatedDisk(contents), history, moment)
          #expect(finding.problem == nil, "seed \(seed), change \(moment)")
          states += 1
          if finding.problem != nil { problems += 1 }
          distinct.insert(finding.loaded)
        }
      }
    }
    #expect(states > 2000)
    #expect(distinct.count > 5)
    LongTests.report(
      "crash states: \(states), \(problems) of them wrong or lost, in \(started.secondsUntilNow) s")
  }

  /// Whether these tests would notice.
  @Test func missingFsyncIsFound() throws {
    let history = try history(seed: 1, synchronizes: false)
    var random = SeededRandom(seed: 1)
    var problems = Set<String>()
    for moment in 0...history.disk.changeCount {
      let contents = history.disk.contents(afterCrashAt: moment, using: &random)
      if let problem = try look(at: SimulatedDisk(contents), history, moment).problem {
        problems.insert(problem)
      }
    }
    #expect(problems.contains("a whole checkpoint is gone"))
  }

  /// - Returns: the version that was loaded, 0 for none; and what should not have been.
  private func look(
    at disk: SimulatedDisk, _ history: History, _ moment: Int
  ) throws -> (loaded: UInt64, problem: String?) {
    // A reader that does not recover, such as `evaluate`, finds a true state or none.
    let reader = CheckpointStore(directory: Self.directory, fileSystem: disk.fileSystem)
    if let found = try reader.newestValid().checkpoint {
      let version = try SmallCheckpoint.version(of: found)
      if !history.attempts.contains(where: { $0.step == found.step && $0.version == version }) {
        return (0, "a reader found step \(found.step) with another content")
      }
    }
    let store = CheckpointStore(directory: Self.directory, fileSystem: disk.fileSystem)
    try store.recover()
    let checkpoint = try store.newestValid().checkpoint
    var loaded: UInt64 = 0
    if let checkpoint {
      let version = try SmallCheckpoint.version(of: checkpoint)
      loaded = version ?? 0
      let isAllowed = history.allowed(at: moment).contains {
        $0.step == checkpoint.step && $0.version == version
      }
      if !isAllowed {
        return (loaded, "step \(checkpoint.step) is not the newest or not as written")
      }
    } else if history.mustFindOne(at: moment) {
      return (0, "a whole checkpoint is gone")
    }
    let next = (checkpoint?.step ?? 0) + 1
    try SmallCheckpoint.write(step: next, version: 99, to: store)
    let isNext = try store.newestValid().checkpoint?.step == next
    return (loaded, isNext ? nil : "the next checkpoint is not found")
  }
}

/// A checkpoint of one small tensor, whose values tell step and version.
enum SmallCheckpoint {
  private static let count = 150

  private static func values(step: Int, version: UInt64) -> [Float] {
    var random = SeededRandom(seed: UInt64(step) &* 1000 &+ version)
    return [Float(version)] + (1..<count).map { _ in Float.random(in: -1...1, using: &random) }
  }

  static func state(step: Int) -> TrainingState {
    TrainingState(
      step: step, epoch: 0, tokens: step &* 64, config: ["seed": 1],
      corpusFingerprint: String(repeating: "ab", count: 16), tokenizer: .byte,
      model: ModelDescription(
        cell: "rnn", vocabularySize: 256, embeddingSize: 4, hiddenSize: 4, layerCount: 1),
      optimizer: "adam", fingerprint: String(repeating: "cd", count: 16))
  }

  @discardableResult
  static func write(step: Int, version: UInt64, to store: CheckpointStore) throws -> Checkpoint {
    try values(step: step, version: version).withUnsafeBufferPointer { values in
      try store.write(
        step: step, contractVersion: .newest,
        files: [
          .safetensors(
            Checkpoint.modelFile,
            [TensorSource(name: "weight", shape: [count], floats: values.baseAddress!)]),
          .json(Checkpoint.stateFile, state(step: step).json),
        ])
    }
  }

  /// The version that a checkpoint was written with; nil where it holds anything else.
  static func version(of checkpoint: Checkpoint) throws -> UInt64? {
    guard try checkpoint.trainingState() == state(step: checkpoint.step) else { return nil }
    var found = [Float](repeating: .nan, count: count)
    try found.withUnsafeMutableBytes {
      try checkpoint.tensors(in: Checkpoint.modelFile).read("weight", shape: [count], into: $0)
    }
    guard let version = UInt64(exactly: found[0]) else { return nil }
    return values(step: checkpoint.step, version: version) == found ? version : nil
  }
}
