import Collectives
import Engine
import Kernels
import Testing

/// What threads record changes no bit, and tells all of them.
@Suite struct RecordingTests {
  private func isUnchanged(
    _ settings: [String], _ places: [(ranks: Int, threads: Int)], following: [Bool] = [false, true]
  ) throws {
    var problem = try TrainingProblem(
      ["model.hidden=37", "model.layers=2", "batch.shards=4"] + settings)
    defer { problem.remove() }
    let alone = try problem.trajectory(ranks: 1, threads: 1, steps: 4)
    problem.isRecorded = true
    for (ranks, threads) in places {
      for isFollowed in following {
        let found = try problem.trajectory(
          ranks: ranks, threads: threads, steps: 4, synchronizesEachStep: !isFollowed)
        #expect(found == (isFollowed ? [alone[3]] : alone), "\(ranks) ranks x \(threads) threads")
      }
    }
  }

  @Test(arguments: [
    [], ["exchange.progress=thread"], ["model.cell=lstm", "model.dropout=0.2"],
    ["exchange.compression=bf16", "exchange.compression_groups=4"],
    ["exchange.sparse=always", "batch.accumulate=2", "optimizer.lazy=true"],
  ])
  func recordingChangesNoBit(settings: [String]) throws {
    try isUnchanged(settings, [(1, 1), (1, 6), (2, 1), (2, 3), (4, 1), (4, 3)])
  }

  @Test func recordingChangesNoBitOfLocalRounds() throws {
    try isUnchanged(
      [
        "exchange.synchronize_every=2", "exchange.local_groups=2", "run.log_every=2",
        "run.validate_every=2", "run.checkpoint_every=2",
      ], [(1, 1), (1, 4), (2, 2)], following: [false])
  }

  /// The timelines of all ranks after some steps.
  private func timelines(
    _ settings: [String], ranks: Int, threads: Int, steps: Int = 3
  ) throws -> [Timeline] {
    let problem = try TrainingProblem(["model.hidden=37", "model.layers=2"] + settings)
    defer { problem.remove() }
    return try ThreadWorld.run(ranks: ranks) { communicator in
      let (trainer, _) = try problem.trainer(on: communicator, threads: threads)
      let timeline = Timeline()
      trainer.record(in: timeline)
      timeline.keepSpans(ofEachThread: 100_000)
      for _ in 0..<steps { _ = try trainer.performStep(isFollowed: true) }
      try trainer.synchronize()
      timeline.flush()
      trainer.record(in: nil)
      return timeline
    }
  }

  private func names(_ timeline: Timeline) -> [String] {
    (0..<timeline.laneCount).map { timeline.name(ofLane: $0) }
  }

  private func kinds(_ timeline: Timeline, _ lane: Int) -> Set<SpanKind> {
    Set(timeline.spans(ofLane: lane).compactMap { SpanKind(rawValue: $0.kind) })
  }

  /// Spans of a thread are beside each other or one within the other.
  private func nest(_ spans: [Span]) -> Bool {
    var around: [Span] = []
    for span in spans.sorted(by: { ($0.start, $1.end) < ($1.start, $0.end) }) {
      while let last = around.last, last.end <= span.start { around.removeLast() }
      if let last = around.last, span.end > last.end { return false }
      around.append(span)
    }
    return true
  }

  @Test(arguments: [(1, 1), (1, 3), (2, 2), (4, 3)])
  func spansOfEveryThreadNestAndTellTheSteps(ranks: Int, threads: Int) throws {
    for timeline in try timelines(["batch.shards=4"], ranks: ranks, threads: threads) {
      for lane in 0..<timeline.laneCount {
        let spans = timeline.spans(ofLane: lane)
        #expect(!spans.isEmpty, "\(timeline.name(ofLane: lane))")
        #expect(nest(spans), "\(timeline.name(ofLane: lane))")
        #expect(timeline.lostCount(ofLane: lane) == 0)
      }
      #expect(timeline.laneCount == threads + (ranks > 1 ? 1 : 0), "\(names(timeline))")
      let steps = timeline.spans(ofLane: 0).filter { $0.kind == SpanKind.step.rawValue }
      #expect(steps.map(\.step) == [1, 2, 3])
      var expected: Set<SpanKind> = [
        .data, .inputProducts, .recurrentProducts, .gates, .outputProducts, .softmax,
        .weightGradients, .operandPacking, .embedding, .norm, .optimizer, .weightPacking,
        .forward, .backward, .step,
      ]
      if ranks > 1 { expected.formUnion([.gradientWait, .parameterWait, .decisionWait]) }
      if threads > 1 { expected.insert(.threadWait) }
      let missing = expected.subtracting(kinds(timeline, 0))
      #expect(missing.isEmpty, "\(missing)")
    }
  }

  @Test func helpersTellTheirWaitsAndTheirJobs() throws {
    let timeline = try timelines(["batch.shards=1"], ranks: 1, threads: 3)[0]
    #expect(
      names(timeline) == ["thread 0", "thread 1, helps 0", "thread 2, helps 0"])
    for lane in 1...2 {
      let expected: Set<SpanKind> = [
        .jobWait, .kernelWait, .forward, .backward, .optimizer, .norm, .weightPacking,
      ]
      #expect(kinds(timeline, lane).isSuperset(of: expected))
    }
  }

  /// Beside the threads it is told what is under way between ranks meanwhile.
  @Test func theExchangeHasALane() throws {
    for timeline in try timelines(["batch.shards=2"], ranks: 2, threads: 1) {
      #expect(names(timeline) == ["thread 0", "exchange"])
      #expect(kinds(timeline, 1) == [.gradientExchange, .parameterExchange])
      #expect(timeline.spans(ofLane: 1).count == 6)
    }
    let threaded = try timelines(
      ["batch.shards=2", "exchange.progress=thread"], ranks: 2, threads: 1)[0]
    #expect(names(threaded) == ["thread 0", "exchange", "exchange thread"])
    // Whether it comes to a turn at all is up to the system.
    #expect(kinds(threaded, 2).isSubset(of: [.messages]))
  }

  @Test func groupsHaveLanesOfTheirOwn() throws {
    let timeline = try timelines(
      [
        "batch.shards=4", "exchange.synchronize_every=2", "exchange.local_groups=2",
        "run.log_every=2", "run.validate_every=2", "run.checkpoint_every=2",
      ], ranks: 1, threads: 2, steps: 2)[0]
    #expect(
      names(timeline) == ["thread 0", "thread 1", "group 0, thread 0", "group 1, thread 0"])
    for lane in 2...3 {
      let steps = timeline.spans(ofLane: lane).filter { $0.kind == SpanKind.step.rawValue }
      #expect(steps.map(\.step) == [1, 2, 3, 4])
      #expect(nest(timeline.spans(ofLane: lane)))
    }
    let rounds = timeline.spans(ofLane: 0).filter { $0.kind == SpanKind.step.rawValue }
    #expect(rounds.map(\.step) == [2, 4])
    #expect(rounds.map(\.detail) == [2, 2])
    #expect(kinds(timeline, 0).contains(.groups))
  }
}
