import Collectives
import Kernels

/// The running mean of the parameters, to be validated and sampled.
extension Trainer {
  /// Calls `body` with the running mean in the place of the parameters, where there is one; every
  /// rank calls it. The parameters come back bit for bit.
  package func withAverage<Result>(_ body: () throws -> Result) throws -> Result {
    guard averagedSteps > 0 else { return try body() }
    try swapAverage()
    let result = try body()
    try swapAverage()
    return result
  }

  private func swapAverage() throws(CollectiveError) {
    try settle()
    // No part of a step.
    let before = exchange.sentBytes
    defer { sentBefore += exchange.sentBytes - before }
    replica.team.runPrepared(swapJob)
    try exchange.exchange.allGather(replica.parameters.pointer)
    replica.repack()
  }

  func swapAverage(thread: Int) {
    let places = NodeFold.elements(
      ofThread: thread, of: replica.threads, elementCount: optimizer.count)
    optimizer.swapAverage(places, of: replica.parameters.pointer)
  }
}
