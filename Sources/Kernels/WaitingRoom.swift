import CPlatform
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A lock with one condition, to be used as in `lock(); while !condition { wait() }; unlock()`.
@safe package struct Monitor: ~Copyable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  package init() {
    mutex.initialize(to: pthread_mutex_t())
    condition.initialize(to: pthread_cond_t())
    let mutexStatus = pthread_mutex_init(mutex, nil)
    precondition(mutexStatus == 0, "pthread_mutex_init returned \(mutexStatus)")
    let conditionStatus = pthread_cond_init(condition, nil)
    precondition(conditionStatus == 0, "pthread_cond_init returned \(conditionStatus)")
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  package func lock() { pthread_mutex_lock(mutex) }
  package func unlock() { pthread_mutex_unlock(mutex) }
  /// Releases the lock while asleep; may wake without cause.
  package func wait() { pthread_cond_wait(condition, mutex) }
  package func wakeAll() { pthread_cond_broadcast(condition) }

  package borrowing func locked<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    lock()
    defer { unlock() }
    return try body()
  }
}

/// Where threads wait for what others of the process do: awake for some tens of microseconds, then
/// asleep. What soon comes is seen at once, and who waits for long, or has no core, costs no time.
package struct WaitingRoom: ~Copyable {
  /// Threads that sleep or are about to; whoever changes what they wait for must then wake them.
  private let sleepers = Atomic<Int>(0)
  private let monitor = Monitor()

  package init() {}

  /// To be called after every change of what somebody may wait for; the change itself is a
  /// sequentially consistent store.
  @inline(__always) package borrowing func wake() {
    // A sleeper counts itself before it looks a last time, and all of these accesses have one
    // order: either it sees the change, or it is counted here.
    guard sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return }
    monitor.locked { monitor.wakeAll() }
  }

  /// Returns when `condition`, which loads with sequential consistency, has come true.
  @inline(__always) package borrowing func wait(until condition: () -> Bool) {
    if Self.spin(condition) { return }
    sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
    monitor.lock()
    while !condition() { monitor.wait() }
    monitor.unlock()
    sleepers.wrappingSubtract(1, ordering: .sequentiallyConsistent)
  }

  /// Waits awake for about 40 microseconds, yielding in between for the sake of other threads.
  ///
  /// - Returns: whether the condition came true.
  @inline(__always) private static func spin(_ condition: () -> Bool) -> Bool {
    var deadline: UInt64 = 0
    while true {
      for _ in 0..<50 {
        if condition() { return true }
        platform_pause()
      }
      let now = platform_nanoseconds()
      if deadline == 0 { deadline = now + 40_000 }
      if now > deadline { return false }
      sched_yield()
    }
  }
}
