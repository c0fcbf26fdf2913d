/// A transfer or collective that could not be done: what was tried, by whom, and why it failed.
///
/// After one is thrown the ranks no longer agree on what comes next: a rank that catches it reports
/// it and ends the job.
package struct CollectiveError: Error, Sendable, CustomStringConvertible {
  /// What was being done, as a noun with its size: "receive of 4096 bytes".
  package let operation: String
  /// The rank that noticed; -1 where ranks do not exist yet.
  package let rank: Int
  /// The other rank, where there is one.
  package let peer: Int?
  /// Why it failed, with expected and found values.
  package let reason: String
  /// How to mend it, where that is known.
  package let hint: String?

  package init(
    operation: String, rank: Int, peer: Int? = nil, reason: String, hint: String? = nil
  ) {
    self.operation = operation
    self.rank = rank
    self.peer = peer
    self.reason = reason
    self.hint = hint
  }

  package var description: String {
    var text = rank < 0 ? operation : "rank \(rank): \(operation)"
    if let peer { text += " with rank \(peer)" }
    text += " failed: \(reason)"
    if let hint { text += "; \(hint)" }
    return text
  }
}
