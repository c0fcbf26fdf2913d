import Checkpoints
import Foundation
import Records
import Synchronization

/// A file system that notes every change it is asked for and fails as planned.
final class FaultyFileSystem: Sendable {
  /// When changes fail.
  enum Plan: Sendable {
    case never
    /// The change of this number, from 0, fails with the code; those after it succeed.
    case once(Int, code: Int32)
    /// The change of this number and all after it fail, as if the machine had stopped.
    case stop(Int)
  }

  private struct State {
    var operations: [String] = []
    var names: [Int32: String] = [:]
  }

  private let plan: Plan
  private let state = Mutex(State())

  init(_ plan: Plan) { self.plan = plan }

  /// The changes asked for so far, as "write step-…/model.safetensors".
  var operations: [String] { state.withLock(\.operations) }

  /// The calls of the system, with faults.
  var fileSystem: FileSystem {
    var faulty = FileSystem.system
    faulty.open = { [self] path, flags, mode throws(SystemError) in
      let writes = flags & (O_WRONLY | O_CREAT) != 0
      if writes { try change("create", path) }
      let descriptor = try FileSystem.system.open(path, flags, mode)
      return descriptor
    }
    faulty.write = { [self] descriptor, path, bytes throws(SystemError) in
      do throws(SystemError) {
        try change("write", path)
      } catch {
        // A disk that runs full takes a part first.
        let half = UnsafeRawBufferPointer(rebasing: bytes.prefix(bytes.count / 2))
        if !half.isEmpty { _ = try FileSystem.system.write(descriptor, path, half) }
        throw error
      }
      // Short writes are no faults and must be carried on with.
      let part = UnsafeRawBufferPointer(rebasing: bytes.prefix(max(1, bytes.count * 2 / 3)))
      return try FileSystem.system.write(descriptor, path, part)
    }
    faulty.synchronize = { [self] descriptor, path throws(SystemError) in
      try change("synchronize", path)
      try FileSystem.system.synchronize(descriptor, path)
    }
    faulty.rename = { [self] from, to throws(SystemError) in
      try change("rename", from)
      try FileSystem.system.rename(from, to)
    }
    faulty.makeDirectory = { [self] path throws(SystemError) in
      try change("make directory", path)
      try FileSystem.system.makeDirectory(path)
    }
    faulty.removeFile = { [self] path throws(SystemError) in
      try change("remove", path)
      try FileSystem.system.removeFile(path)
    }
    faulty.removeDirectory = { [self] path throws(SystemError) in
      try change("remove directory", path)
      try FileSystem.system.removeDirectory(path)
    }
    return faulty
  }

  private func change(_ operation: String, _ path: String) throws(SystemError) {
    let number = state.withLock { state in
      let last = path.split(separator: "/").suffix(2).joined(separator: "/")
      state.operations.append("\(operation) \(last)")
      return state.operations.count - 1
    }
    switch plan {
    case .never: return
    case .once(let planned, let code):
      if number == planned { throw SystemError(operation: operation, path: path, code: code) }
    case .stop(let planned):
      if number >= planned { throw SystemError(operation: operation, path: path, code: EIO) }
    }
  }
}
