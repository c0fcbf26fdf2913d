extension CheckpointStore {
  /// Removes old checkpoints: keeps the `count` newest whole ones, the one this process wrote
  /// last, and the protected steps. Damaged ones do not count; they go once they are older than the
  /// newest `count` whole ones.
  ///
  /// - Parameters:
  ///   - count: 0 keeps all.
  ///   - protected: steps to keep besides, such as that of the best validation loss.
  /// - Returns: the steps that were removed, ascending.
  @discardableResult
  package func prune(
    keeping count: Int, protecting protected: Set<Int> = []
  ) throws(CheckpointError) -> [Int] {
    precondition(count >= 0, "count \(count) < 0")
    if count == 0 { return [] }
    let steps = try steps()
    var kept = protected
    if let lastWritten { kept.insert(lastWritten) }
    var newest = 0
    var oldestKept: Int?
    for step in steps.reversed() where newest < count && isWhole(step) {
      kept.insert(step)
      newest += 1
      oldestKept = step
    }
    guard let oldestKept else { return [] }
    let removed = steps.filter { $0 < oldestKept && !kept.contains($0) }
    for step in removed { try remove(step) }
    return removed
  }

  /// Removes a checkpoint.
  func remove(_ step: Int) throws(CheckpointError) {
    // Renamed first, so that no reader finds a checkpoint with some of its files gone.
    let doomed = directory + "/" + Self.draftPrefix + "removed-" + Self.name(ofStep: step)
    try removeTree(doomed)
    try rename(path(ofStep: step), to: doomed)
    try removeTree(doomed)
  }

  /// Whether a checkpoint has its manifest and files of the right lengths, and was not refused.
  private func isWhole(_ step: Int) -> Bool {
    if damagedSteps.contains(step) { return false }
    return (try? Checkpoint(measuring: path(ofStep: step), in: fileSystem))?.step == step
  }
}
