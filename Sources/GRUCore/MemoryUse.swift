/// What a replica keeps in memory at a time. Results are the same bits.
package enum MemoryUse: Sendable {
  /// Everything has a place of its own and can be looked at after a step.
  case apart
  /// Weights are packed for forward passes alone: for models that do not learn.
  case forward
  /// What a step has read for the last time gives its place to what comes after.
  case reused
  /// As `reused`, and the weights of a layer are packed for one pass at a time, in the place of
  /// gradients that are still to come: for ranks with one worker, whose weights all learn.
  case inTurn

  var reusesActivations: Bool { self == .reused || self == .inTurn }
}

extension ModelShape {
  /// Whether the place of activations can be reused: where nothing reads them once more.
  package var canReuseActivations: Bool {
    !isBidirectional && !tiesWeights && !learnsInitialState && !dropsRecurrentWeights
      && adaptiveSoftmax == nil && sampledSoftmax == nil
  }
}
