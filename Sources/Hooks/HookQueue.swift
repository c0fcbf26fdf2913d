/// Events that wait for their commands: in the order in which they came, of each kind the newest.
struct HookQueue: Sendable {
  private(set) var waiting: [HookEvent] = []
  /// Events whose place a newer one has taken.
  private(set) var replaced = 0

  /// Adds an event behind the others; an older one of its kind goes.
  mutating func append(_ event: HookEvent) {
    let before = waiting.count
    waiting.removeAll { $0.kind == event.kind }
    replaced += before - waiting.count
    waiting.append(event)
  }

  /// The event that is next, which waits no longer.
  mutating func removeFirst() -> HookEvent? { waiting.isEmpty ? nil : waiting.removeFirst() }
}
