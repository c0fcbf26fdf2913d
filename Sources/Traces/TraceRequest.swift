package import Records

/// What a command was asked to write a timeline of, and where to.
package struct TraceRequest: Sendable, Equatable {
  package var path: String
  /// Counted from 1; nil for those that the command usually takes.
  package var steps: ClosedRange<Int>?

  package init(path: String, steps: ClosedRange<Int>? = nil) {
    self.path = path
    self.steps = steps
  }

  /// Steps that are traced where nobody names others.
  package static let usualCount = 5

  /// Reads `11-15`, or `11`; nil for anything else.
  package static func range(_ text: String) -> ClosedRange<Int>? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    let bounds = parts.compactMap { part -> Int? in
      guard !part.isEmpty, part.utf8.allSatisfy({ 48...57 ~= $0 }) else { return nil }
      return Int(part)
    }
    guard bounds.count == parts.count, 1...2 ~= bounds.count, let first = bounds.first,
      let last = bounds.last, first >= 1, first <= last
    else { return nil }
    return first...last
  }

  /// The steps of a run that goes on after `step` until `lastStep`.
  ///
  /// - Parameter usual: the first one where nobody names any; the last ones of a run that does not
  ///   come so far.
  /// - Throws: `UsageError` where the run does not make them all.
  package func steps(
    afterStep step: Int, lastStep: Int, usual: Int
  ) throws(UsageError) -> ClosedRange<Int> {
    guard let steps else {
      let last = min(lastStep, usual + Self.usualCount - 1)
      return max(step + 1, last - Self.usualCount + 1)...last
    }
    if steps.lowerBound <= step || steps.upperBound > lastStep {
      throw UsageError(
        "--trace-steps \(steps.lowerBound)-\(steps.upperBound): this run makes the steps "
          + "\(step + 1) to \(lastStep); name some of these")
    }
    return steps
  }
}
