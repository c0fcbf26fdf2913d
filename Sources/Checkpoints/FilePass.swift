package import Records

/// One pass that a run made over a file after its last step, as its checkpoints remember it. All of
/// them, in their order, give the run's steps again.
package struct FilePass: Sendable, Equatable {
  /// The file's name, without directories.
  package var name: String
  /// A hash of its content as it was read.
  package var fingerprint: String
  /// The first step of the pass, counted from 1, and its steps.
  package var firstStep: Int
  package var steps: Int
  /// Batches of the file.
  package var fileBatches: Int
  /// Of every 32 batches, those of the data that the run began with.
  package var rehearsals: Int
  /// Batches of these that were read before, and targets that the run had counted.
  package var rehearsedBefore: Int
  package var targetsBefore: Int

  package init(
    name: String, fingerprint: String, firstStep: Int, steps: Int, fileBatches: Int,
    rehearsals: Int, rehearsedBefore: Int, targetsBefore: Int
  ) {
    self.name = name
    self.fingerprint = fingerprint
    self.firstStep = firstStep
    self.steps = steps
    self.fileBatches = fileBatches
    self.rehearsals = rehearsals
    self.rehearsedBefore = rehearsedBefore
    self.targetsBefore = targetsBefore
  }

  package var lastStep: Int { firstStep + steps - 1 }

  /// The share of the batches of a pass that rehearse, where nobody says another.
  package static let usualRehearsal = 0.1

  /// Batches that a run may make: of `mostSteps` steps, each of as many batches as a config allows.
  private static func mostBatches(_ steps: Int) -> Int { steps * (1 << 16) }

  /// Whether the numbers can be those of a pass that follows `earlier`.
  ///
  /// - Parameters:
  ///   - mostSteps: of any run.
  ///   - targets: that the run has counted.
  func isPlausible(after earlier: FilePass?, mostSteps: Int, targets: Int) -> Bool {
    guard [steps, firstStep].allSatisfy({ (1...mostSteps).contains($0) }), lastStep <= mostSteps,
      (1...Self.mostBatches(steps)).contains(fileBatches), (0..<32).contains(rehearsals),
      (0...Self.mostBatches(firstStep)).contains(rehearsedBefore),
      (0...targets).contains(targetsBefore), !name.isEmpty
    else { return false }
    guard let earlier else { return true }
    return firstStep == earlier.lastStep + 1 && rehearsedBefore >= earlier.rehearsedBefore
      && targetsBefore >= earlier.targetsBefore
  }

  package var json: OrderedJSON {
    [
      "name": .string(name), "fingerprint": .string(fingerprint),
      "first_step": .integer(firstStep), "steps": .integer(steps),
      "batches": .integer(fileBatches), "rehearsals": .integer(rehearsals),
      "rehearsed_before": .integer(rehearsedBefore), "targets_before": .integer(targetsBefore),
    ]
  }

  package init(json fields: JSONFields) throws(JSONFieldError) {
    self.init(
      name: try fields.string("name"), fingerprint: try fields.string("fingerprint"),
      firstStep: try fields.integer("first_step"), steps: try fields.integer("steps"),
      fileBatches: try fields.integer("batches"), rehearsals: try fields.integer("rehearsals"),
      rehearsedBefore: try fields.integer("rehearsed_before"),
      targetsBefore: try fields.integer("targets_before"))
  }
}
