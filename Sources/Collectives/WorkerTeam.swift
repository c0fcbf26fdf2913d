import Kernels
import Synchronization

/// A fixed set of threads that do one thing together, again and again. Member 0 is the thread that
/// calls `run`; the others live until the team is freed.
///
/// Who waits spins for some tens of microseconds, then sleeps: a step follows the last at once, but
/// a team that has nothing to do, or more threads than cores, costs no time.
package final class WorkerTeam {
  package let memberCount: Int
  private let state: TeamState
  private var threads: [SystemThread] = []

  /// - Parameter count: members of the team, at least 1.
  /// - Throws: where the system has too few threads to give.
  package init(threads count: Int) throws(WorkerTeamError) {
    precondition(count > 0, "threads \(count) < 1")
    memberCount = count
    let state = TeamState(helpers: count - 1)
    self.state = state
    for member in 1..<max(1, count) {
      guard let thread = SystemThread({ state.serve(member) }) else {
        throw WorkerTeamError(wanted: count, found: threads.count + 1)
      }
      threads.append(thread)
    }
  }

  deinit {
    state.stop()
    for thread in threads { thread.join() }
  }

  /// Calls `body` once for each member, at the same time, and returns when all calls have.
  ///
  /// What the calls write is visible to each other only after `run` has returned. Only one thread
  /// may call `run`, and never from within `body`.
  /// - Complexity: one small allocation where there is more than one member; see `runPrepared`.
  package func run(_ body: (Int) -> Void) {
    if memberCount == 1 { return body(0) }
    withoutActuallyEscaping(body) { state.perform($0) }
  }

  /// Gives the team what `runPrepared` calls; nil takes it back.
  package func prepare(_ body: ((Int) -> Void)?) { state.prepared = body ?? { _ in } }

  /// As `run`, with the closure that the team was given by `prepare`. Neither allocates nor counts
  /// references.
  package func runPrepared() {
    if memberCount == 1 { return state.callPrepared(0) }
    state.performPrepared()
  }
}

/// A team that could not be made.
package struct WorkerTeamError: Error, CustomStringConvertible {
  let wanted: Int
  let found: Int

  package var description: String {
    "cannot start \(wanted) threads: the system gave \(found); ask for fewer with --threads, "
      + "or raise the limit of processes (ulimit -u)"
  }
}

/// What the members of a team share. `prepared`, `body` and `isPrepared` are written only while no
/// helper runs, and published by `generation`; everything else is atomic.
private final class TeamState {
  private let helpers: Int
  /// What is done again and again.
  var prepared: (Int) -> Void = { _ in }
  /// What is done once.
  private var body: (Int) -> Void = { _ in }
  /// Which of the two is under way.
  private var isPrepared = false
  private let generation = Atomic<Int>(0)
  private let remaining = Atomic<Int>(0)
  private let stopping = Atomic<Bool>(false)
  private let room = WaitingRoom()

  init(helpers: Int) { self.helpers = helpers }

  func perform(_ work: @escaping (Int) -> Void) {
    body = work
    isPrepared = false
    remaining.store(helpers, ordering: .relaxed)
    advance()
    work(0)
    room.wait { remaining.load(ordering: .sequentiallyConsistent) == 0 }
    body = { _ in }
  }

  func performPrepared() {
    isPrepared = true
    remaining.store(helpers, ordering: .relaxed)
    advance()
    callPrepared(0)
    room.wait { remaining.load(ordering: .sequentiallyConsistent) == 0 }
  }

  /// The life of a helper.
  func serve(_ member: Int) {
    var seen = 0
    while true {
      room.wait { generation.load(ordering: .sequentiallyConsistent) != seen }
      seen += 1
      if stopping.load(ordering: .acquiring) { return }
      if isPrepared { callPrepared(member) } else { call(member) }
      let before = remaining.wrappingSubtract(1, ordering: .sequentiallyConsistent).oldValue
      if before == 1 { room.wake() }
    }
  }

  /// A function of its own, so that the closure is let go before the call is reported as done.
  @inline(never) private func call(_ member: Int) { body(member) }

  /// Calls the prepared closure, which nobody replaces meanwhile.
  func callPrepared(_ member: Int) { prepared(member) }

  func stop() {
    stopping.store(true, ordering: .releasing)
    advance()
  }

  private func advance() {
    generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
    room.wake()
  }
}
