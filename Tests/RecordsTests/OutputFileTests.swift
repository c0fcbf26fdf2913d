import Foundation
import Records
import Testing

@Suite struct OutputFileTests {
  private let folder: String

  init() throws {
    folder = NSTemporaryDirectory() + "output-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  /// A pipe takes 64 KiB at a time, and one that does not wait says so.
  @Test(arguments: [false, true]) func writesAllToASlowReader(nonBlocking: Bool) throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    if nonBlocking { _ = fcntl(ends[1], F_SETFL, O_NONBLOCK) }
    let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 * 31) }
    let writer = ends[1]
    let thread = Thread {
      try? OutputFile(descriptor: writer, name: "the pipe").write(bytes)
      close(writer)
    }
    thread.start()
    var read: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = Foundation.read(ends[0], &part, part.count)
      if count <= 0 { break }
      read += part[..<count]
    }
    close(ends[0])
    #expect(read == bytes)
  }

  @Test func tellsAReaderThatIsGoneFromADiskThatIsFull() throws {
    signal(SIGPIPE, SIG_IGN)
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    close(ends[0])
    let gone = #expect(throws: OutputError.self) {
      try OutputFile(descriptor: ends[1], name: "the pipe").write([1])
    }
    #expect(gone?.isReaderGone == true)
    close(ends[1])
    #if os(Linux)
      let full = open("/dev/full", O_WRONLY)
      let error = #expect(throws: OutputError.self) {
        try OutputFile(descriptor: full, name: "standard output").write([1])
      }
      close(full)
      #expect(error?.isUnread == false)
      #expect(error?.description.contains("No space left on device; free some space") == true)
    #endif
  }

  @Test func draftsHaveNoNameUntilTheyAreFinished() throws {
    let path = folder + "/result"
    do {
      let draft = try FileDraft(path: path, replaces: false)
      try draft.file.write(Array("half".utf8))
      #expect(try names().allSatisfy { $0.hasPrefix(".") })
      #expect(try InputFile.bytes(of: draft.readingPath) == Array("half".utf8))
    }
    #expect(try names() == [])
    try FileDraft.write(Array("one".utf8), to: path, replaces: false)
    #expect(throws: SystemError.self) {
      try FileDraft.write(Array("two".utf8), to: path, replaces: false)
    }
    #expect(try InputFile.bytes(of: path) == Array("one".utf8))
    chmod(path, 0o640)
    try FileDraft.write(Array("two".utf8), to: path, replaces: true)
    #expect(try InputFile.bytes(of: path) == Array("two".utf8))
    #expect(FileStatus(path)?.permissions == 0o640)
    #expect(try names() == ["result"])
    mkfifo(folder + "/pipe", 0o600)
    #expect(throws: SystemError.self) {
      try FileDraft.write([1], to: folder + "/pipe", replaces: true)
    }
    #expect(FileStatus(folder + "/pipe")?.kind == .pipe)
  }

  @Test func pipesAreReadOrRefusedButNeverAwaited() throws {
    let path = folder + "/pipe"
    mkfifo(path, 0o600)
    #expect(throws: InputError.wrongKind(.pipe)) { try InputFile.bytes(of: path) }
    #expect(throws: InputError.noWriter(seconds: 3)) {
      try InputFile.bytes(of: path, allowingPipe: true)
    }
    Thread {
      usleep(300_000)
      let file = open(path, O_WRONLY)
      usleep(300_000)
      try? OutputFile(descriptor: file, name: "it").write(Array("text".utf8))
      close(file)
    }.start()
    #expect(try InputFile.bytes(of: path, allowingPipe: true) == Array("text".utf8))
    #expect(RunFiles.read(path) == nil)
    #expect(throws: MetricsError.self) { try MetricsLog(path: path) }
    #expect(throws: MetricsError.self) { try MetricsLog.truncate(path: path, afterStep: 0) }
    #expect(throws: RunDirectoryError.self) { try RunFiles.replace(path, with: [:]) }
  }
}
