import Dispatch
import Foundation
import Records
import Synchronization

/// Starts commands at events of a run, beside the training: one at a time, in the order of the
/// events, on a thread of its own that only waits.
///
/// While a command runs, of each kind of event the newest waits. Posting an event takes a lock and
/// nothing else. No command makes anything of the run fail: what goes wrong is told by `failures`.
package final class HookRunner: Sendable {
  /// Programs and their arguments, by event.
  private let commands: [HookEvent.Kind: [String]]
  private let seconds: Double
  private let log: HookLog

  private struct State {
    var queue = HookQueue()
    /// The event whose command runs.
    var running: HookEvent?
    var failures: [HookFailure] = []
    var failureCount = 0
    var failedKinds: Set<HookEvent.Kind> = []
    var hasThread = false
    var isEnding = false
    /// When the last command has to be over; nil while the run goes on.
    var deadline: ContinuousClock.Instant?
  }

  private let state = Mutex(State())
  private let work = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)
  private let hasFailures = Atomic<Bool>(false)

  /// Seconds that a command has between being asked to end and being ended.
  private static let grace = 0.5

  /// - Parameters:
  ///   - commands: programs and their arguments; a kind of event without one starts nothing.
  ///   - seconds: what each may take.
  ///   - runDirectory: where `hooks.log` takes what they print.
  package init(
    commands: [HookEvent.Kind: [String]], seconds: Double, runDirectory: String
  ) {
    self.commands = commands.filter { !$0.value.isEmpty }
    self.seconds = seconds
    log = HookLog(path: "\(runDirectory)/\(RunFiles.hooksLog)")
  }

  /// Has the command of an event started as soon as those before it are over.
  package func post(_ event: HookEvent) {
    guard commands[event.kind] != nil else { return }
    let isFirst = state.withLock { state in
      state.queue.append(event)
      defer { state.hasThread = true }
      return !state.hasThread
    }
    if isFirst { Thread.detachNewThread { self.serve() } }
    work.signal()
  }

  /// What has gone wrong since the last call.
  package func takeFailures() -> [HookFailure] {
    guard hasFailures.exchange(false, ordering: .relaxed) else { return [] }
    return state.withLock { state in
      defer { state.failures = [] }
      return state.failures
    }
  }

  /// Steps whose checkpoints commands work with, or are about to.
  package var stepsInUse: Set<Int> {
    state.withLock { state in
      Set((state.queue.waiting + [state.running].compactMap { $0 }).map(\.step))
    }
  }

  /// Events that started no command, since a newer one of their kind came before their turn.
  package var replacedCount: Int { state.withLock { $0.queue.replaced } }

  /// Waits until no command runs or waits, no longer than one may take; what is left then is ended.
  ///
  /// - Parameter beat: is called ten times a second.
  package func finish(whileWaiting beat: () -> Void = {}) {
    let hasThread = state.withLock { state in
      state.isEnding = true
      state.deadline = .now + .seconds(seconds)
      return state.hasThread
    }
    guard hasThread else { return }
    work.signal()
    // The thread keeps the time itself; should it not get the processor, the run does not hang.
    let last = ContinuousClock.now + .seconds(seconds + 4 * Self.grace)
    while ContinuousClock.now < last {
      if ended.wait(timeout: .now() + 0.1) == .success { return }
      beat()
    }
  }

  /// The thread: runs commands until the run ends.
  private func serve() {
    while true {
      work.wait()
      let (event, isOver) = state.withLock { state in
        let event = state.queue.removeFirst()
        state.running = event
        return (event, event == nil && state.isEnding)
      }
      if isOver { return _ = ended.signal() }
      guard let event else { continue }
      let reason = perform(event)
      state.withLock { state in
        state.running = nil
        guard let reason else { return }
        state.failureCount += 1
        state.failures.append(
          HookFailure(
            kind: event.kind, step: event.step, reason: reason, count: state.failureCount,
            isFirst: state.failedKinds.insert(event.kind).inserted))
      }
      if reason != nil { hasFailures.store(true, ordering: .relaxed) }
      // Whatever waits still has its signal, but for the end's.
      if state.withLock({ $0.isEnding }) { work.signal() }
    }
  }

  /// Runs the command of an event to its end; returns what went wrong.
  private func perform(_ event: HookEvent) -> String? {
    guard let command = commands[event.kind] else { return nil }
    let start = ContinuousClock.now
    if let deadline = state.withLock({ $0.deadline }), start >= deadline {
      return "was not started: the commands before it took all of the time that the run waits"
    }
    let logStart = log.begin(event, command)
    defer { log.bound(from: logStart) }
    let child: Child
    do {
      child = try Child(
        command, environment: event.environment(from: ProcessInfo.processInfo.environment),
        output: log.path)
    } catch {
      return "'\(command[0])' cannot be started: \(error)"
    }
    var end = child.end()
    var pause = 0.002
    while end == nil {
      let deadline = min(
        start + .seconds(seconds), state.withLock { $0.deadline } ?? start + .seconds(seconds))
      if ContinuousClock.now >= deadline {
        child.terminate(patience: Self.grace)
        let limit = Format.fixed((ContinuousClock.now - start).seconds, 1)
        return "was ended after \(limit) s (run.hooks.seconds is \(Int(seconds)))"
      }
      Thread.sleep(forTimeInterval: pause)
      log.bound(from: logStart)
      pause = min(0.05, 1.5 * pause)
      end = child.end()
    }
    return end?.problem
  }
}
