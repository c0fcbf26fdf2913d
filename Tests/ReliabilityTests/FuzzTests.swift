import Configuration
import Corpora
import Foundation
import Records
import Testing

@testable import Checkpoints

/// Damages every kind of file that the program reads, at random but from a seed. A reader may
/// refuse or accept; it must not trap, read beyond the end, or accept what contradicts itself.
@Suite struct FuzzTests {
  /// A million cases over all readers in the long form.
  private static func cases(_ share: Int) -> Int {
    (LongTests.areOn ? 1_000_000 : 10_000) * share / 100
  }

  /// Damages `sound` time and again; `accepts` says whether the reader took it.
  private func fuzz(
    _ name: String, share: Int, seed: UInt64, _ sound: [[UInt8]],
    accepts: ([UInt8]) throws -> Bool
  ) throws {
    var random = SeededRandom(seed: seed)
    let started = ContinuousClock.now
    let cases = Self.cases(share)
    var accepted = 0
    for _ in 0..<cases {
      let bytes = sound.randomElement(using: &random)!.mutated(using: &random)
      if try accepts(bytes) { accepted += 1 }
    }
    #expect(accepted < cases)
    LongTests.report(
      "fuzzed \(name): \(cases) cases, \(accepted) of them accepted, in "
        + "\(started.secondsUntilNow) s")
  }

  @Test func safetensors() throws {
    let disk = SimulatedDisk()
    let path = "/file"
    var sound: [[UInt8]] = []
    let values = (0..<64).map(Float.init)
    try values.withUnsafeBufferPointer { values in
      let shapes: [(String, [Int])] = [
        ("embedding.weight", [3, 5]), ("naïve \"name\"", [2, 1, 3]), ("scalar", []), ("none", [0]),
      ]
      let sources = shapes.map {
        TensorSource(name: $0.0, shape: $0.1, floats: values.baseAddress!)
      }
      let (_, text) = try SafetensorsHeader.laidOut(
        sources.map(\.description), metadata: ["format": "pt"], file: path)
      sound.append(text + sources.flatMap { Array($0.bytes) })
      sound.append(text)
    }
    try fuzz("safetensors", share: 30, seed: 1, sound) { bytes in
      try disk.put(bytes, at: path)
      do throws(CheckpointError) {
        let reader = try SafetensorsReader(path: path, in: disk.fileSystem)
        try requireSound(reader, bytes)
        return true
      } catch {
        guard case .damaged = error else { throw error }
        return false
      }
    }
  }

  private func requireSound(
    _ reader: borrowing SafetensorsReader, _ bytes: [UInt8]
  ) throws(CheckpointError) {
    var end = reader.header.dataOffset
    for entry in reader.header.entries {
      #expect(entry.range.lowerBound == end)
      end = entry.range.upperBound
      let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: entry.range.count, alignment: 8)
      defer { buffer.deallocate() }
      try reader.read(
        entry.tensor.name, type: entry.tensor.type, shape: entry.tensor.shape, into: buffer)
      #expect(buffer.elementsEqual(bytes[entry.range]))
    }
    #expect(end == bytes.count)
  }

  @Test func manifests() throws {
    let files = ["model.safetensors", "optimizer.safetensors", "state.json"].map {
      Manifest.File(name: $0, bytes: 4321, sha256: String(repeating: "0f", count: 32))
    }
    let manifest = Manifest(contractVersion: 1, step: 4200, files: files)
    try fuzz("manifests", share: 20, seed: 2, [try manifest.encoded()]) { bytes in
      do throws(CheckpointError) {
        // Its digest lets nothing through but other ways of writing the same.
        let read = try Manifest(text: bytes, path: "manifest.json")
        #expect(read == manifest)
        return true
      } catch {
        return false
      }
    }
  }

  @Test(arguments: [-1, Int.min, Int.max]) func rejectsImpossibleSteps(step: Int) throws {
    #expect(throws: CheckpointError.self) {
      try SmallCheckpoint.state(step: step).checkPlausible(path: "run")
    }
  }

  @Test func states() throws {
    let state = SmallCheckpoint.state(step: 77)
    try fuzz("states", share: 15, seed: 3, [Array(try state.json.sortedPretty().utf8)]) { bytes in
      do throws(CheckpointError) {
        let read = try TrainingState(text: bytes, path: "state.json")
        try read.checkPlausible(path: "run")
        #expect(read.step >= 0 && read.tokens >= 0 && (read.bestValidationStep ?? 0) <= read.step)
        return true
      } catch {
        return false
      }
    }
  }

  /// Passes over files whose numbers are damaged one by one, far off and by little.
  @Test func passesOverFiles() throws {
    func pass(_ first: Int, _ before: Int) -> FilePass {
      FilePass(
        name: "f\(first)", fingerprint: "ab", firstStep: first, steps: 20, fileBatches: 18,
        rehearsals: 3, rehearsedBefore: before, targetsBefore: first * 10)
    }
    var sound = SmallCheckpoint.state(step: 77)
    sound.filePasses = [pass(41, 40), pass(61, 42)]
    try sound.checkPlausible(path: "run")
    let fields: [WritableKeyPath<FilePass, Int>] = [
      \.firstStep, \.steps, \.fileBatches, \.rehearsals, \.rehearsedBefore, \.targetsBefore,
    ]
    for index in sound.filePasses.indices {
      for field in fields {
        for value in [Int.min, -1, Int.max, Int.max - 1, 1 << 60] {
          var state = sound
          state.filePasses[index][keyPath: field] = value
          #expect(throws: CheckpointError.self, "\(index) \(field) \(value)") {
            try state.checkPlausible(path: "run")
          }
        }
      }
    }
    sound.filePasses.swapAt(0, 1)
    #expect(throws: CheckpointError.self) { try sound.checkPlausible(path: "run") }
    sound.filePasses.swapAt(0, 1)
    try fuzz("passes", share: 10, seed: 8, [Array(try sound.json.sortedPretty().utf8)]) { bytes in
      do throws(CheckpointError) {
        let read = try TrainingState(text: bytes, path: "state.json")
        try read.checkPlausible(path: "run")
        for pass in read.filePasses {
          #expect(pass.lastStep >= pass.firstStep && pass.targetsBefore <= read.tokens)
          #expect(pass.rehearsedBefore + pass.steps * (1 << 16) - pass.fileBatches >= 0)
        }
        return true
      } catch {
        return false
      }
    }
  }

  /// What is in no file alone: a checkpoint is believed only with every byte in place.
  @Test func checkpoints() throws {
    let disk = SimulatedDisk()
    let store = CheckpointStore(directory: "/checkpoints", fileSystem: disk.fileSystem)
    try SmallCheckpoint.write(step: 5, version: 1, to: store)
    let path = store.path(ofStep: 5)
    for (index, name) in [Checkpoint.modelFile, Checkpoint.stateFile].enumerated() {
      let file = path + "/" + name
      let sound = try disk.bytes(at: file)
      try fuzz("\(name) of a checkpoint", share: 5, seed: 4 + UInt64(index), [sound]) { bytes in
        try disk.put(bytes, at: file)
        let selection = try store.newestValid()
        #expect((selection.checkpoint != nil) == (bytes == sound))
        return bytes != sound && selection.checkpoint != nil
      }
      try disk.put(sound, at: file)
    }
  }

  @Test func configs() throws {
    let complete = try Config(
      json: Array(#"{"data": {"train": "t.txt", "valid": "v.txt"}}"#.utf8), file: "c")
    let sound = [
      Array(complete.json.pretty.utf8), Array(complete.json.line.utf8),
      Array(#"{"data": {"train": "a\u0041\n"}, "run": {"steps": 12}}"#.utf8),
    ]
    try fuzz("configs", share: 15, seed: 6, sound) { bytes in
      do throws(ConfigError) {
        let config = try Config(json: bytes, file: "c.json")
        // What is accepted means the same when it is written down and read again.
        let again = try Config(json: Array(config.json.line.utf8), file: "again")
        #expect(again == config)
        #expect(config.batch.sequences.isMultiple(of: config.batch.shards))
        #expect(config.optimizer.learningRate.isFinite && config.optimizer.learningRate > 0)
        return true
      } catch {
        #expect(!error.description.isEmpty)
        return false
      }
    }
  }

  @Test func texts() throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("fuzz-\(UUID().uuidString).txt").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let sound = Array("naïve text, añd — 漢字 \u{1F9E0}\r\n".utf8)
    try fuzz("texts", share: 10, seed: 7, [sound + sound, []]) { bytes in
      let file = try #require(fopen(path, "w"))
      fwrite(bytes, 1, bytes.count, file)
      fclose(file)
      var isAccepted = false
      for kind in Tokenizer.Kind.allCases {
        do throws(CorpusError) {
          let corpus = try TokenCorpus(path: path, learning: kind)
          try check(corpus, bytes, kind)
          if kind == .character { isAccepted = true }
        } catch {
          let isEmpty = bytes.isEmpty || bytes == [0xEF, 0xBB, 0xBF]
          #expect(kind == .character || kind == .word || isEmpty, "\(error)")
        }
      }
      return isAccepted
    }
  }

  private func check(_ corpus: TokenCorpus, _ bytes: [UInt8], _ kind: Tokenizer.Kind)
    throws(CorpusError)
  {
    let size = corpus.tokenizer.vocabularySize
    for index in 0..<corpus.count {
      #expect(corpus[index] >= 0 && corpus[index] < size)
    }
    // A byte order mark is no part of a text, but for bytes.
    let mark = kind != .byte && bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    #expect(corpus.byteCount(of: 0..<corpus.count) == bytes.count - mark)
    if kind == .character || kind == .word {
      #expect(String(validating: bytes, as: UTF8.self) != nil)
    }
    if kind == .byte { #expect(corpus.count == bytes.count) }
  }
}
