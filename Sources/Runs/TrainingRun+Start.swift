import Checkpoints
import Collectives
import Configuration
import Engine
import Foundation
import Records
import WarmStarts

/// How a run starts from a model that is there already.
extension TrainingRun {
  /// The step after which earlier records are not this run's: a start tells all of it anew.
  func firstKept(_ restored: RunDirectory.Restored?) -> Int {
    restored == nil && start != nil ? -1 : trainer.step
  }

  /// Writes down, before anything shows that there is a run, what it is to start from; on rank 0.
  func noteStart() throws {
    try directory.noteStart(start?.isModel == true ? options.start : nil)
  }

  /// Takes the parameters of what the run starts from; every rank calls it.
  func takeStart() throws {
    guard let start else { return }
    try start.write(to: replica)
    history.origin = start.report?.json
  }

  /// Measures and saves what a run has started from, before its first step; every rank calls it.
  ///
  /// - Returns: whether a signal asks the run to stop.
  func saveStart() throws -> Bool {
    guard start?.isModel == true else { return false }
    let outcome = try validate()
    try saveFinally()
    return outcome == .interrupted
  }

  /// Says what was taken of the source, and what is new.
  func announceStart() {
    guard let start, let report = start.report else { return }
    report.lines.forEach(progress.say)
    let head: OrderedJSON = ["kind": "start", "step": 0]
    write([head.merging(report.json)])
  }
}

extension RunDirectory {
  /// Opens what a new run is to start from; nil where that is nothing, or a run goes on from a
  /// checkpoint of its own. Every rank calls it; all throw alike.
  func start(_ request: StartRequest?, for config: Config) throws -> WarmStart? {
    var hasCheckpoint = false
    try communicator.coordinate {
      hasCheckpoint = try mode == .resume && store.newestState() != nil
      guard let request else {
        if !hasCheckpoint { try requireNoStart() }
        return
      }
      if mode == .overwrite { try requireOutside(request.path) }
    }
    guard try communicator.share([hasCheckpoint ? 1 : 0]) == [0] else { return nil }
    let vectors = config.data.embeddings
    guard let request else { return vectors.map { WarmStart(vectors: $0, on: communicator) } }
    if vectors != nil {
      try communicator.agree {
        throw UsageError(
          "--from brings an embedding, and data.embeddings names another; leave one of them out "
            + "(--set data.embeddings=null)")
      }
    }
    return try WarmStart(request, for: config, on: communicator)
  }

  /// Throws where the run that is to go on was to start from something, and did not come to it.
  private func requireNoStart() throws(UsageError) {
    guard mode == .resume,
      let source = RunFiles.read("\(path)/\(RunFiles.start)")?["source"]?.stringValue
    else { return }
    throw UsageError(
      "\(path) was to start from '\(source)' and has no checkpoint yet; give --from again, or "
        + "start without it by --overwrite")
  }

  /// Throws where starting over would remove what is to be started from.
  private func requireOutside(_ source: String) throws(UsageError) {
    func place(_ path: String) -> String {
      URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path
    }
    guard (place(source) + "/").hasPrefix(place(path) + "/") else { return }
    throw UsageError(
      "--from '\(source)' lies in the run directory '\(path)', which --overwrite empties; choose "
        + "another with --run-directory")
  }

  /// Keeps on the disk what a run is to start from, so that no resume takes random numbers for it;
  /// on rank 0.
  func noteStart(_ request: StartRequest?) throws {
    let file = "\(path)/\(RunFiles.start)"
    if let request {
      try RunFiles.replace(file, with: ["source": .string(request.path)], isDurable: true)
    } else if FileStatus(file, followsLink: false) != nil {
      try? FileManager.default.removeItem(atPath: file)
    }
  }
}
