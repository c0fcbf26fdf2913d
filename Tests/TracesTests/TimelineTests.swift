import Testing
import Timeline

@Suite struct TimelineTests {
  private func kinds(_ timeline: Timeline, lane: Int = 0) -> [SpanKind?] {
    timeline.spans(ofLane: lane).map { SpanKind(rawValue: $0.kind) }
  }

  /// Busy for at least a clock tick.
  private func passTime() {
    let start = nanoseconds()
    while nanoseconds() == start {}
  }

  @Test func momentsBelongToWhatWasEnteredLast() {
    let timeline = Timeline()
    let timer = timeline.team(["a"])[0]
    timeline.keepSpans(ofEachThread: 100)
    timer.openStep(7)
    passTime()
    timer.enter(.data)
    passTime()
    let section = timer.open(.inputProducts)
    passTime()
    timer.enter(.inputProducts, operations: 3)
    passTime()
    timer.enter(.gates, bytes: 5)
    passTime()
    timer.close(.forward, detail: 2, since: section, next: .threadWait)
    passTime()
    timer.closeStep(of: 1)
    #expect(
      kinds(timeline) == [.data, .inputProducts, .gates, .forward, .threadWait, .step])
    let spans = timeline.spans(ofLane: 0)
    #expect(spans.allSatisfy { $0.step == 7 && $0.start < $0.end })
    #expect(spans[3].detail == 2)
    #expect(spans[0].end == spans[1].start && spans[1].end == spans[2].start)
    #expect(spans[3].start == spans[1].start && spans[3].end == spans[2].end)
    #expect(spans[5].end == spans[4].end)
    #expect(timeline.profile[.inputProducts].operations == 3)
    #expect(timeline.profile[.gates].bytes == 5)
  }

  @Test func phasesAddUpToTheWhole() {
    let timeline = Timeline()
    let timer = timeline.team(["a"])[0]
    timeline.reset()
    let start = nanoseconds()
    for kind in SpanKind.allCases where kind < .step {
      timer.enter(kind)
      passTime()
    }
    timer.enter(.other)
    let whole = Double(nanoseconds() - start) / 1e9
    #expect(timeline.profile.seconds <= whole * 1.01 + 1e-5)
    #expect(timeline.profile.seconds >= whole * 0.99 - 1e-5)
    #expect(timeline.spans(ofLane: 0).isEmpty)
  }

  @Test func whatIsInterruptedGoesOn() {
    let timeline = Timeline()
    let timer = timeline.team(["a"])[0]
    timeline.keepSpans(ofEachThread: 100)
    timer.enter(.gates)
    passTime()
    let before = timer.interrupt(by: .messages)
    passTime()
    timer.resume(before)
    passTime()
    timeline.flush()
    #expect(kinds(timeline) == [.gates, .messages, .gates])
  }

  @Test func spansWithoutRoomAreCounted() {
    let timeline = Timeline()
    let timers = timeline.team(["a", "b"])
    timeline.keepSpans(ofEachThread: 10)
    for _ in 0..<8 {
      timers[1].enter(.gates)
      passTime()
      timers[1].enter(.softmax)
      passTime()
    }
    timeline.flush()
    #expect(timeline.spans(ofLane: 1).count == 10)
    #expect(timeline.lostCount(ofLane: 1) == 6)
    #expect(timeline.lostCount(ofLane: 0) == 0)
    timeline.keepSpans(ofEachThread: 10)
    #expect(timeline.spans(ofLane: 1).isEmpty)
    #expect(timeline.lostCount(ofLane: 1) == 0)
  }

  @Test func aMutedTimelineHasOneSpanOfEachThread() {
    let timeline = Timeline()
    let timers = timeline.team(["a", "b"])
    timeline.keepSpans(ofEachThread: 10)
    timeline.mute(.validation)
    for thread in 0..<2 {
      timers[thread].enter(.gates, operations: 4)
      passTime()
      timers[thread].close(.forward, detail: 0, since: timers[thread].open(.data), next: .other)
    }
    timeline.unmute()
    timeline.flush()
    #expect(kinds(timeline) == [.validation])
    #expect(kinds(timeline, lane: 1).first == .validation)
    #expect(timeline.profile[.gates].operations == 0)
  }

  @Test func aTimerWithoutATimelineDoesNothing() {
    var isCalled = false
    let timer = TeamTimers()[3]
    timer.enter(.gates, operations: { isCalled = true; return 1 }())
    #expect(!isCalled)
    #expect(timer.open(.gates) == 0)
    #expect(timer.interrupt(by: .messages) == .other)
    #expect(timer.now == 0)
    #expect(!timer.isOn)
  }
}

extension SpanKind {
  static func < (a: SpanKind, b: SpanKind) -> Bool { a.rawValue < b.rawValue }
}
