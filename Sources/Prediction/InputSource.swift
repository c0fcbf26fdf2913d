import Collectives
import Datasets
import Engine
import Foundation
import Records
import Tasks

/// Opens what is predicted.
struct InputSource {
  /// A path, or "-".
  let path: String
  /// What the data were trained on, whose format is that of standard input.
  let trained: String
  let communicator: any Communicator

  /// Whether what has no name that tells a format is read in that of the data trained on; else it
  /// is plain text.
  var isTable = false

  /// As errors call it.
  var name: String { path == "-" ? "standard input" : path }

  /// The path whose end tells the format.
  private var typedPath: String {
    path == "-" || isTable && SequenceFormat(path: path) == nil ? trained : path
  }

  /// What a person is to know of the format, where its name does not tell it.
  func remark(_ format: SequenceFormat) -> [String] {
    guard path != "-", typedPath != path else { return [] }
    return ["its name tells no format: it is read as \(format.rawValue), as the run's data"]
  }

  /// Opens it to be read line by line as lines come.
  ///
  /// - Parameter willWait: is called before there may be something to wait for.
  func openLive(willWait: @escaping () throws -> Void) throws -> DataFile {
    var hasHead = false
    let file = path == "-" ? nil : try Self.input(path)
    return try unsafe DataFile(name, typedAs: typedPath, isLive: true) { room in
      try willWait()
      var count = 0
      // The first line shows how the others are written.
      repeat {
        let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: room.dropFirst(count))
        let part = try unsafe file?.read(into: rest) ?? Self.read(into: rest)
        if part == 0 { break }
        count += part
      } while unsafe !hasHead && count < room.count && !room.prefix(count).contains(0x0A)
      hasHead = true
      return count
    }
  }

  private static func input(_ path: String) throws -> InputFile {
    do { return try InputFile(path, allowingPipe: true) } catch {
      throw DataFileError(path: path, place: nil, problem: "cannot be read: \(error)")
    }
  }

  /// Opens it. Every rank reads a file by itself; standard input is that of rank 0.
  func open() throws -> DataFile {
    if path != "-" { return try DataFile(path: path, typedAs: typedPath) }
    let communicator = communicator
    return try unsafe DataFile(name, typedAs: trained) { room in
      if communicator.worldSize == 1 { return try unsafe Self.read(into: room) }
      var count = 0
      if communicator.rank == 0 { count = (try? unsafe Self.read(into: room)) ?? -1 }
      try unsafe withUnsafeMutableBytes(of: &count) {
        try unsafe communicator.broadcast($0, from: 0)
      }
      if count < 0 { throw SystemError(operation: "read", path: "standard input", code: EIO) }
      let part = unsafe UnsafeMutableRawBufferPointer(rebasing: room.prefix(count))
      if count > 0 { try unsafe communicator.broadcast(part, from: 0) }
      return count
    }
  }

  private static func read(into room: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      let count = unsafe Foundation.read(STDIN_FILENO, room.baseAddress, room.count)
      if count >= 0 { return count }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        var request = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&request, 1, -1)
      default: throw SystemError(operation: "read", path: "standard input", code: errno)
      }
    }
  }

  /// The format that it is read in: what its name says, else that of the run's data.
  func format(_ wanted: SequenceFormat) -> SequenceFormat {
    switch SequenceFormat(path: path) {
    case .csv, .jsonl, .ts, .npy: .auto
    case .conll, .auto, nil: wanted
    }
  }
}

extension DataFileError {
  /// The same where a model is applied: keys of the config cannot be set there.
  ///
  /// - Parameter isLeftOut: whether a line that it is of is left out, and nothing need be done.
  func whereNothingIsSet(isLeftOut: Bool = false) -> DataFileError {
    var error = self
    if hint == nil, !isLeftOut, place?.hasPrefix("line ") == true {
      error.hint = "mend the line, or take it out of the data"
    }
    let sections = ["data.", "batch.", "output.", "model."]
    if let hint, sections.contains(where: hint.contains) {
      error.hint = "change the file: it is read as the run's config says"
    }
    return error
  }
}
