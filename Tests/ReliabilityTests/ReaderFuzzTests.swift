import Batches
import Configuration
import Datasets
import Engine
import Foundation
import Records
import Tables
import Tasks
import Testing
import TextSequences

/// Damages data of every form that tasks read. A reader may refuse what it gets or take it; it must
/// not trap, take longer or more memory than the file is worth, or find something else in the same
/// file when it reads it again.
@Suite struct ReaderFuzzTests {
  private static func cases(of form: DamagedForm) -> Int { LongTests.areOn ? 40_000 : 250 }

  @Test(arguments: DamagedForm.all)
  func damagedDataAreRefusedOrReadAlikeTwice(form: DamagedForm) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("fuzz-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
    for (name, content) in form.beside { try put(content, at: path(name)) }
    let data = form.beside.keys.contains("a.npy") ? "a.npy" : form.file
    var request = try request(form.config, train: path(data))
    try put(form.sound[0], at: path(form.file))
    // What is sound is read.
    let sound = try SequenceData(opening: request)
    #expect(digest(of: sound, request).count > 0)
    var random = SeededRandom(seed: UInt64(form.config.utf8.count * 1000 + form.sound[0].count))
    let (started, cases) = (ContinuousClock.now, Self.cases(of: form))
    var (accepted, slowest, worst) = (0, Duration.zero, [UInt8]())
    request.progress = ReadingProgress()
    request.progress?.allow(MemoryAllowance(bytes: 1 << 36, owner: "the machine has"))
    for _ in 0..<cases {
      let bytes = form.sound.randomElement(using: &random)!.mutated(using: &random)
      try put(bytes, at: path(form.file))
      let began = ContinuousClock.now
      let first = outcome(of: request, sound)
      let took = ContinuousClock.now - began
      if took > slowest { (slowest, worst) = (took, bytes) }
      let second = outcome(of: request, sound)
      if first != second {
        Issue.record("\(form): \(bytes) is read as \(first), then as \(second)")
      }
      if !first.hasPrefix("error") { accepted += 1 }
    }
    #expect(accepted < cases)
    #expect(slowest < .seconds(10), "\(worst)")
    LongTests.report(
      "fuzzed \(form): \(cases) cases, \(accepted) accepted, slowest \(slowest), in "
        + "\(started.secondsUntilNow) s")
  }

  private func put(_ bytes: [UInt8], at path: String) throws {
    let file = try #require(fopen(path, "w"))
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
  }

  private func request(_ json: String, train: String) throws -> SequenceRequest {
    let config = try Config(
      json: Array(json.utf8), file: "c.json",
      overrides: [
        ConfigOverride(set: "data.train=\(train)"), ConfigOverride(set: "batch.sequences=2"),
        ConfigOverride(set: "batch.shards=2"), ConfigOverride(set: "batch.window=6"),
      ])
    return config.sequenceRequest
  }

  /// What three ways of reading make of a file: to train, to validate by what another file taught,
  /// and to predict, in parts.
  private func outcome(of request: SequenceRequest, _ sound: SequenceData) -> String {
    let whole = described {
      digest(of: try SequenceData(opening: request), request)
    }
    var held = request
    (held.valid, held.validFraction, held.testFraction) = (held.train, 0, 0)
    held.split = DataSplit()
    let measured = described {
      let data = try SequenceData(opening: held, frame: sound.frame, tokenizer: sound.tokenizer)
      return digest(of: data, held)
    }
    let parts = described { try self.parts(of: held, sound) }
    return [whole, measured, parts].joined(separator: "\n")
  }

  private func described(_ body: () throws -> String) -> String {
    do { return try body() } catch {
      let words = "\(error)"
      #expect(!words.isEmpty)
      return "error: \(words)"
    }
  }

  /// What reading part by part gives.
  private func parts(of request: SequenceRequest, _ sound: SequenceData) throws -> String {
    var (request, found) = (request, [String]())
    let isWindows = request.task.sequences == .windows
    if let frame = sound.frame { request.adopt(frame) }
    request.parts = PartRequest(
      steps: 3, cutsSequences: isWindows, tellsSteps: isWindows, kept: [])
    let file = try DataFile(path: request.train)
    if let text = request.text, let tokenizer = sound.tokenizer {
      let texts = PredictedTexts(request, text, tokenizer, bytes: 5)
      found += try texts.forEachPart(of: file) { part in
        let set = part.set
        let tokens = (0..<set.starts[set.count]).map { set.tokens[$0] }
        found.append("\(part.lines) \((0...set.count).map { set.starts[$0] }) \(tokens)")
      }
    } else {
      found += try file.forEachPart(request) { table in
        let values = table.values.map(\.bitPattern)
        found.append("\(table.part.sequencesBefore) \(table.starts) \(values)")
        if let frame = sound.frame {
          _ = try table.taken(by: frame, missing: request.missing, path: request.train)
        }
      }
    }
    return found.joined(separator: " | ")
  }

  /// What there is to say of data, and what the first batches of them hold.
  private func digest(of data: SequenceData, _ request: SequenceRequest) -> String {
    var words = ["\(data.words) \(data.fingerprint) \(data.frame?.json.line ?? "")"]
    words.append("\(data.targetCounts) \(data.classWeights) \(data.outputs)")
    for batches in [data.training, data.validation].compactMap({ $0 }) {
      #expect(batches.batchCount > 0)
      for batch in 0..<min(3, batches.batchCount) {
        words.append(filled(by: batches, batch, data, request))
      }
    }
    return words.joined(separator: "\n")
  }

  private func filled(
    by batches: TaskBatches, _ batch: Int, _ data: SequenceData, _ request: SequenceRequest
  ) -> String {
    let (rows, window, slots) = (request.rows, data.window, data.slots)
    let steps = max(window, slots)
    let codes = max(1, data.frame?.categories?.columns.count ?? 1)
    let (width, outputs) = (max(1, data.features ?? 1), max(1, data.outputs))
    var inputs = [Int32](repeating: -7, count: steps * rows * codes)
    var targets = [Int32](repeating: -7, count: steps * rows)
    var starts = [Int32](repeating: 0, count: slots * rows)
    var ends = starts
    var values = [Float](repeating: 0, count: steps * rows * width)
    var numbers = [Float](repeating: 0, count: steps * rows * outputs)
    unsafe inputs.withUnsafeMutableBufferPointer { inputs in
      unsafe targets.withUnsafeMutableBufferPointer { targets in
        unsafe starts.withUnsafeMutableBufferPointer { starts in
          unsafe ends.withUnsafeMutableBufferPointer { ends in
            unsafe values.withUnsafeMutableBufferPointer { values in
              unsafe numbers.withUnsafeMutableBufferPointer { numbers in
                let buffers = unsafe BatchBuffers(
                  sequences: 0..<rows, window: window, inputs: inputs.baseAddress!,
                  inputValues: values.baseAddress!, inputStride: width,
                  targets: targets.baseAddress!, targetValues: numbers.baseAddress!,
                  targetStride: outputs, slotCount: slots, slotStarts: starts.baseAddress!,
                  slotEnds: ends.baseAddress!,
                  isEveryStepRead: request.task.readout == .every, tokensPerStep: codes)
                batches.fill(buffers, batch: batch)
              }
            }
          }
        }
      }
    }
    #expect(values.allSatisfy(\.isFinite) && ends.allSatisfy { (0...Int32(window)).contains($0) })
    return "\(inputs) \(targets) \(starts) \(ends) \(values.map(\.bitPattern)) "
      + "\(numbers.map(\.bitPattern))"
  }
}
