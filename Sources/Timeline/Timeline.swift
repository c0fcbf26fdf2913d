/// What the threads of a rank do, each in a lane of its own: totals always, and single spans while
/// somebody keeps them.
///
/// Lanes are made before steps begin, and read between steps. The timers of a lane must not outlive
/// the timeline.
package final class Timeline {
  @safe private struct Lane {
    let name: String
    let recorder: UnsafeMutablePointer<ThreadRecorder>
    /// Whether it is a thread that goes through every step.
    let isThread: Bool
  }

  /// The memory of a team, or of a lane beside it.
  @safe private struct Storage {
    let first: UnsafeMutablePointer<ThreadRecorder>
    let count: Int
    /// The step under way.
    let step: UnsafeMutablePointer<Int32>
    let ownsStep: Bool
  }

  private var lanes: [Lane] = []
  private var storage: [Storage] = []

  package init() {}

  deinit {
    for team in storage {
      for index in 0..<team.count { unsafe team.first[index].deallocate() }
      unsafe team.first.deinitialize(count: team.count)
      unsafe UnsafeMutableRawPointer(team.first).deallocate()
      if team.ownsStep { unsafe team.step.deallocate() }
    }
  }

  /// Makes a lane for each thread of a team.
  package func team(_ names: [String]) -> TeamTimers {
    let step = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
    unsafe step.initialize(to: 0)
    return unsafe TeamTimers(makeLanes(names, step: step, isThread: true))
  }

  /// Makes a lane for what goes on beside the threads of the team that was made last.
  package func lane(_ name: String) -> PhaseTimer {
    guard let team = storage.last else { preconditionFailure("no team before '\(name)'") }
    return unsafe PhaseTimer(makeLanes([name], step: team.step, isThread: false))
  }

  private func makeLanes(
    _ names: [String], step: UnsafeMutablePointer<Int32>, isThread: Bool
  ) -> UnsafeMutablePointer<ThreadRecorder> {
    let stride = MemoryLayout<ThreadRecorder>.stride
    let first = unsafe UnsafeMutableRawPointer.allocate(
      byteCount: max(1, names.count) * stride, alignment: 128
    ).bindMemory(to: ThreadRecorder.self, capacity: names.count)
    for (index, name) in names.enumerated() {
      unsafe (first + index).initialize(to: ThreadRecorder(step: step))
      lanes.append(unsafe Lane(name: name, recorder: first + index, isThread: isThread))
    }
    storage.append(
      unsafe Storage(first: first, count: names.count, step: step, ownsStep: isThread))
    return unsafe first
  }

  // MARK: - Between steps

  /// Keeps single spans from now on, so many of each thread; forgets those before. 0 ends that.
  package func keepSpans(ofEachThread capacity: Int) {
    for lane in lanes {
      // What goes on beside threads has a few spans a step.
      let room = lane.isThread || capacity == 0 ? capacity : max(1024, capacity / 16)
      unsafe lane.recorder.pointee.keepSpans(room)
    }
  }

  /// Counts what follows as one span of each thread, whatever is entered.
  package func mute(_ kind: SpanKind) {
    for lane in lanes where lane.isThread {
      unsafe lane.recorder.pointee.setMuted(true, kind)
    }
  }

  /// Ends that.
  package func unmute() {
    for (place, lane) in lanes.enumerated() where lane.isThread {
      unsafe lane.recorder.pointee.setMuted(false, place == 0 ? .other : .jobWait)
    }
  }

  /// Counts on from this moment: what came since the last change belongs to nothing.
  package func resume() {
    for lane in lanes { unsafe lane.recorder.pointee.resume() }
  }

  /// Forgets what was counted.
  package func reset() {
    for lane in lanes { unsafe lane.recorder.pointee.reset() }
  }

  /// Ends the span under way on every thread, so that it is kept.
  package func flush() {
    let now = nanoseconds()
    for lane in lanes where lane.isThread {
      unsafe lane.recorder.pointee.advance(to: .other, at: now)
    }
  }

  // MARK: - What there is

  package var laneCount: Int { lanes.count }

  package func name(ofLane lane: Int) -> String { lanes[lane].name }

  /// Spans of a lane for which there was no room.
  package func lostCount(ofLane lane: Int) -> Int { unsafe lanes[lane].recorder.pointee.lostCount }

  /// The spans of a lane, each as it ended: those around others come after these.
  package func spans(ofLane lane: Int) -> [Span] {
    unsafe Array(lanes[lane].recorder.pointee.keptSpans)
  }

  /// Where the time of the first thread has gone.
  package var profile: StepProfile {
    var profile = StepProfile()
    guard let lane = lanes.first else { return profile }
    for kind in SpanKind.allCases {
      profile.add(unsafe lane.recorder.pointee.total(kind), to: kind)
    }
    return profile
  }
}

/// Where the time of steps goes on one thread: each moment belongs to the phase that was entered
/// last, so that the phases add up to the whole.
package struct StepProfile: Sendable {
  package struct Totals: Sendable {
    package var seconds = 0.0
    /// Floating-point operations of matrix products, padding included.
    package var operations = 0.0
    /// Bytes read and written, each array counted once.
    package var bytes = 0.0
  }

  private var totals: [StepPhase: Totals] = [:]

  package subscript(_ phase: StepPhase) -> Totals { totals[phase] ?? Totals() }

  /// The sum of all phases.
  package var seconds: Double { StepPhase.allCases.reduce(0) { $0 + self[$1].seconds } }

  fileprivate mutating func add(_ other: SpanTotals, to kind: SpanKind) {
    totals[kind.phase, default: Totals()].seconds += Double(other.nanoseconds) / 1e9
    totals[kind.phase, default: Totals()].operations += Double(other.operations)
    totals[kind.phase, default: Totals()].bytes += Double(other.bytes)
  }
}
