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

  /// Whether the numbers can be those of a pass that follows `earlier`.
  func isPlausible(after earlier: FilePass?, mostSteps: Int) -> Bool {
    let counts = [fileBatches, steps, firstStep]
    return counts.allSatisfy { (1...mostSteps).contains($0) } && lastStep <= mostSteps
      && (0..<32).contains(rehearsals) && rehearsedBefore >= 0 && targetsBefore >= 0
      && !name.isEmpty && earlier.map { firstStep == $0.lastStep + 1 } ?? true
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
