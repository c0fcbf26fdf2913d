#if os(Linux)
  import Glibc

  /// A switch whose ports have a bandwidth in each direction, and whose cables have a delay.
  ///
  /// A frame leaves its sender at the port's bandwidth: the next one is taken only when it is out,
  /// so that the rest waits in the sender's own queue, as behind a network card. It arrives after
  /// the delay, and after the frames that are on their way to the same port. What finds all
  /// buffers taken is lost.
  @safe final class Switch {
    private var ports: [Port]
    private let nanosecondsPerByte: Double
    private let delay: UInt64
    private let buffers: UnsafeMutableRawPointer
    private var freeBuffers: [Int]
    private var turns: CoreTurns

    static let bufferCount = 4096

    /// - Parameters:
    ///   - devices: of the hosts; frames to the address 02:00:00:00:00:N go to the N-th, from 1.
    ///   - bitsPerSecond: of every port, each way; 0 does not limit them.
    ///   - delay: from any host to any other.
    init(devices: [TapDevice], bitsPerSecond: Double, delay: Duration) {
      ports = devices.map { Port(descriptor: $0.descriptor) }
      nanosecondsPerByte = bitsPerSecond > 0 ? 8e9 / bitsPerSecond : 0
      let (seconds, attoseconds) = delay.components
      turns = CoreTurns(hosts: devices.count)
      self.delay = UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
      unsafe buffers = .allocate(
        byteCount: Self.bufferCount * TapDevice.mostBytes, alignment: 4096)
      freeBuffers = Array((0..<Self.bufferCount).reversed())
    }

    deinit { unsafe buffers.deallocate() }

    /// Carries frames until `end` can be read from or is closed.
    func run(until end: Int32) {
      let last = (ports.map(\.descriptor) + [end]).max() ?? end
      while true {
        let now = Self.now()
        turns.take(at: now)
        var wake = min(deliver(now), now + 1_000_000_000)
        var readable = DescriptorSet()
        readable.insert(end)
        for port in ports where !port.isGone {
          if port.sendFree > now {
            wake = min(wake, port.sendFree)
          } else {
            readable.insert(port.descriptor)
          }
        }
        let rest = Int(wake > now ? wake - now : 0)
        var timeout = timespec(tv_sec: rest / 1_000_000_000, tv_nsec: rest % 1_000_000_000)
        if unsafe pselect(last + 1, &readable.bits, nil, nil, &timeout, nil) < 0 {
          if errno == EINTR { continue }
          return
        }
        if readable.contains(end) { return }
        for index in ports.indices {
          if readable.contains(ports[index].descriptor) {
            take(from: index)
          } else if ports[index].sendFree <= now {
            ports[index].hasQueue = false
          }
        }
      }
    }

    /// Hands over the frames that have arrived; returns when the next one does.
    private func deliver(_ now: UInt64) -> UInt64 {
      var next = UInt64.max
      for index in ports.indices {
        while let frame = ports[index].frames.first, frame.due <= now {
          // A host that is down does not take it: the frame is lost.
          _ = unsafe write(ports[index].descriptor, address(frame.buffer), frame.count)
          freeBuffers.append(frame.buffer)
          ports[index].frames.removeFirst()
        }
        if let frame = ports[index].frames.first { next = min(next, frame.due) }
      }
      return next
    }

    /// Takes frames from a host until its port is busy.
    private func take(from index: Int) {
      while true {
        let now = Self.now()
        if ports[index].sendFree > now {
          ports[index].hasQueue = true
          return
        }
        guard let buffer = freeBuffers.popLast() else { return drop(from: index) }
        let count = unsafe read(ports[index].descriptor, address(buffer), TapDevice.mostBytes)
        guard count >= TapDevice.headerBytes + 14 else {
          // The interface goes away with its host.
          if count < 0, errno != EAGAIN, errno != EINTR { ports[index].isGone = true }
          freeBuffers.append(buffer)
          ports[index].hasQueue = false
          return
        }
        // What waited for the port left as soon as it could, however late we are.
        let start = ports[index].hasQueue ? ports[index].sendFree : now
        let bytes = unsafe TapDevice.wireBytes(of: address(buffer), count: count)
        let duration = UInt64(Double(bytes) * nanosecondsPerByte)
        ports[index].sendFree = start + duration
        forward(buffer, count, from: index, sent: start + duration, duration)
      }
    }

    /// Puts a frame on its way to the port that its address names, or to all others.
    private func forward(
      _ buffer: Int, _ count: Int, from sender: Int, sent: UInt64, _ duration: UInt64
    ) {
      let target = unsafe address(buffer) + TapDevice.headerBytes
      let isForAll = unsafe target.load(as: UInt8.self) & 1 != 0
      let number = unsafe Int(target.load(fromByteOffset: 5, as: UInt8.self)) - 1
      var receivers = isForAll ? ports.indices.filter { $0 != sender } : [number]
      receivers.removeAll { !ports.indices.contains($0) || ports[$0].isGone || $0 == sender }
      for (place, port) in receivers.enumerated() {
        var own = buffer
        if place > 0 {
          guard let copy = freeBuffers.popLast() else { return }
          unsafe address(copy).copyMemory(from: address(buffer), byteCount: count)
          own = copy
        }
        let due = max(sent + delay, ports[port].receiveFree + duration)
        ports[port].receiveFree = due
        ports[port].frames.append(Frame(buffer: own, count: count, due: due))
      }
      if receivers.isEmpty { freeBuffers.append(buffer) }
    }

    /// Loses a frame, for want of a buffer.
    private func drop(from index: Int) {
      unsafe withUnsafeTemporaryAllocation(byteCount: TapDevice.mostBytes, alignment: 16) { bytes in
        _ = unsafe read(ports[index].descriptor, bytes.baseAddress, bytes.count)
      }
    }

    private func address(_ buffer: Int) -> UnsafeMutableRawPointer {
      unsafe buffers + buffer * TapDevice.mostBytes
    }

    /// Nanoseconds of a clock that is never set.
    private static func now() -> UInt64 {
      var time = timespec()
      unsafe clock_gettime(CLOCK_MONOTONIC, &time)
      return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
  }

  /// Descriptors to wait for, below 1,024.
  private struct DescriptorSet {
    var bits = fd_set()

    mutating func insert(_ descriptor: Int32) {
      let (word, bit) = (Int(descriptor) / 64, Int(descriptor) % 64)
      unsafe withUnsafeMutableBytes(of: &bits) {
        unsafe $0.bindMemory(to: UInt64.self)[word] |= 1 << bit
      }
    }

    func contains(_ descriptor: Int32) -> Bool {
      let (word, bit) = (Int(descriptor) / 64, Int(descriptor) % 64)
      return unsafe withUnsafeBytes(of: bits) {
        unsafe $0.bindMemory(to: UInt64.self)[word] & 1 << bit != 0
      }
    }
  }

  /// One host's place at the switch.
  private struct Port {
    let descriptor: Int32
    /// When the last frame from the host is out, and when the last one to it has arrived.
    var sendFree: UInt64 = 0
    var receiveFree: UInt64 = 0
    /// Whether frames may have been waiting for the port to be free.
    var hasQueue = false
    /// Whether the host and its interface are no more.
    var isGone = false
    var frames = FrameQueue()

    init(descriptor: Int32) { self.descriptor = descriptor }
  }

  private struct Frame {
    var buffer: Int
    var count: Int
    /// When it arrives.
    var due: UInt64
  }

  /// Frames in the order of their arrival, as many as there are buffers.
  private struct FrameQueue {
    private var ring = [Frame](
      repeating: Frame(buffer: 0, count: 0, due: 0), count: Switch.bufferCount)
    private var head = 0
    private var count = 0

    var first: Frame? { count > 0 ? ring[head] : nil }

    mutating func append(_ frame: Frame) {
      ring[(head + count) % ring.count] = frame
      count += 1
    }

    mutating func removeFirst() {
      head = (head + 1) % ring.count
      count -= 1
    }
  }
#endif
