package import Kernels

/// Updates the elements that one rank owns; its moments exist for those only.
package final class ShardedOptimizer {
  package let config: OptimizerConfig
  /// The owned elements of the arena.
  package let range: Range<Int>
  /// Adam's first moment, the velocity of SGD, or the squares of RMSprop and Adagrad.
  package let first: AlignedBuffer
  /// Adam's second moment; empty for the others.
  package let second: AlignedBuffer
  /// The running mean of the parameters; empty where none is kept.
  package let average: AlignedBuffer
  private let kernels: Kernels

  package init(config: OptimizerConfig, range: Range<Int>, kernels: Kernels) {
    self.config = config
    self.range = range
    self.kernels = kernels
    first = AlignedBuffer(count: range.count)
    second = AlignedBuffer(count: config.gradientMomentNames.count > 1 ? range.count : 0)
    average = AlignedBuffer(count: config.averages ? range.count : 0)
  }

  /// The buffer of one moment, in the order of `OptimizerConfig.momentNames`.
  package func moment(_ index: Int) -> UnsafeMutablePointer<Float> {
    if index >= config.gradientMomentNames.count { return average.pointer }
    return index == 0 ? first.pointer : second.pointer
  }

  /// What all elements of an update share.
  package struct Scalars {
    /// Counted from 1.
    package var step: Int
    package var learningRate: Double
    /// Counted targets of the global batch, by which the summed gradients are divided.
    package var tokens: Int
    /// What clipping multiplies gradients by.
    package var scale: Double
    /// The weight of the new parameters in their mean; 0 leaves the mean alone.
    package var averageWeight: Float = 0
  }

  /// Updates `part` of the arena, which must lie within `range`.
  ///
  /// - Parameters:
  ///   - parameters: the whole arena.
  ///   - gradient: the whole arena of summed gradients, not yet divided by the token count.
  package func update(
    _ part: Range<Int>, of parameters: UnsafeMutablePointer<Float>,
    gradient: UnsafePointer<Float>, _ scalars: Scalars
  ) {
    if part.isEmpty { return }
    precondition(part.lowerBound >= range.lowerBound, "\(part) starts before \(range)")
    precondition(part.upperBound <= range.upperBound, "\(part) ends beyond \(range)")
    let values = parameters + part.lowerBound
    let slopes = gradient + part.lowerBound
    let owned = part.lowerBound - range.lowerBound
    switch config.name {
    case .adam, .adamw:
      kernels.adam(
        values, gradient: slopes, first: first.pointer + owned, second: second.pointer + owned,
        count: part.count, adamScalars(scalars))
    case .rmsprop, .adagrad:
      let keep = config.name == .rmsprop ? config.beta2 : 1
      kernels.rootStep(
        values, gradient: slopes, squares: first.pointer + owned, count: part.count,
        RootScalars(
          learningRate: Float(scalars.learningRate), keep: Float(keep),
          gain: Float(config.name == .rmsprop ? 1 - config.beta2 : 1),
          epsilon: Float(config.epsilon), coupledDecay: Float(config.weightDecay),
          gradientDivisor: Float(scalars.tokens), gradientScale: Float(scalars.scale)))
    case .sgd, .asgd:
      kernels.momentum(
        values, gradient: slopes, velocity: first.pointer + owned, count: part.count,
        MomentumScalars(
          learningRate: Float(scalars.learningRate), momentum: Float(config.momentum),
          coupledDecay: Float(config.weightDecay), gradientDivisor: Float(scalars.tokens),
          gradientScale: Float(scalars.scale)))
    }
    if scalars.averageWeight == 1 {
      (average.pointer + owned).update(from: values, count: part.count)
    } else if scalars.averageWeight > 0 {
      kernels.average(
        average.pointer + owned, of: values, count: part.count, weight: scalars.averageWeight)
    }
  }

  /// Exchanges a part of the parameters with its mean, bit for bit.
  func swapAverage(_ part: Range<Int>, of parameters: UnsafeMutablePointer<Float>) {
    for element in part {
      let place = element - range.lowerBound
      (average.pointer[place], parameters[element]) =
        (parameters[element], average.pointer[place])
    }
  }

  private func adamScalars(_ scalars: Scalars) -> AdamScalars {
    let isDecoupled = config.name == .adamw
    return AdamScalars(
      learningRate: Float(scalars.learningRate), beta1: Float(config.beta1),
      beta2: Float(config.beta2), epsilon: Float(config.epsilon),
      biasCorrection1: Float(1 - Elementary.power(config.beta1, scalars.step)),
      biasCorrection2: Float(1 - Elementary.power(config.beta2, scalars.step)),
      decoupledDecay: isDecoupled ? Float(config.weightDecay) : 0,
      coupledDecay: isDecoupled ? 0 : Float(config.weightDecay),
      gradientDivisor: Float(scalars.tokens), gradientScale: Float(scalars.scale))
  }
}

extension OptimizerConfig {
  /// The names of the arenas that are kept beside the parameters.
  package var momentNames: [String] {
    gradientMomentNames + (averages ? [Self.averageName] : [])
  }

  package static let averageName = "average"

  /// The names of those that an update needs.
  package var gradientMomentNames: [String] {
    switch name {
    case .adam, .adamw: ["first_moment", "second_moment"]
    case .sgd, .asgd: ["velocity"]
    case .rmsprop, .adagrad: ["squares"]
    }
  }
}
