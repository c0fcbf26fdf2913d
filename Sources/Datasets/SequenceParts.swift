import NumericContract
import Tasks

/// What of a file trains and what validates.
package struct SequenceParts {
  /// Sequences.
  package var training: [Int]
  package var validation: [Int]
  /// Ranges of steps that statistics and windows of training are taken from.
  package var trainingSteps: [Range<Int>]
  /// Ranges whose windows forecast held-out steps only.
  package var validationSteps: [Range<Int>]

  /// Sequences are held out at random (by the run's seed), of series the last steps.
  package init(
    starts: [Int], _ request: SequenceRequest, hasValidationFile: Bool
  ) {
    let fraction = hasValidationFile ? 0 : request.validFraction
    let count = starts.count - 1
    let all = (0..<count).map { starts[$0]..<starts[$0 + 1] }
    (training, validation, validationSteps) = (Array(0..<count), [], [])
    trainingSteps = all
    func held(of count: Int) -> Int { Int((Double(count) * fraction).rounded(.up)) }
    if fraction == 0 { return }
    if request.task.sequences == .windows {
      trainingSteps = all.map { $0.dropLast(held(of: $0.count)) }
      validationSteps = zip(all, trainingSteps).map { whole, part in
        max(whole.lowerBound, part.upperBound - request.window)..<whole.upperBound
      }
      return
    }
    let order = Permutation(
      count: max(1, count),
      random: Philox(seed: UInt64(truncatingIfNeeded: request.seed), purpose: .taskValidation))
    let shuffled = (0..<count).map { order.number(at: $0, epoch: 0) }
    validation = shuffled.prefix(held(of: count)).sorted()
    training = shuffled.dropFirst(held(of: count)).sorted()
    trainingSteps = training.map { all[$0] }
  }
}
