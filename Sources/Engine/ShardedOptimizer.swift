package import Collectives
package import Configuration
package import GRUCore
package import Kernels

/// Updates the elements that one rank owns; its moments exist for those only.
package final class ShardedOptimizer {
  package let rule: UpdateRule
  /// The rule's.
  package let config: OptimizerConfig
  /// The owned elements of the arena, and their places in the moments.
  package let slices: [Ownership.Slice]
  /// The number of owned elements.
  package let count: Int
  /// What an update reads and writes of an element.
  let bytesPerElement: Int
  /// Adam's first moment, the velocity of SGD, or the squares of RMSprop and Adagrad.
  package let first: AlignedBuffer
  /// Adam's second moment; empty for the others.
  package let second: AlignedBuffer
  /// The running mean of the parameters; empty where none is kept.
  package let average: AlignedBuffer
  /// The exact parameters, where those that all ranks have are rounded on the way; else empty.
  package let master: AlignedBuffer
  /// Whether `master` holds them by now.
  var hasMaster = false
  /// The rows of the embedding that alone are updated; nil updates all.
  var rows: RowSet?
  /// What is frozen, and what learns at another rate; nil where all learns alike.
  let rates: ParameterRates?
  private let kernels: Kernels

  package init(
    rule: UpdateRule, slices: [Ownership.Slice], kernels: Kernels, rates: ParameterRates? = nil
  ) {
    self.rule = rule
    self.rates = rates
    config = rule.config
    self.slices = slices
    self.kernels = kernels
    count = slices.reduce(0) { $0 + $1.elements.count }
    bytesPerElement = 4 * (3 + 2 * rule.momentNames.count)
    first = AlignedBuffer(count: count)
    second = AlignedBuffer(count: rule.gradientMomentNames.count > 1 ? count : 0)
    average = AlignedBuffer(count: config.averages ? count : 0)
    master = AlignedBuffer(count: rule.keepsMaster ? count : 0)
  }

  /// The buffer of one moment, in the order of `UpdateRule.momentNames`.
  package func moment(_ index: Int) -> UnsafeMutablePointer<Float> {
    let place = index - rule.gradientMomentNames.count
    if place >= 0 { return unsafe place == 0 && config.averages ? average.pointer : master.pointer }
    return unsafe index == 0 ? first.pointer : second.pointer
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

  /// Takes the parameters for exact ones where these are not known yet.
  func beginMaster(from parameters: UnsafePointer<Float>) {
    guard rule.keepsMaster, !hasMaster else { return }
    hasMaster = true
    for slice in slices {
      unsafe (master.pointer + slice.place)
        .update(from: parameters + slice.elements.lowerBound, count: slice.elements.count)
    }
  }

  /// Updates the owned elements whose places are in `places`; the exact ones, where these are kept.
  ///
  /// - Parameters:
  ///   - parameters: the whole arena.
  ///   - gradient: the whole arena of summed gradients, not yet divided by the token count.
  package func update(
    _ places: Range<Int>, of parameters: UnsafeMutablePointer<Float>,
    gradient: UnsafePointer<Float>, _ scalars: Scalars
  ) {
    for slice in slices {
      let part = slice.elements(at: places)
      if part.isEmpty { continue }
      let shift = slice.place - slice.elements.lowerBound
      guard let rates else {
        unsafe update(part, shiftedBy: shift, of: parameters, gradient: gradient, scalars)
        continue
      }
      var start = part.lowerBound
      while start < part.upperBound {
        let run = rates.run(from: start, to: part.upperBound)
        start = run.elements.upperBound
        var scalars = scalars
        scalars.learningRate *= run.factor
        if !run.isFrozen {
          unsafe update(
            run.elements, shiftedBy: shift, of: parameters, gradient: gradient, scalars)
        } else {
          // Exact where it is the parameters already; it nears what a resume has frozen.
          unsafe updateAverage(
            run.elements, at: run.elements.lowerBound + shift, of: parameters, scalars)
        }
      }
    }
  }

  /// Updates a run of elements, or those of its rows that are touched, and their mean.
  private func update(
    _ part: Range<Int>, shiftedBy shift: Int, of parameters: UnsafeMutablePointer<Float>,
    gradient: UnsafePointer<Float>, _ scalars: Scalars
  ) {
    if let rows {
      rows.forEachRun(in: part) { run in
        unsafe update(
          run, at: run.lowerBound + shift, of: parameters, gradient: gradient, scalars)
      }
    } else {
      unsafe update(
        part, at: part.lowerBound + shift, of: parameters, gradient: gradient, scalars)
    }
    unsafe updateAverage(part, at: part.lowerBound + shift, of: parameters, scalars)
  }

  /// Updates elements whose moments begin at place `owned`.
  private func update(
    _ part: Range<Int>, at owned: Int, of parameters: UnsafeMutablePointer<Float>,
    gradient: UnsafePointer<Float>, _ scalars: Scalars
  ) {
    let values = unsafe rule.keepsMaster ? master.pointer + owned : parameters + part.lowerBound
    let slopes = unsafe gradient + part.lowerBound
    switch config.name {
    case .adam, .adamw:
      unsafe kernels.adam(
        values, gradient: slopes, first: first.pointer + owned, second: second.pointer + owned,
        count: part.count, adamScalars(scalars))
    case .rmsprop, .adagrad:
      let keep = config.name == .rmsprop ? config.beta2 : 1
      unsafe kernels.rootStep(
        values, gradient: slopes, squares: first.pointer + owned, count: part.count,
        RootScalars(
          learningRate: Float(scalars.learningRate), keep: Float(keep),
          gain: Float(config.name == .rmsprop ? 1 - config.beta2 : 1),
          epsilon: Float(config.epsilon), coupledDecay: Float(config.weightDecay),
          gradientDivisor: Float(scalars.tokens), gradientScale: Float(scalars.scale)))
    case .sgd, .asgd:
      let momentum = MomentumScalars(
        learningRate: Float(scalars.learningRate), momentum: Float(config.momentum),
        coupledDecay: Float(config.weightDecay), gradientDivisor: Float(scalars.tokens),
        gradientScale: Float(scalars.scale))
      let velocity = unsafe first.pointer + owned
      if rule.isOuter {
        unsafe kernels.nesterov(
          values, gradient: slopes, velocity: velocity, count: part.count, momentum)
      } else {
        unsafe kernels.momentum(
          values, gradient: slopes, velocity: velocity, count: part.count, momentum)
      }
    }
  }

  private func updateAverage(
    _ part: Range<Int>, at owned: Int, of parameters: UnsafeMutablePointer<Float>,
    _ scalars: Scalars
  ) {
    let values = unsafe rule.keepsMaster ? master.pointer + owned : parameters + part.lowerBound
    if scalars.averageWeight == 1 {
      unsafe (average.pointer + owned).update(from: values, count: part.count)
    } else if scalars.averageWeight > 0 {
      unsafe kernels.average(
        average.pointer + owned, of: values, count: part.count, weight: scalars.averageWeight)
    }
  }

  /// Exchanges the owned parameters whose places are in `places` with their mean, bit for bit.
  func swapAverage(_ places: Range<Int>, of parameters: UnsafeMutablePointer<Float>) {
    for slice in slices {
      let shift = slice.place - slice.elements.lowerBound
      for element in slice.elements(at: places) {
        unsafe swap(&average.pointer[element + shift], &parameters[element])
      }
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
