import CPlatform

/// Tells a recorder what its thread does, or does nothing: a value without references, for code
/// that must not count them. One thread at a time.
///
/// What the off state costs is a branch: everything else is called.
@frozen @safe @usableFromInline package struct PhaseTimer {
  @usableFromInline let recorder: UnsafeMutablePointer<ThreadRecorder>?

  /// Records nothing.
  @inlinable package init() { unsafe recorder = nil }

  @inlinable init(_ recorder: UnsafeMutablePointer<ThreadRecorder>?) {
    unsafe self.recorder = unsafe recorder
  }

  /// Whether somebody records.
  package var isOn: Bool { unsafe recorder != nil }

  /// What follows is of this kind, and is to do so many operations and move so many bytes.
  ///
  /// It is inlined into other targets: called, it would cost a closure for each argument also where
  /// nothing is measured.
  @inlinable @inline(__always) package func enter(
    _ kind: SpanKind, operations: @autoclosure () -> Int = 0, bytes: @autoclosure () -> Int = 0
  ) {
    guard let recorder = unsafe recorder else { return }
    unsafe Self.enter(kind, operations: operations(), bytes: bytes(), recorder)
  }

  /// What follows is of this kind, until `resume` is called with what this returns.
  @inlinable @inline(__always) package func interrupt(by kind: SpanKind) -> SpanKind {
    guard let recorder = unsafe recorder else { return .other }
    let before = unsafe recorder.pointee.kind
    unsafe Self.enter(kind, operations: 0, bytes: 0, recorder)
    return before
  }

  @inlinable @inline(__always) package func resume(_ kind: SpanKind) { enter(kind) }

  /// Begins a section, or work of one kind alone; what is under way of that goes on.
  ///
  /// - Parameter kind: `other` for a section.
  /// - Returns: when, for `close`.
  @inlinable @inline(__always) package func open(_ kind: SpanKind) -> UInt64 {
    guard let recorder = unsafe recorder else { return 0 }
    return unsafe Self.open(kind, recorder)
  }

  /// Ends a section; none where that is `other`. What follows is of the kind `next`.
  @inlinable @inline(__always) package func close(
    _ section: SpanKind, detail: Int, since start: UInt64, next: SpanKind
  ) {
    guard let recorder = unsafe recorder else { return }
    unsafe Self.close(section, detail, start, next, recorder)
  }

  /// Begins a step of the whole team.
  package func openStep(_ number: Int) { unsafe recorder?.pointee.openStep(number) }

  /// Ends the step, or round of so many steps, where one has begun.
  package func closeStep(of count: Int) { unsafe recorder?.pointee.closeStep(of: count) }

  /// The time, where somebody records.
  package var now: UInt64 { isOn ? nanoseconds() : 0 }

  /// Adds a span that is over, as to what goes on beside the steps.
  package func add(_ kind: SpanKind, since start: UInt64, until end: UInt64) {
    if start > 0 { unsafe recorder?.pointee.append(kind, since: start, until: end) }
  }

  /// What the thread does.
  package var kind: SpanKind { unsafe recorder?.pointee.kind ?? .other }

  @inline(never) @usableFromInline static func enter(
    _ kind: SpanKind, operations: Int, bytes: Int,
    _ recorder: UnsafeMutablePointer<ThreadRecorder>
  ) {
    unsafe recorder.pointee.enter(kind, operations: operations, bytes: bytes)
  }

  @inline(never) @usableFromInline static func open(
    _ kind: SpanKind, _ recorder: UnsafeMutablePointer<ThreadRecorder>
  ) -> UInt64 {
    unsafe recorder.pointee.open(kind)
  }

  @inline(never) @usableFromInline static func close(
    _ section: SpanKind, _ detail: Int, _ start: UInt64, _ next: SpanKind,
    _ recorder: UnsafeMutablePointer<ThreadRecorder>
  ) {
    unsafe recorder.pointee.close(section, detail: detail, since: start, next: next)
  }
}

/// The timers of a team's threads, in order; a value without references.
@frozen @safe @usableFromInline package struct TeamTimers {
  @usableFromInline let first: UnsafeMutablePointer<ThreadRecorder>?

  /// Records nothing.
  @inlinable package init() { unsafe first = nil }

  init(_ first: UnsafeMutablePointer<ThreadRecorder>) { unsafe self.first = unsafe first }

  @inlinable package subscript(thread: Int) -> PhaseTimer {
    @inline(__always) get {
      guard let first = unsafe first else { return PhaseTimer() }
      return unsafe PhaseTimer(first + thread)
    }
  }

  /// Those of the threads from `thread` on.
  package func from(thread: Int) -> TeamTimers {
    guard let first = unsafe first else { return self }
    return unsafe TeamTimers(first + thread)
  }
}
