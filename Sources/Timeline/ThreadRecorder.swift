import CPlatform

/// A span of time that one thread spent on one thing.
package struct Span: Sendable, BitwiseCopyable, Equatable {
  /// Nanoseconds of the host's clock.
  package var start: UInt64
  package var end: UInt64
  /// The step under way, counted from 1; 0 before the first one.
  package var step: Int32
  /// The layer of `forward`, the stage of `backward`, the steps of `step`.
  package var detail: Int16
  package var kind: UInt8

  package init(_ kind: SpanKind, start: UInt64, end: UInt64, step: Int32 = 0, detail: Int16 = 0) {
    self.kind = kind.rawValue
    self.start = start
    self.end = end
    self.step = step
    self.detail = detail
  }
}

/// Time and work of one kind.
package struct SpanTotals: Sendable {
  package var nanoseconds: UInt64 = 0
  /// Floating-point operations of matrix products, padding included.
  package var operations = 0
  /// Bytes read and written, each array counted once.
  package var bytes = 0
}

/// What one thread has recorded. Only that thread touches it, but for whoever gives the thread its
/// jobs, between two of them. Takes no lock and allocates nothing.
@safe @usableFromInline package struct ThreadRecorder {
  /// What the thread does since when: each moment belongs to what was entered last.
  @usableFromInline var kind = SpanKind.other
  private var since = nanoseconds()
  /// Whether what is entered counts for nothing.
  private var isMuted = false
  private var stepStart: UInt64 = 0
  private let totals: UnsafeMutablePointer<SpanTotals>
  /// The step under way, of the whole team.
  private let step: UnsafeMutablePointer<Int32>
  /// What is kept, where somebody asks for more than totals.
  private var spans: UnsafeMutablePointer<Span>?
  private var capacity = 0
  private(set) var count = 0
  /// Spans for which there was no room.
  private(set) var lostCount = 0
  /// Neighbours write to cache lines of their own.
  private let padding = (0, 0, 0, 0, 0, 0)

  init(step: UnsafeMutablePointer<Int32>) {
    unsafe self.step = unsafe step
    unsafe totals = .allocate(capacity: SpanKind.allCases.count)
    unsafe totals.initialize(repeating: SpanTotals(), count: SpanKind.allCases.count)
    unsafe spans = nil
  }

  func deallocate() {
    unsafe totals.deallocate()
    unsafe spans?.deallocate()
  }

  // MARK: - While steps go on

  mutating func enter(_ next: SpanKind, operations: Int, bytes: Int) {
    if isMuted { return }
    unsafe totals[Int(next.rawValue)].operations += operations
    unsafe totals[Int(next.rawValue)].bytes += bytes
    if next != kind { advance(to: next, at: nanoseconds()) }
  }

  /// What has been going on ends, and `next` begins.
  mutating func advance(to next: SpanKind, at now: UInt64) {
    if isMuted { return }
    if now > since {
      unsafe totals[Int(kind.rawValue)].nanoseconds += now - since
      if kind != .other { append(kind, since: since, until: now) }
    }
    kind = next
    since = now
  }

  mutating func append(_ kind: SpanKind, since: UInt64, until: UInt64, detail: Int = 0) {
    guard let spans = unsafe spans else { return }
    if count == capacity {
      lostCount += 1
      return
    }
    unsafe (spans + count).initialize(
      to: Span(
        kind, start: since, end: until, step: step.pointee,
        detail: Int16(truncatingIfNeeded: detail)))
    count += 1
  }

  mutating func open(_ next: SpanKind) -> UInt64 {
    if next == kind, next != .other { return since }
    let now = nanoseconds()
    advance(to: next, at: now)
    return now
  }

  mutating func close(_ section: SpanKind, detail: Int, since start: UInt64, next: SpanKind) {
    let now = nanoseconds()
    advance(to: next, at: now)
    if section != .other, !isMuted { append(section, since: start, until: now, detail: detail) }
  }

  mutating func openStep(_ number: Int) {
    let now = nanoseconds()
    advance(to: .other, at: now)
    unsafe step.pointee = Int32(truncatingIfNeeded: number)
    stepStart = now
  }

  mutating func closeStep(of count: Int) {
    close(stepStart == 0 ? .other : .step, detail: count, since: stepStart, next: .other)
    stepStart = 0
  }

  // MARK: - Between steps

  mutating func setMuted(_ muted: Bool, _ kind: SpanKind) {
    if muted {
      advance(to: kind, at: nanoseconds())
      isMuted = true
    } else {
      isMuted = false
      advance(to: kind, at: nanoseconds())
    }
  }

  /// Makes room for so many spans, and forgets those before; 0 ends that.
  mutating func keepSpans(_ capacity: Int) {
    unsafe spans?.deallocate()
    unsafe spans = nil
    if capacity > 0 {
      // Written once, so that no step waits for the system to bring the pages.
      let room = UnsafeMutablePointer<Span>.allocate(capacity: capacity)
      unsafe room.initialize(repeating: Span(.other, start: 0, end: 0), count: capacity)
      unsafe spans = unsafe room
    }
    self.capacity = capacity
    count = 0
    lostCount = 0
    stepStart = 0
    since = nanoseconds()
  }

  /// Counts on from this moment: what came since the last change belongs to nothing.
  mutating func resume() {
    kind = .other
    since = nanoseconds()
  }

  /// Forgets what was counted.
  mutating func reset() {
    unsafe totals.update(repeating: SpanTotals(), count: SpanKind.allCases.count)
    resume()
  }

  var keptSpans: UnsafeBufferPointer<Span> {
    unsafe UnsafeBufferPointer(start: spans, count: count)
  }

  func total(_ kind: SpanKind) -> SpanTotals { unsafe totals[Int(kind.rawValue)] }
}

/// Nanoseconds of a clock that all threads and processes of a host share, and that never goes back.
package func nanoseconds() -> UInt64 { platform_nanoseconds() }
