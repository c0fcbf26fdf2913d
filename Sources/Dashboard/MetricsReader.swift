import Records
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Reads metrics files as they grow: only what is new is read at each look, and a look takes a
/// bounded time, whatever there is to read. What is left is read by the next ones.
final class MetricsReader: Sendable {
  /// What is known of one run's metrics.
  struct Look: Sendable {
    var metrics = RunMetrics()
    /// Another number for each file, and for each time that one is read anew.
    var generation = 0
    /// Bytes of the file, and how many of them have been read.
    var fileBytes = 0
    var readBytes = 0
    /// Whether there is more to read than there was time for.
    var isBehind = false
    /// Why nothing can be read, where there is something.
    var problem: String?
  }

  private struct State {
    var entries: [String: Entry] = [:]
    var allowance = Allowance()
    /// Not the numbers of another process.
    var lastGeneration = Int.random(in: 1...1 << 40)
  }

  private let state = Mutex(State())

  /// The metrics of the run at `path`; empty ones where there is no file yet.
  func look(at path: String) -> Look {
    state.withLock { state in
      let file = "\(path)/\(RunFiles.metrics)"
      if let entry = state.entries[path], let status = FileStatus(file), entry.isStill(status) {
        return entry.look
      }
      // Taken out, so that its columns are changed where they are.
      let before = state.entries.removeValue(forKey: path)
      do {
        let reader = try LineReader(path: file, from: before?.place ?? LineReader.Place())
        var entry: Entry
        if let before, before.isOf(reader.descriptor) {
          entry = before
        } else {
          state.lastGeneration += 1
          entry = Entry(generation: state.lastGeneration)
        }
        if entry.place != reader.place { reader.rewind() }
        try entry.read(reader, &state.allowance)
        let look = entry.look
        state.entries[path] = entry
        return look
      } catch {
        var look = Look()
        if (error as? SystemError)?.code != ENOENT { look.problem = "\(error)" }
        return look
      }
    }
  }

  /// Forgets runs that are gone.
  func keep(only paths: Set<String>) {
    state.withLock { state in
      state.entries = state.entries.filter { paths.contains($0.key) }
    }
  }
}

extension MetricsReader {
  /// How long looks may take together: a second's reading leaves the other half of it for answers.
  private struct Allowance {
    private var seconds = most
    private var last = ContinuousClock.now
    private static let most = 0.6
    private static let share = 0.5
    /// What small files may take beyond it, so that they do not wait for large ones.
    private static let overdraft = 0.2

    /// Calls `body` until it returns false, or time is over; as a rule once at least.
    mutating func spend(_ body: () throws -> Bool) rethrows {
      let start = ContinuousClock.now
      seconds = min(Self.most, seconds + Self.share * last.duration(to: start).seconds)
      defer {
        last = .now
        seconds -= start.duration(to: last).seconds
      }
      guard seconds > -Self.overdraft, try body() else { return }
      while start.duration(to: .now).seconds < seconds, try body() {}
    }
  }

  /// A file as far as it was read, and what tells it from others.
  private struct Entry {
    private(set) var place = LineReader.Place()
    private var metrics = RunMetrics()
    private var skippedLines = 0
    private let generation: Int
    private var fileBytes = 0
    private var isBehind = false
    /// What the file was when it was read last.
    private var version: SmallFiles.Version?
    private var device: UInt64 = 0
    private var inode: UInt64 = 0
    /// The first bytes of the file, and the last that were read: a file may be written anew in the
    /// same place, or get the number of one that is gone.
    private var head: [UInt8] = []
    private var tail: [UInt8] = []
    private static let markBytes = 1024

    init(generation: Int) { self.generation = generation }

    var look: Look {
      var metrics = metrics
      metrics.damagedLines += skippedLines
      return Look(
        metrics: metrics, generation: generation, fileBytes: fileBytes, readBytes: place.offset,
        isBehind: isBehind)
    }

    /// Whether the file is as it was when all of it was read, so that it need not be opened.
    func isStill(_ status: FileStatus) -> Bool { !isBehind && version?.isStill(status) == true }

    /// Whether a file begins with all that was read.
    func isOf(_ descriptor: Int32) -> Bool {
      var status = stat()
      guard unsafe fstat(descriptor, &status) == 0 else { return false }
      return UInt64(truncatingIfNeeded: status.st_dev) == device
        && UInt64(truncatingIfNeeded: status.st_ino) == inode && status.st_size >= place.offset
        && Self.bytes(descriptor, 0, head.count) == head
        && Self.bytes(descriptor, place.offset - tail.count, tail.count) == tail
    }

    mutating func read(_ reader: LineReader, _ allowance: inout Allowance) throws {
      isBehind = true
      // What comes while it is read makes it another version.
      version = FileStatus(descriptor: reader.descriptor).map { SmallFiles.Version($0) }
      try allowance.spend {
        isBehind = try reader.readBlock { metrics.append($0) }
        return isBehind
      }
      skippedLines += reader.skippedLines
      place = reader.place
      var status = stat()
      guard unsafe fstat(reader.descriptor, &status) == 0 else { return }
      fileBytes = Int(status.st_size)
      // There was no time to see that nothing follows.
      if place.offset == fileBytes { isBehind = false }
      device = UInt64(truncatingIfNeeded: status.st_dev)
      inode = UInt64(truncatingIfNeeded: status.st_ino)
      let count = min(Self.markBytes, place.offset)
      head = Self.bytes(reader.descriptor, 0, count)
      tail = Self.bytes(reader.descriptor, place.offset - count, count)
    }

    private static func bytes(_ descriptor: Int32, _ offset: Int, _ count: Int) -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: count)
      let read = unsafe bytes.withUnsafeMutableBytes {
        unsafe pread(descriptor, $0.baseAddress, count, off_t(offset))
      }
      return Array(bytes.prefix(max(0, read)))
    }
  }
}
