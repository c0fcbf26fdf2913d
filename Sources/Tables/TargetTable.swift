/// Numbers to predict as a file has them: of each sequence, or of each step.
package struct TargetTable: Sendable {
  package var names: [String]
  package let isOfSteps: Bool
  /// A row for each sequence or step; what is missing is NaN.
  package var numbers: NumberBlocks

  package init(names: [String], isOfSteps: Bool) {
    self.names = names
    self.isOfSteps = isOfSteps
    numbers = NumberBlocks(width: names.count)
  }
}
