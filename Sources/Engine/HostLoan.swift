import Collectives
import Foundation
import Records

/// What the first rank of a host has read and lends to the others.
struct HostLoan<Value> {
  /// What was read, held as the others hold it.
  var value: Value
  /// What they need for that.
  var offer: OrderedJSON
  /// Unlinks the files of the loan, when all have mapped them.
  var removeNames: () -> Void
}

extension Communicator {
  /// Reads something on the first rank of each host alone; the others hold what it lends, or read
  /// it themselves where they cannot. Every rank calls it; all throw alike.
  ///
  /// - Parameters:
  ///   - directory: where the loan may have files; nil for the system's.
  ///   - noun: what is read, and what of it takes memory.
  ///   - complain: hears, on the rank that finds it, that each rank of the host holds its own.
  ///   - lend: nil where all map the same file anyway.
  func readOncePerHost<Value>(
    _ noun: (read: String, held: String), in directory: String?, complain: (String) -> Void,
    read: () throws -> Value, lend: (Value, _ directory: String) throws -> HostLoan<Value>?,
    borrow: (JSONFields) throws -> Value
  ) throws -> Value {
    let hosts = try allGather([hostNumber]).map { $0[0] }
    guard Set(hosts).count < hosts.count else { return try agree { try read() } }
    let peers = hosts.indices.filter { hosts[$0] == hostNumber }
    guard rank == peers[0] else {
      try agree {}
      let offer = try receiveText(from: peers[0])
      return try agree {
        if !offer.isEmpty {
          do {
            return try borrow(JSONFields(try OrderedJSON(parsing: Array(offer.utf8))))
          } catch {
            complain("\(error); this rank reads \(noun.read) and holds its own \(noun.held)")
          }
        }
        return try read()
      }
    }
    let own = try agree { try read() }
    var loan: HostLoan<Value>?
    do {
      loan = try lend(own, directory ?? NSTemporaryDirectory())
    } catch {
      let reason = (error as? SystemError)?.words ?? "\(error)"
      complain(
        "\(reason); each of the \(peers.count) ranks of \(hostName) reads \(noun.read) "
          + "and holds its own \(noun.held) (run.scratch_directory names another place)")
    }
    defer { loan?.removeNames() }
    for peer in peers.dropFirst() { try sendText(loan?.offer.line ?? "", to: peer) }
    return try agree { loan?.value ?? own }
  }

  /// Sends a text to one rank, which calls `receiveText`.
  private func sendText(_ text: String, to peer: Int) throws {
    let bytes = Array(text.utf8)
    try unsafe withUnsafeBytes(of: Int64(bytes.count)) { try unsafe send($0, to: peer) }
    if !bytes.isEmpty { try unsafe bytes.withUnsafeBytes { try unsafe send($0, to: peer) } }
  }

  private func receiveText(from peer: Int) throws -> String {
    var count = Int64(0)
    try unsafe withUnsafeMutableBytes(of: &count) { try unsafe receive($0, from: peer) }
    var bytes = [UInt8](repeating: 0, count: Int(count))
    if count > 0 {
      try unsafe bytes.withUnsafeMutableBytes { try unsafe receive($0, from: peer) }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
