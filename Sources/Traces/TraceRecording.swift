import Collectives
import Engine
import GRUCore
import Kernels
import Records
import Timeline

/// The recording of some steps on all ranks, under way.
final class TraceRecording {
  private let trainer: Trainer
  private let timeline: Timeline
  /// Whether somebody else has the threads' totals counted too.
  private let isShared: Bool
  private let writer: PhaseTimer
  private let started: UInt64
  private let firstStep: Int
  /// On rank 0.
  private let clocks: [ClockReading]

  /// Begins. Every rank calls it, between steps.
  init(_ trainer: Trainer, stepCount: Int) throws {
    self.trainer = trainer
    try trainer.synchronize()
    isShared = trainer.engine.timeline != nil
    timeline = trainer.engine.timeline ?? Timeline()
    if !isShared { trainer.record(in: timeline) }
    writer = timeline.lane("checkpoint writer")
    firstStep = trainer.step + 1
    clocks = try ClockReading.measure(on: trainer.communicator)
    // Steps of a round are all in it.
    timeline.keepSpans(
      ofEachThread: Self.room(
        trainer, stepCount: stepCount + 2 * (trainer.progress.stepsAtOnce - 1)))
    started = nanoseconds()
  }

  /// Spans that are kept of each thread: several times those of usual steps, within 100 MB.
  private static func room(_ trainer: Trainer, stepCount: Int) -> Int {
    let replica = trainer.replica
    let shape = replica.shape
    // A step in time has some products and elementwise passes each way, with waits and messages
    // between them; weight gradients go by blocks of rows.
    let timeSteps = replica.window * shape.layerDirectionCount
    let rows = replica.table.elementCount / max(1, shape.hiddenSize)
    let ofStep = trainer.engine.batches.perStep * (2048 + 48 * timeSteps + rows / 4)
    return min(1 << 22, .saturatedProduct(stepCount, ofStep))
  }

  func addWriting(_ times: Range<UInt64>) {
    writer.add(
      .checkpointWriting, since: max(started, times.lowerBound),
      until: max(started, times.upperBound))
  }

  /// Ends, and brings everything to rank 0, which writes it. Every rank calls it, between steps.
  ///
  /// - Returns: what came of it, on rank 0.
  func finish(writing draft: FileDraft?, path: String) throws -> TraceReport? {
    try trainer.synchronize()
    timeline.flush()
    let communicator = trainer.communicator
    let last = try ClockReading.measure(on: communicator)
    let own = RankRecord(of: timeline, on: communicator.hostName)
    timeline.keepSpans(ofEachThread: 0)
    if !isShared { trainer.record(in: nil) }
    guard communicator.rank == 0, let draft else {
      try own.send(on: communicator)
      return nil
    }
    let alignments = zip(clocks, last).map(ClockAlignment.init)
    var output = TraceOutput(draft, path: path)
    var counts = [(spans: own.spanCount, lost: own.lostCount)]
    output.write(
      own, rank: 0, alignments, origin: clocks[0].time, of: trainer, from: firstStep)
    for peer in 1..<max(1, communicator.worldSize) {
      let record = try RankRecord.receive(from: peer, on: communicator)
      counts.append((record.spanCount, record.lostCount))
      output.write(record, rank: peer, alignments)
    }
    return output.finish(counts, alignments, steps: firstStep...max(firstStep, trainer.step))
  }
}

/// The file of a timeline. What the disk does not take is told in the end: the other ranks send
/// what they have meanwhile.
private struct TraceOutput {
  private let draft: FileDraft
  private let path: String
  private var file: TraceFile?
  private var failure: String?

  init(_ draft: FileDraft, path: String) {
    self.draft = draft
    self.path = path
  }

  /// Writes the head of the file, and what rank 0 has recorded.
  mutating func write(
    _ record: RankRecord, rank: Int, _ clocks: [ClockAlignment], origin: UInt64,
    of trainer: Trainer, from firstStep: Int
  ) {
    let micro = { (value: Double) in OrderedJSON.number((value * 10).rounded() / 10) }
    let description: OrderedJSON = [
      "program": .string("gru-dist \(programVersion)"),
      "first_step": .integer(firstStep), "last_step": .integer(trainer.step),
      "ranks": .integer(trainer.communicator.worldSize),
      "threads": .integer(trainer.replica.threads),
      "isa": .string(trainer.replica.kernels.instructionSet.rawValue),
      "clock_accuracy_us": .array(clocks.map { micro(Double($0.accuracy) / 1000) }),
      "clock_drift_us": .array(clocks.map { micro(Double($0.drift) / 1000) }),
    ]
    do throws(OutputError) {
      file = try TraceFile(
        draft.file, origin: origin, shape: trainer.replica.shape, description: description)
    } catch { failure = error.reason }
    write(record, rank: rank, clocks)
  }

  mutating func write(_ record: RankRecord, rank: Int, _ clocks: [ClockAlignment]) {
    guard failure == nil else { return }
    do throws(OutputError) {
      try file?.write(record, rank: rank, clock: clocks[rank])
    } catch { failure = error.reason }
  }

  /// Gives the file its name.
  mutating func finish(
    _ counts: [(spans: Int, lost: Int)], _ clocks: [ClockAlignment], steps: ClosedRange<Int>
  ) -> TraceReport {
    if failure == nil {
      do throws(OutputError) { try file?.end() } catch { failure = error.reason }
    }
    if failure == nil {
      do throws(SystemError) { try draft.finish() } catch { failure = error.words }
    }
    if let failure {
      return TraceReport(failure: "--trace '\(path)' cannot be written: \(failure)")
    }
    let spans = counts.reduce(0) { $0 + $1.spans }
    var line =
      "trace       \(path): "
      + (steps.count == 1
        ? "step \(steps.lowerBound)" : "steps \(steps.lowerBound)-\(steps.upperBound)")
      + ", \(Format.grouped(spans)) spans of " + Format.count(counts.count, "rank")
    if clocks.count > 1, clocks.allSatisfy({ $0.accuracy == 0 && $0.drift == 0 }) {
      line += ", which have one clock"
    } else if clocks.count > 1 {
      let accuracy = Double(clocks.map(\.accuracy).max() ?? 0) / 1000
      let drift = Double(clocks.map { abs($0.drift) }.max() ?? 0) / 1000
      line +=
        ", whose clocks agree to \(Format.fixed(accuracy, 1)) us (drift "
        + "\(Format.fixed(drift, 1)) us, taken out)"
    }
    var report = TraceReport(lines: [line])
    let lost = counts.reduce(0) { $0 + $1.lost }
    if lost > 0 {
      let places = counts.indices.filter { counts[$0].lost > 0 }.map { "\($0)" }
      report.lines.append(
        "trace       no room for the last \(Format.grouped(lost)) spans (ranks "
          + "\(places.joined(separator: ", "))): trace fewer steps")
    }
    return report
  }
}
