import Collectives
import GRUCore
import Kernels

/// Gradients and changes of parameters that travel as bf16. A single rank does the same to them, so
/// that its trajectory is that of several.
extension Trainer {
  /// Rounds the gradients that a stage has completed.
  func packCompressed() {
    guard compression != nil else { return }
    timer.enter(.exchange)
    replica.team.runPrepared(packCompressedJob)
  }

  /// Rounds the changes of what this rank owns and `currentLayer` is the first to read.
  func packChanges() {
    if compression != nil { replica.team.runPrepared(packChangesJob) }
  }

  /// Changes the parameters that `layer` is the first to read.
  func addChanges(layer: Int) {
    guard compression != nil else { return }
    currentLayer = layer
    replica.team.runPrepared(addChangesJob)
  }

  // MARK: - The work of one thread

  func packCompressed(thread: Int) {
    guard let compression else { return }
    for bucket in exchange.plan.buckets where bucket.stage == currentStage {
      let elements = NodeFold.elements(
        ofThread: thread, of: replica.threads, in: bucket.elements)
      compression.pack(elements, of: rankNodes, isFirst: batchOfStep == 0)
      if exchange.exchange.isAlone {
        compression.sum(elements, into: rankNodes[0], thread: thread)
      }
    }
  }

  func packChanges(thread: Int) {
    forEachOwned(ofThread: thread, in: ownedPlaces[currentLayer]) { part, place in
      compression?.packChange(
        part, from: replica.parameters.pointer, to: optimizer.master.pointer + place)
    }
  }

  func addChanges(thread: Int) {
    for bucket in exchange.plan.buckets where bucket.reader == currentLayer {
      let elements = NodeFold.elements(
        ofThread: thread, of: replica.threads, in: bucket.elements)
      compression?.addChange(elements, to: replica.parameters.pointer)
    }
  }
}
