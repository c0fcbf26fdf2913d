import Foundation
import Records
import Synchronization
import Testing

@testable import Checkpoints

/// A disk in memory behind the file-system seam. It remembers every change in order, so that the
/// contents which a loss of power at any moment may leave can be made afterwards.
///
/// What counts as safe is what `fsync` promises and no more: a file's bytes once the file was
/// synchronized, a name once its directory was. Everything else may be there, be torn, be missing,
/// or be there without what came before it.
final class SimulatedDisk: Sendable {
  /// Files and directories by number; 0 is the root.
  struct Contents: Sendable {
    var files: [Int: [UInt8]] = [:]
    var directories: [Int: [String: Int]] = [0: [:]]
  }

  enum Change: Sendable {
    case data(file: Int, offset: Int, bytes: [UInt8])
    /// A name given to something, or taken away (nil).
    case name(directory: Int, name: String, Int?)
    /// A file or directory that has no name yet, and outlives any crash unseen.
    case made(Int, isDirectory: Bool)
    case move(directory: Int, from: String, to: String, Int)
    case synchronized(Int)
  }

  fileprivate struct Handle {
    var node: Int
    var offset = 0
  }

  fileprivate struct State {
    var contents: Contents
    var changes: [Change] = []
    var handles: [Int32: Handle] = [:]
    var lastHandle: Int32 = 100
    var lastNode: Int
    /// Changes that fail, by number, with the error.
    var faults: [Int: Int32] = [:]
    var attempts = 0
    var readError: Int32?
    var writeError: Int32?
  }

  private let start: Contents
  private let state: Mutex<State>

  init(_ contents: Contents = Contents()) {
    start = contents
    let last = max(contents.files.keys.max() ?? 0, contents.directories.keys.max() ?? 0)
    state = Mutex(State(contents: contents, lastNode: last))
  }

  var contents: Contents { state.withLock(\.contents) }
  var changeCount: Int { state.withLock { $0.changes.count } }
  /// Changes asked for, failed ones too.
  var attempts: Int { state.withLock { $0.attempts } }

  /// Lets the change of this number, counted like `attempts`, fail.
  func fail(_ number: Int, with code: Int32) { state.withLock { $0.faults[number] = code } }

  /// Puts a file in place without leaving a trace; the directory must exist.
  func put(_ bytes: [UInt8], at path: String) throws {
    try state.withLock { state in
      let (directory, name) = try Self.locate(path, in: state.contents)
      let node = state.contents.directories[directory]?[name] ?? state.lastNode + 1
      state.lastNode = max(state.lastNode, node)
      state.contents.files[node] = bytes
      state.contents.directories[directory]?[name] = node
    }
  }

  func bytes(at path: String) throws -> [UInt8] {
    let contents = contents
    return try #require(contents.files[Self.node(path, in: contents)])
  }

  // MARK: - After a loss of power

  /// What may be left after the first `count` changes.
  func contents(
    afterCrashAt count: Int, using random: inout some RandomNumberGenerator
  ) -> Contents {
    let changes = state.withLock { Array($0.changes.prefix(count)) }
    var safeUntil: [Int: Int] = [:]
    for (index, change) in changes.enumerated() {
      if case .synchronized(let node) = change { safeUntil[node] = index }
    }
    var contents = start
    // How each file and directory fares: nothing of what is not safe, all, a part up to a moment
    // with the last write torn, or any of it.
    var fates: [Int: Int] = [:]
    for case .made(let node, let isDirectory) in changes {
      if isDirectory { contents.directories[node] = [:] } else { contents.files[node] = [] }
    }
    for (index, change) in changes.enumerated() {
      let node = change.node
      switch change {
      case .synchronized, .made: continue
      default: break
      }
      if index < safeUntil[node] ?? -1 {
        contents.apply(change)
        continue
      }
      let fate = fates[node] ?? Int.random(in: 0..<4, using: &random)
      fates[node] = fate
      switch fate {
      case 0: break
      case 1: contents.apply(change)
      case 2:
        if Int.random(in: 0..<4, using: &random) > 0 {
          contents.apply(change)
        } else {
          contents.apply(change.torn(using: &random))
          fates[node] = 0
        }
      default: if Bool.random(using: &random) { contents.apply(change) }
      }
    }
    return contents
  }

  // MARK: - The seam

  var fileSystem: FileSystem {
    FileSystem(
      open: { [self] path, flags, _ throws(SystemError) in try open(path, flags) },
      size: { [self] handle, path throws(SystemError) in
        try call("inspect", path) { $0.contents.files[$0.handles[handle]?.node ?? -1]?.count }
      },
      read: { [self] handle, path, offset, buffer throws(SystemError) in
        try call("read", path) { state in
          if let code = state.readError { throw Failure(code: code) }
          guard let file = state.contents.files[state.handles[handle]?.node ?? -1] else {
            throw Failure(code: EBADF)
          }
          let part = file.dropFirst(offset).prefix(buffer.count)
          buffer.copyBytes(from: part)
          return part.count
        }
      },
      write: { [self] handle, path, bytes throws(SystemError) in
        try change("write", path) { try $0.write(bytes, handle) }
      },
      synchronize: { [self] handle, path throws(SystemError) in
        try change("synchronize", path) { state in
          guard let node = state.handles[handle]?.node else { throw Failure(code: EBADF) }
          state.changes.append(.synchronized(node))
        }
      },
      close: { [self] handle in state.withLock { _ = $0.handles.removeValue(forKey: handle) } },
      rename: { [self] from, to throws(SystemError) in
        try change("rename", from) { try $0.rename(from, to) }
      },
      makeDirectory: { [self] path throws(SystemError) in
        try change("make directory", path) { try $0.make(path, isDirectory: true) }
      },
      removeFile: { [self] path throws(SystemError) in
        try change("remove", path) { try $0.remove(path, isDirectory: false) }
      },
      removeDirectory: { [self] path throws(SystemError) in
        try change("remove directory", path) { try $0.remove(path, isDirectory: true) }
      },
      entries: { [self] path throws(SystemError) in
        try call("list", path) { state in
          let node = try Self.node(path, in: state.contents)
          guard let names = state.contents.directories[node] else { throw Failure(code: ENOTDIR) }
          return names.keys.sorted()
        }
      },
      freeBytes: { _ in nil })
  }

  /// An error number on its way to a `SystemError`.
  fileprivate struct Failure: Error { var code: Int32 }

  private func call<Result>(
    _ operation: String, _ path: String, _ body: (inout State) throws -> Result?
  ) throws(SystemError) -> Result {
    do {
      guard let result = try state.withLock({ try body(&$0) }) else { throw Failure(code: EBADF) }
      return result
    } catch {
      throw SystemError(
        operation: operation, path: path, code: (error as? Failure)?.code ?? EINVAL)
    }
  }

  private func change<Result>(
    _ operation: String, _ path: String, _ body: (inout State) throws -> Result
  ) throws(SystemError) -> Result {
    try call(operation, path) { state in
      state.attempts += 1
      if let code = state.faults[state.attempts - 1] { throw Failure(code: code) }
      return try body(&state)
    }
  }

  private func open(_ path: String, _ flags: Int32) throws(SystemError) -> Int32 {
    if flags & O_CREAT != 0 {
      try change("create", path) { try $0.make(path, isDirectory: false) }
    }
    return try call("open", path) { state in
      let node = try Self.node(path, in: state.contents)
      state.lastHandle += 1
      state.handles[state.lastHandle] = Handle(node: node)
      return state.lastHandle
    }
  }

  fileprivate static func node(_ path: String, in contents: Contents) throws -> Int {
    var way = [0]
    for part in path.split(separator: "/") where part != "." {
      if part == ".." {
        if way.count > 1 { way.removeLast() }
        continue
      }
      guard let names = contents.directories[way[way.count - 1]] else {
        throw Failure(code: ENOTDIR)
      }
      guard let next = names[String(part)] else { throw Failure(code: ENOENT) }
      way.append(next)
    }
    return way[way.count - 1]
  }

  /// The directory of a path, and the name in it.
  fileprivate static func locate(_ path: String, in contents: Contents) throws -> (Int, String) {
    let parts = path.split(separator: "/")
    let node = try node(parts.dropLast().joined(separator: "/"), in: contents)
    return (node, String(parts[parts.count - 1]))
  }
}

extension SimulatedDisk.State {
  fileprivate mutating func perform(_ change: SimulatedDisk.Change) {
    contents.apply(change)
    changes.append(change)
  }

  fileprivate mutating func write(_ bytes: UnsafeRawBufferPointer, _ handle: Int32) throws -> Int {
    guard let place = handles[handle] else { throw SimulatedDisk.Failure(code: EBADF) }
    // Short writes are no faults; they make more moments to stop at.
    let part = bytes.prefix(max(1, min(bytes.count, 200)))
    perform(.data(file: place.node, offset: place.offset, bytes: Array(part)))
    handles[handle]?.offset += part.count
    return part.count
  }

  fileprivate mutating func make(_ path: String, isDirectory: Bool) throws {
    let (directory, name) = try SimulatedDisk.locate(path, in: contents)
    if contents.directories[directory]?[name] != nil { throw SimulatedDisk.Failure(code: EEXIST) }
    lastNode += 1
    if isDirectory { contents.directories[lastNode] = [:] } else { contents.files[lastNode] = [] }
    changes.append(.made(lastNode, isDirectory: isDirectory))
    perform(.name(directory: directory, name: name, lastNode))
  }

  fileprivate mutating func rename(_ from: String, _ to: String) throws {
    let (directory, name) = try SimulatedDisk.locate(from, in: contents)
    let (target, newName) = try SimulatedDisk.locate(to, in: contents)
    let node = try SimulatedDisk.node(from, in: contents)
    guard directory == target else { throw SimulatedDisk.Failure(code: EXDEV) }
    if let old = contents.directories[target]?[newName], contents.directories[old]?.isEmpty == false
    {
      throw SimulatedDisk.Failure(code: ENOTEMPTY)
    }
    perform(.move(directory: directory, from: name, to: newName, node))
  }

  fileprivate mutating func remove(_ path: String, isDirectory: Bool) throws {
    let (directory, name) = try SimulatedDisk.locate(path, in: contents)
    let node = try SimulatedDisk.node(path, in: contents)
    if let names = contents.directories[node] {
      if !isDirectory { throw SimulatedDisk.Failure(code: EISDIR) }
      if !names.isEmpty { throw SimulatedDisk.Failure(code: ENOTEMPTY) }
    } else if isDirectory {
      throw SimulatedDisk.Failure(code: ENOTDIR)
    }
    perform(.name(directory: directory, name: name, nil))
  }
}

extension SimulatedDisk.Contents {
  fileprivate mutating func apply(_ change: SimulatedDisk.Change) {
    switch change {
    case .data(let file, let offset, let bytes):
      var content = files[file] ?? []
      let end = offset + bytes.count
      // What was never written reads as zeros.
      if content.count < end { content += [UInt8](repeating: 0, count: end - content.count) }
      content.replaceSubrange(offset..<end, with: bytes)
      files[file] = content
    case .name(let directory, let name, let node):
      directories[directory, default: [:]][name] = node
    case .move(let directory, let from, let to, let node):
      if directories[directory]?[from] == node { directories[directory]?[from] = nil }
      directories[directory, default: [:]][to] = node
    case .synchronized, .made: break
    }
  }
}

extension SimulatedDisk.Change {
  fileprivate var node: Int {
    switch self {
    case .data(let file, _, _): file
    case .name(let directory, _, _), .move(let directory, _, _, _): directory
    case .synchronized(let node), .made(let node, _): node
    }
  }

  /// This change, stopped in its midst; changes of names are made as a whole or not at all.
  fileprivate func torn(using random: inout some RandomNumberGenerator) -> Self {
    guard case .data(let file, let offset, let bytes) = self else { return .synchronized(node) }
    let count = Int.random(in: 0..<max(1, bytes.count), using: &random)
    return .data(file: file, offset: offset, bytes: Array(bytes.prefix(count)))
  }
}
