package import Kernels
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A thread that lets an exchange go on while the threads that own it compute.
///
/// The communicator is used by one thread at a time: by this one between `resume` and `pause`, by
/// the owner otherwise.
package final class ProgressThread {
  private let state: State
  private var thread: SystemThread?

  /// Where the system has no thread to give, `pause` lets the exchange go on instead.
  package init(_ exchange: GradientExchange) {
    let state = State(exchange)
    self.state = state
    thread = SystemThread { state.serve() }
  }

  deinit {
    state.stop()
    thread?.join()
  }

  /// Hands the exchange over.
  package func resume() { state.resume() }

  /// Has the thread record when it has the exchange. It has not now.
  package func record(with timer: PhaseTimer) { state.record(with: timer) }

  /// Takes the exchange back; returns what went wrong meanwhile.
  package func pause() -> CollectiveError? { state.pause() }

  /// Everything but `isRunning` is behind the monitor.
  private final class State {
    private let exchange: GradientExchange
    private let monitor = Monitor()
    private let isRunning = Atomic<Bool>(false)
    private var isStopping = false
    private var failure: CollectiveError?
    private var timer = PhaseTimer()

    init(_ exchange: GradientExchange) { self.exchange = exchange }

    func record(with timer: PhaseTimer) {
      monitor.lock()
      self.timer = timer
      monitor.unlock()
    }

    func resume() {
      monitor.lock()
      isRunning.store(true, ordering: .releasing)
      monitor.wakeAll()
      monitor.unlock()
    }

    func pause() -> CollectiveError? {
      isRunning.store(false, ordering: .releasing)
      // The lock is free once the thread has seen it.
      monitor.lock()
      defer { monitor.unlock() }
      return failure
    }

    func stop() {
      monitor.lock()
      isStopping = true
      monitor.wakeAll()
      monitor.unlock()
    }

    func serve() {
      monitor.lock()
      defer { monitor.unlock() }
      while !isStopping {
        guard isRunning.load(ordering: .acquiring), failure == nil, exchange.isUnderWay else {
          timer.enter(.other)
          monitor.wait()
          continue
        }
        timer.enter(.messages)
        do throws(CollectiveError) {
          // Whoever computes needs the core more.
          if try !exchange.advance() { usleep(20) }
        } catch {
          failure = error
        }
      }
    }
  }
}
