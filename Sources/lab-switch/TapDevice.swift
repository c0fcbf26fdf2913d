#if os(Linux)
  import Glibc
  import Records

  /// A network interface whose frames this process sends and receives.
  ///
  /// Frames come with a header of 10 bytes (the kernel's `virtio_net_hdr`) and may be many segments
  /// of a TCP stream at once, as network cards take them from the kernel.
  struct TapDevice {
    /// Reading and writing it never waits.
    let descriptor: Int32

    /// Bytes of the header before each frame.
    static let headerBytes = 10
    /// The longest frame with its header.
    static let mostBytes = 68 << 10

    /// Makes the interface `name`; it is gone when the descriptor is closed.
    init(name: String) throws {
      precondition(name.utf8.count < 16, "an interface name of \(name.utf8.count) bytes")
      descriptor = unsafe open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)
      guard descriptor >= 0 else { throw TapError("/dev/net/tun: open", errno) }
      // struct ifreq: 16 bytes of name, then flags.
      var request = [UInt8](repeating: 0, count: 40)
      request.replaceSubrange(0..<name.utf8.count, with: Array(name.utf8))
      let flags = Self.tap | Self.withoutPacketInformation | Self.withHeader
      request[16] = UInt8(truncatingIfNeeded: flags)
      request[17] = UInt8(truncatingIfNeeded: flags >> 8)
      if unsafe ioctl(descriptor, Self.setInterface, &request) != 0 {
        throw TapError("interface \(name): TUNSETIFF", errno)
      }
      if ioctl(descriptor, Self.setOffload, Self.offloads) != 0 {
        throw TapError("interface \(name): TUNSETOFFLOAD", errno)
      }
    }

    // From <linux/if_tun.h>.
    private static let tap: UInt16 = 0x0002
    private static let withoutPacketInformation: UInt16 = 0x1000
    private static let withHeader: UInt16 = 0x4000
    private static let setInterface: UInt = 0x4004_54CA
    private static let setOffload: UInt = 0x4004_54D0
    /// Checksums, and TCP segments of IPv4 and IPv6, with congestion marks too.
    private static let offloads: CInt = 0x01 | 0x02 | 0x04 | 0x08

    /// The bytes that a frame takes on a cable: headers of every segment, preamble, checksum and
    /// the gap after it.
    static func wireBytes(of frame: UnsafeRawPointer, count: Int) -> Int {
      let framing = 24
      let bytes = count - headerBytes
      let headers = unsafe Int(frame.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
      let segment = unsafe Int(frame.loadUnaligned(fromByteOffset: 4, as: UInt16.self))
      let isSegmented = unsafe frame.load(fromByteOffset: 1, as: UInt8.self) != 0
      guard isSegmented, segment > 0, bytes > headers else { return bytes + framing }
      let segments = (bytes - headers + segment - 1) / segment
      return bytes + (segments - 1) * headers + segments * framing
    }
  }

  /// A system call about an interface that failed.
  struct TapError: Error, CustomStringConvertible {
    let operation: String
    let code: Int32

    init(_ operation: String, _ code: Int32) {
      self.operation = operation
      self.code = code
    }

    var description: String { "\(operation): \(SystemError.reason(code))" }
  }
#endif
