package import Collectives
import Records

/// An error that every rank of the job throws alike, so that one of them reports it and all end.
///
/// Whatever else a rank throws it throws alone: the others wait for it in some collective, and it
/// has to say so itself and end the job.
package protocol CommonError: Error {}

/// An error that ranks have told each other.
package struct AgreedError: CommonError, StatusError, CustomStringConvertible {
  package let description: String
  package let exitStatus: Int32

  package init(description: String, exitStatus: Int32) {
    self.description = description
    self.exitStatus = exitStatus
  }
}

extension Communicator {
  /// Runs `body` on every rank; when it throws on any of them, throws on all of them the error of
  /// the lowest such rank. `body` must not communicate.
  package func agree<Result>(_ body: () throws -> Result) throws -> Result {
    let outcome = Swift.Result { try body() }
    var message: [UInt8] = []
    var mine = AgreementHeader(status: 0, count: 0)
    if case .failure(let error) = outcome {
      message = Array("\(error)".utf8.prefix(1 << 16))
      mine = AgreementHeader(status: ExitStatus.of(error), count: Int32(message.count))
    }
    var all = [AgreementHeader](repeating: mine, count: worldSize)
    try unsafe withUnsafeBytes(of: mine) { mine in
      try unsafe all.withUnsafeMutableBytes { try unsafe allGather(mine, into: $0) }
    }
    guard let failed = all.firstIndex(where: { $0.status != 0 }) else { return try outcome.get() }
    var bytes =
      failed == rank ? message : [UInt8](repeating: 0, count: Int(all[failed].count))
    try unsafe bytes.withUnsafeMutableBytes { try unsafe broadcast($0, from: failed) }
    let text = String(decoding: bytes, as: UTF8.self)
    let isGeneral = all.allSatisfy { $0.status != 0 } || failed == 0
    throw AgreedError(
      description: isGeneral ? text : "rank \(failed): \(text)",
      exitStatus: all[failed].status)
  }

  /// Runs `body` on rank 0 only; its error is thrown on every rank.
  package func coordinate(_ body: () throws -> Void) throws {
    try agree { if rank == 0 { try body() } }
  }

  /// Gives every rank the bytes of rank 0, whose number only rank 0 needs to know.
  package func share(_ bytes: [UInt8]) throws -> [UInt8] {
    var count = Int64(bytes.count)
    try unsafe withUnsafeMutableBytes(of: &count) { try unsafe broadcast($0, from: 0) }
    var shared = rank == 0 ? bytes : [UInt8](repeating: 0, count: Int(count))
    try unsafe shared.withUnsafeMutableBytes { try unsafe broadcast($0, from: 0) }
    return shared
  }

  /// Throws on every rank unless all bring the same text: each rank reads its own copy of the
  /// files, and those may differ between hosts.
  package func requireEqual(_ text: String, of subject: String) throws {
    let first = String(decoding: try share(Array(text.utf8)), as: UTF8.self)
    try agree {
      guard text != first else { return }
      throw UsageError(
        "\(subject) differs between ranks: \(text) on \(hostName), \(first) on the host of rank 0; "
          + "give every host the same file")
    }
  }
}

/// What a rank tells the others about its outcome: status 0 means success.
private struct AgreementHeader {
  var status: Int32
  var count: Int32
}
