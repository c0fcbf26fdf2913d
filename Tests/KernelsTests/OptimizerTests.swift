import Kernels
import Testing

/// Adam, AdamW, SGD with momentum, RMSprop, Adagrad and running means against double precision.
@Suite struct OptimizerTests {
  static let counts = [1, 15, 16, 17, 100, 1000]

  /// Parameters, gradients and moments of one step.
  private struct Arenas {
    let parameters: GuardedFloats
    let gradients: GuardedFloats
    let first: GuardedFloats
    let second: GuardedFloats

    init(count: Int, seed: UInt64) {
      var random = SeededRandom(seed)
      parameters = GuardedFloats(random.floats(count))
      gradients = GuardedFloats(random.floats(count, in: -40...40))
      first = GuardedFloats(random.floats(count, in: -0.1...0.1))
      second = GuardedFloats(random.floats(count, in: 0...0.01))
      // An element that never had a gradient.
      for arena in [gradients, first, second] { arena.pointer[count / 2] = 0 }
    }

    var all: [GuardedFloats] { [parameters, gradients, first, second] }
    var values: [Float] { all.flatMap(\.values) }
    var guardsAreIntact: Bool { all.allSatisfy(\.guardsAreIntact) }

    func adam(_ kernels: Kernels, _ range: Range<Int>, _ scalars: AdamScalars) {
      let start = range.lowerBound
      kernels.adam(
        parameters.pointer + start, gradient: gradients.pointer + start,
        first: first.pointer + start, second: second.pointer + start, count: range.count, scalars)
    }

    func root(_ kernels: Kernels, _ range: Range<Int>, _ scalars: RootScalars) {
      let start = range.lowerBound
      kernels.rootStep(
        parameters.pointer + start, gradient: gradients.pointer + start,
        squares: second.pointer + start, count: range.count, scalars)
    }

    func momentum(_ kernels: Kernels, _ range: Range<Int>, _ scalars: MomentumScalars) {
      let start = range.lowerBound
      kernels.momentum(
        parameters.pointer + start, gradient: gradients.pointer + start,
        velocity: first.pointer + start, count: range.count, scalars)
    }
  }

  private static let adam = AdamScalars(
    learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, biasCorrection1: 0.271,
    biasCorrection2: 0.002_997, decoupledDecay: 0, coupledDecay: 0, gradientDivisor: 384,
    gradientScale: 0.75)

  private static let momentum = MomentumScalars(
    learningRate: 0.1, momentum: 0.9, coupledDecay: 0.01, gradientDivisor: 384,
    gradientScale: 0.75)

  /// Plain Adam, AdamW, Adam with L2 decay.
  static let decays: [(decoupled: Float, coupled: Float)] = [(0, 0), (0.1, 0), (0, 0.05)]

  private func scalars(_ decay: (decoupled: Float, coupled: Float)) -> AdamScalars {
    var scalars = Self.adam
    scalars.decoupledDecay = decay.decoupled
    scalars.coupledDecay = decay.coupled
    return scalars
  }

  @Test(arguments: counts, decays)
  func adamAgreesWithDoublePrecision(
    count: Int, decay: (decoupled: Float, coupled: Float)
  ) {
    let s = scalars(decay)
    let found = onEveryInstructionSet {
      let arenas = Arenas(count: count, seed: 1)
      arenas.adam($0, 0..<count, s)
      #expect(arenas.guardsAreIntact)
      return arenas.values
    }
    let old = Arenas(count: count, seed: 1)
    #expect(firstDifference(Array(found[count..<2 * count]), old.gradients.values) == nil)
    let (beta1, beta2) = (Double(s.beta1), Double(s.beta2))
    let rate = Double(s.learningRate)
    for i in 0..<count {
      let p = Double(old.parameters.pointer[i])
      let m = Double(old.first.pointer[i])
      let v = Double(old.second.pointer[i])
      var g = Double(old.gradients.pointer[i]) / Double(s.gradientDivisor)
      g *= Double(s.gradientScale)
      let bare = g.magnitude
      g += Double(s.coupledDecay) * p
      let gScale = bare + (Double(s.coupledDecay) * p).magnitude
      let newM = beta1 * m + (1 - beta1) * g
      let newV = beta2 * v + (1 - beta2) * g * g
      let root = (newV / Double(s.biasCorrection2)).squareRoot()
      let step = rate / Double(s.biasCorrection1) * newM / (root + Double(s.epsilon))
      let newP = p * (1 - rate * Double(s.decoupledDecay)) - step
      // g takes three roundings; what cancels in m and p counts at its full size. A step whose
      // moments come from a gradient that cancelled carries that error on.
      let mScale = m.magnitude + 0.1 * (gScale + m.magnitude)
      let vScale = newV + (1 - beta2) * gScale * gScale
      let scaleOfStep =
        (newM == 0 ? 0 : step.magnitude * mScale / newM.magnitude)
        + (newV == 0 ? 0 : step.magnitude * vScale / newV)
      #expect(isClose(found[2 * count + i], newM, scale: mScale, roundings: 6), "m \(i)")
      #expect(isClose(found[3 * count + i], newV, scale: vScale, roundings: 12), "v \(i)")
      let scale = p.magnitude + scaleOfStep
      #expect(isClose(found[i], newP, scale: scale, roundings: 16), "p \(i)")
    }
  }

  @Test(arguments: counts) func momentumAgreesWithDoublePrecision(count: Int) {
    let s = Self.momentum
    let found = onEveryInstructionSet {
      let arenas = Arenas(count: count, seed: 2)
      arenas.momentum($0, 0..<count, s)
      #expect(arenas.guardsAreIntact)
      return arenas.values
    }
    let old = Arenas(count: count, seed: 2)
    for i in 0..<count {
      let p = Double(old.parameters.pointer[i])
      let u = Double(old.first.pointer[i])
      let g = Double(old.gradients.pointer[i]) / Double(s.gradientDivisor)
      let decay = Double(s.coupledDecay) * p
      let scaled = g * Double(s.gradientScale)
      let velocity = Double(s.momentum) * u + scaled + decay
      let size = (Double(s.momentum) * u).magnitude + scaled.magnitude + decay.magnitude
      // Two roundings of the gradient, one for each addition.
      #expect(isClose(found[2 * count + i], velocity, scale: size, roundings: 5), "u \(i)")
      let rate = Double(s.learningRate)
      #expect(
        isClose(found[i], p - rate * velocity, scale: p.magnitude + rate * size, roundings: 7),
        "p \(i)")
    }
  }

  /// A scalar chain of the same operations, bit for bit.
  @Test(arguments: [0, 1, 15, 16, 17, 31, 97, 1009]) func nesterovEqualsItsScalarChain(count: Int) {
    var random = SeededRandom(UInt64(count) + 7)
    let parameters = random.floats(count)
    let gradients = random.floats(count, in: -40...40)
    let velocity = random.floats(count, in: -0.1...0.1)
    var s = Self.momentum
    s.gradientDivisor = 3
    var expected = parameters + gradients
    for i in 0..<count {
      let scaled = gradients[i] / s.gradientDivisor * s.gradientScale
      let g = scaled.addingProduct(parameters[i], s.coupledDecay)
      let u = g.addingProduct(velocity[i], s.momentum)
      expected[i] = parameters[i].addingProduct(-s.learningRate, g.addingProduct(u, s.momentum))
      expected[count + i] = u
    }
    for set in InstructionSet.available {
      let (p, u) = (GuardedFloats(parameters), GuardedFloats(velocity))
      Kernels(set).nesterov(
        p.pointer, gradient: gradients, velocity: u.pointer, count: count, s)
      #expect(firstDifference(p.values + u.values, expected) == nil, "\(set.rawValue)")
      #expect(p.guardsAreIntact && u.guardsAreIntact, "\(set.rawValue)")
    }
  }

  /// RMSprop, Adagrad.
  static let roots: [(keep: Float, gain: Float)] = [(0.99, 0.01), (1, 1)]

  private func root(_ weights: (keep: Float, gain: Float)) -> RootScalars {
    RootScalars(
      learningRate: 0.01, keep: weights.keep, gain: weights.gain, epsilon: 1e-8,
      coupledDecay: 0.05, gradientDivisor: 384, gradientScale: 0.75)
  }

  @Test(arguments: counts, roots)
  func rmspropAndAdagradAgreeWithDoublePrecision(count: Int, weights: (keep: Float, gain: Float)) {
    let s = root(weights)
    let found = onEveryInstructionSet {
      let arenas = Arenas(count: count, seed: 5)
      arenas.root($0, 0..<count, s)
      #expect(arenas.guardsAreIntact)
      return arenas.values
    }
    let old = Arenas(count: count, seed: 5)
    for i in 0..<count {
      let p = Double(old.parameters.pointer[i])
      let v = Double(old.second.pointer[i])
      let bare =
        Double(old.gradients.pointer[i]) / Double(s.gradientDivisor) * Double(s.gradientScale)
      let g = bare + Double(s.coupledDecay) * p
      let gScale = bare.magnitude + (Double(s.coupledDecay) * p).magnitude
      let newV = Double(s.keep) * v + Double(s.gain) * g * g
      let step = Double(s.learningRate) * g / (newV.squareRoot() + Double(s.epsilon))
      let vScale = newV + Double(s.gain) * gScale * gScale
      // An error of the gradient that cancelled is one of the step, above the line and below it.
      let stepScale =
        g == 0 ? 0 : step.magnitude * (gScale / g.magnitude + vScale / max(newV, 1e-300))
      #expect(isClose(found[3 * count + i], newV, scale: vScale, roundings: 12), "v \(i)")
      #expect(
        isClose(found[i], p - step, scale: p.magnitude + stepScale, roundings: 16), "p \(i)")
    }
  }

  @Test(arguments: counts) func averagesAgreeWithDoublePrecision(count: Int) {
    let found = onEveryInstructionSet {
      let arenas = Arenas(count: count, seed: 6)
      $0.average(arenas.first.pointer, of: arenas.parameters.pointer, count: count, weight: 0.3)
      #expect(arenas.guardsAreIntact)
      return arenas.values
    }
    let old = Arenas(count: count, seed: 6)
    for i in 0..<count {
      let p = Double(old.parameters.pointer[i])
      let a = Double(old.first.pointer[i])
      let expected = a + Double(Float(0.3)) * (p - a)
      #expect(
        isClose(found[2 * count + i], expected, scale: a.magnitude + p.magnitude, roundings: 2))
      #expect(found[i] == old.parameters.pointer[i])
    }
  }

  @Test func zeroGradientAndMomentsChangeNothing() {
    let count = 100
    let found = onEveryInstructionSet {
      let arenas = Arenas(count: count, seed: 3)
      arenas.adam($0, 0..<count, Self.adam)
      return arenas.values
    }
    let old = Arenas(count: count, seed: 3)
    #expect(found[count / 2] == old.parameters.pointer[count / 2])
    #expect(found[2 * count + count / 2] == 0)
    #expect(found[3 * count + count / 2] == 0)
  }

  @Test func updateDoesNotDependOnTheSlice() {
    let count = 1000
    let s = scalars((0.1, 0.05))
    for set in InstructionSet.available {
      let kernels = Kernels(set)
      let whole = Arenas(count: count, seed: 4)
      let sliced = Arenas(count: count, seed: 4)
      whole.adam(kernels, 0..<count, s)
      whole.momentum(kernels, 0..<count, Self.momentum)
      whole.root(kernels, 0..<count, root((0.9, 0.1)))
      kernels.average(
        whole.first.pointer, of: whole.parameters.pointer, count: count, weight: 0.1)
      for range in [0..<7, 7..<23, 23..<500, 500..<500, 500..<1000] {
        sliced.adam(kernels, range, s)
        sliced.momentum(kernels, range, Self.momentum)
        sliced.root(kernels, range, root((0.9, 0.1)))
        kernels.average(
          sliced.first.pointer + range.lowerBound,
          of: sliced.parameters.pointer + range.lowerBound, count: range.count, weight: 0.1)
      }
      #expect(firstDifference(sliced.values, whole.values) == nil, "\(set.rawValue)")
    }
  }
}
