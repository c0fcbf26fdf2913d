#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A thread of the operating system that runs one closure and is then joined.
///
/// The closure may capture what is not `Sendable`: whoever starts a thread answers for what the two
/// sides share.
package struct SystemThread {
  private final class Body {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
  }

  private let handle: pthread_t

  /// - Returns: nil where the system has no thread to give.
  package init?(_ run: @escaping () -> Void) {
    let body = unsafe Unmanaged.passRetained(Body(run))
    #if canImport(Darwin)
      var thread: pthread_t?
      let status = pthread_create(&thread, nil, { Self.main($0) }, body.toOpaque())
    #else
      var thread: pthread_t? = pthread_t()
      let status = unsafe pthread_create(
        &thread!, nil, { unsafe Self.main($0!) }, unsafe body.toOpaque())
    #endif
    guard status == 0, let thread else {
      unsafe body.release()
      return nil
    }
    handle = thread
  }

  private static func main(_ raw: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    unsafe Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run()
    return nil
  }

  /// Returns when the closure has.
  package func join() { pthread_join(handle, nil) }
}

/// Lets other threads that want this core run first.
@inline(__always) func yieldProcessor() { sched_yield() }

/// The processor time that the calling thread has had.
package func threadProcessorTime() -> Duration {
  var time = timespec()
  unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}

/// The name of this machine, "localhost" where it has none.
package func systemHostName() -> String {
  unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 257) { name in
    unsafe name.initialize(repeating: 0)
    guard let start = name.baseAddress, unsafe gethostname(start, 256) == 0 else {
      return "localhost"
    }
    return unsafe String(cString: start)
  }
}
