import Records

/// The batches of one pass over a file that came after a run had begun, and between them batches of
/// the data that it began with, so that these are not forgotten (rehearsal; Robins 1995).
///
/// Of every `cycle` batches the last `rehearsals` are rehearsed. The pass ends when every batch of
/// the file was read, and as many were rehearsed as that asks for. Hidden states begin anew where
/// one kind of batch follows the other.
package struct RehearsedPass {
  /// Batches of the run before the pass.
  let before: Int
  /// Targets that these counted.
  let targetsBefore: Int
  let file: BatchSource
  /// What the run began with, and how many batches of it were read before.
  let rehearsed: BatchSource
  let rehearsedBefore: Int
  private let plan: Plan

  /// How many batches of a pass are of which kind.
  package struct Plan: Sendable, Equatable {
    /// Batches of the file.
    package let fileBatches: Int
    /// Of every `cycle` batches, those that are rehearsed.
    package let rehearsals: Int

    package static let cycle = 32

    /// - Parameter share: of the batches, those to rehearse: at least 0, below 1.
    package init(fileBatches: Int, share: Double) {
      let rehearsals = Int((share * Double(Self.cycle)).rounded())
      self.init(fileBatches: fileBatches, rehearsals: min(rehearsals, Self.cycle - 1))
    }

    package init(fileBatches: Int, rehearsals: Int) {
      self.fileBatches = fileBatches
      self.rehearsals = rehearsals
    }

    /// Batches of the file among the first ones of the pass.
    func fileBatches(among count: Int) -> Int {
      let own = Self.cycle - rehearsals
      let (cycles, rest) = count.quotientAndRemainder(dividingBy: Self.cycle)
      return min(fileBatches, cycles * own + min(rest, own))
    }

    /// Batches of the whole pass: a multiple of those of a step.
    package func count(perStep: Int) -> Int {
      let own = Self.cycle - rehearsals
      let full = (fileBatches - 1) / own
      let lastOfFile = full * Self.cycle + fileBatches - full * own
      let all = max(lastOfFile, fileBatches + (fileBatches * rehearsals + own - 1) / own)
      return (all + perStep - 1) / perStep * perStep
    }
  }

  /// - Parameters:
  ///   - before: batches of the run before the pass; `targetsBefore` what they counted.
  ///   - file: read from its first batch on.
  ///   - rehearsed: read on after its first `rehearsedBefore` batches.
  package init(
    plan: Plan, before: Int, targetsBefore: Int, file: BatchSource, rehearsed: BatchSource,
    rehearsedBefore: Int
  ) {
    self.plan = plan
    self.before = before
    self.targetsBefore = targetsBefore
    self.file = file
    self.rehearsed = rehearsed
    self.rehearsedBefore = rehearsedBefore
  }

  /// Where a batch of the run comes from, and which of that source's it is; both count from 1.
  func place(of number: Int) -> (source: BatchSource, number: Int) {
    let index = number - before - 1
    let ofFile = plan.fileBatches(among: index)
    return isOfFile(index)
      ? (file, ofFile + 1) : (rehearsed, rehearsedBefore + index - ofFile + 1)
  }

  /// Whether hidden states start from the initial state.
  func startsAnew(at number: Int) -> Bool {
    let index = number - before - 1
    if index == 0 || isOfFile(index) != isOfFile(index - 1) { return true }
    let (source, place) = place(of: number)
    return source.startsEpoch(atStep: place)
  }

  /// The epoch of what is rehearsed.
  func epoch(of number: Int) -> Int {
    rehearsed.epoch(ofStep: rehearsedBefore + rehearsals(before: number - before - 1) + 1)
  }

  /// Targets of the first `count` batches of the run.
  func targetCount(of count: Int, perBatch: Int) -> Int {
    let ofPass = max(0, count - before)
    let ofFile = plan.fileBatches(among: ofPass)
    func rehearsed(_ count: Int) -> Int {
      self.rehearsed.targetCount(ofSteps: count, perStep: perBatch)
    }
    return .saturatedSum(
      .saturatedSum(targetsBefore, file.targetCount(ofSteps: ofFile, perStep: perBatch)),
      rehearsed(rehearsedBefore + ofPass - ofFile) - rehearsed(rehearsedBefore))
  }

  private func rehearsals(before index: Int) -> Int { index - plan.fileBatches(among: index) }

  private func isOfFile(_ index: Int) -> Bool {
    plan.fileBatches(among: index + 1) > plan.fileBatches(among: index)
  }
}
