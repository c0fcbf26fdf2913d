package import Collectives
import Kernels

/// What is done with all parameters: their running mean, their fingerprint, and whether all ranks
/// have the same.
extension Engine {
  /// Calls `body` with the running mean in the place of the parameters, where there is one; every
  /// rank calls it. The parameters come back bit for bit.
  package func withAverage<Result>(_ body: () throws -> Result) throws -> Result {
    guard state.averagedSteps > 0 else { return try body() }
    try swapAverage()
    let result = try body()
    try swapAverage()
    return result
  }

  private func swapAverage() throws(CollectiveError) {
    try synchronize()
    // No part of a step.
    let before = exchange.sentBytes
    defer { sentBefore += exchange.sentBytes - before }
    run(.swapAverage)
    try unsafe exchange.exchange.allGather(replica.parameters.pointer)
    replica.repack()
  }

  /// A hash of all parameters, the same for any number of ranks and threads.
  package func fingerprint() throws(CollectiveError) -> String {
    try unsafe fingerprints.fingerprint(of: replica.parameters.pointer, replica.kernels)
  }

  /// The hash of this rank's parameters, where a step that is due for it is among those after
  /// `before`.
  func hashIfDue(_ checks: StepChecks, after before: Int) -> ParameterHash {
    guard communicator.worldSize > 1,
      checks.isVerificationDue(after: before, through: state.step)
    else { return ParameterHash() }
    run(.hash)
    return verification.hash
  }

  /// Throws on every rank where the parameters of the step under way are not the same bits.
  func requireEqualParameters() throws {
    guard statistics.hashesDiffer else { return }
    throw try verification.error(for: statistics.hashes, step: state.step)
  }

  /// Compares the parameters of all ranks now.
  ///
  /// - Returns: their fingerprint, as `fingerprint()` gives it.
  /// - Throws: `CorruptionError` on every rank where they are not the same bits.
  package func verifyParameters() throws -> String {
    run(.hash)
    return try compareHashes()
  }

  /// As `verifyParameters`, where all threads have hashed their shares just now.
  func compareHashes() throws -> String {
    let hash = verification.hash
    if communicator.worldSize == 1 { return hash.fingerprint }
    let hashes = try communicator.allGather([hash.high, hash.low]).map {
      ParameterHash(high: $0[0], low: $0[1])
    }
    if hashes.contains(where: { $0 != hashes[0] }) {
      throw try verification.error(for: hashes, step: state.step)
    }
    return hash.fingerprint
  }
}
