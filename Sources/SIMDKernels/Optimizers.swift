/// What an optimiser step is told; each value is computed once per step, alike on every rank.
@frozen public struct AdamScalars: Sendable {
  public var learningRate: Float
  public var beta1: Float
  public var beta2: Float
  public var epsilon: Float
  /// 1 − β1^t and 1 − β2^t at step t (from 1).
  public var biasCorrection1: Float
  public var biasCorrection2: Float
  /// AdamW's decay, applied to the parameter; 0 for Adam.
  public var decoupledDecay: Float
  /// L2 decay, added to the gradient; 0 for AdamW.
  public var coupledDecay: Float
  /// The global token count, by which the summed gradient is divided.
  public var gradientDivisor: Float
  /// The clip coefficient; 1 leaves the gradient alone.
  public var gradientScale: Float

  @inlinable public init(
    learningRate: Float, beta1: Float, beta2: Float, epsilon: Float, biasCorrection1: Float,
    biasCorrection2: Float, decoupledDecay: Float, coupledDecay: Float, gradientDivisor: Float,
    gradientScale: Float
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.biasCorrection1 = biasCorrection1
    self.biasCorrection2 = biasCorrection2
    self.decoupledDecay = decoupledDecay
    self.coupledDecay = coupledDecay
    self.gradientDivisor = gradientDivisor
    self.gradientScale = gradientScale
  }
}

/// Scalars of SGD with momentum.
@frozen public struct MomentumScalars: Sendable {
  public var learningRate: Float
  public var momentum: Float
  public var coupledDecay: Float
  public var gradientDivisor: Float
  public var gradientScale: Float

  @inlinable public init(
    learningRate: Float, momentum: Float, coupledDecay: Float, gradientDivisor: Float,
    gradientScale: Float
  ) {
    self.learningRate = learningRate
    self.momentum = momentum
    self.coupledDecay = coupledDecay
    self.gradientDivisor = gradientDivisor
    self.gradientScale = gradientScale
  }
}

/// One Adam step of sixteen elements (Kingma and Ba, 2015; decoupled decay: Loshchilov and Hutter,
/// 2019): m ← m + (1 − β1)(g − m), v ← β2 v + (1 − β2) g²,
/// p ← p − (α / (1 − β1^t)) m / (√v / √(1 − β2^t) + ε).
@_transparent
public func adamLanes(
  _ p: inout Lanes, _ g: Lanes, _ m: inout Lanes, _ v: inout Lanes,
  stepSize: Float, rootCorrection: Float, shrink: Float, _ s: UnsafePointer<AdamScalars>
) {
  var gradient = g / lanes(s.pointee.gradientDivisor) * lanes(s.pointee.gradientScale)
  gradient = multiplyAdd(p, lanes(s.pointee.coupledDecay), gradient)
  m = multiplyAdd(gradient - m, lanes(1 - s.pointee.beta1), m)
  let square = gradient * gradient
  v = multiplyAdd(v, lanes(s.pointee.beta2), square * lanes(1 - s.pointee.beta2))
  let denominator = squareRoots(v) / lanes(rootCorrection) + lanes(s.pointee.epsilon)
  p = multiplyAdd(lanes(-stepSize), m / denominator, p * lanes(shrink))
}

@_transparent
public func adam(
  _ parameters: UnsafeMutablePointer<Float>, _ gradients: UnsafePointer<Float>,
  _ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>, _ count: Int,
  _ s: UnsafePointer<AdamScalars>
) {
  let stepSize = s.pointee.learningRate / s.pointee.biasCorrection1
  let rootCorrection = s.pointee.biasCorrection2.squareRoot()
  let shrink = 1 - s.pointee.learningRate * s.pointee.decoupledDecay
  var i = 0
  while i + 16 <= count {
    var p = loadLanes(parameters + i)
    var m = loadLanes(first + i)
    var v = loadLanes(second + i)
    adamLanes(
      &p, loadLanes(gradients + i), &m, &v, stepSize: stepSize, rootCorrection: rootCorrection,
      shrink: shrink, s)
    storeLanes(p, parameters + i)
    storeLanes(m, first + i)
    storeLanes(v, second + i)
    i += 16
  }
  while i < count {
    var p = lanes(parameters[i])
    var m = lanes(first[i])
    var v = lanes(second[i])
    adamLanes(
      &p, lanes(gradients[i]), &m, &v, stepSize: stepSize, rootCorrection: rootCorrection,
      shrink: shrink, s)
    parameters[i] = p[0]
    first[i] = m[0]
    second[i] = v[0]
    i += 1
  }
}

/// One step of SGD with momentum as PyTorch defines it: u ← μ u + g, p ← p − α u.
@_transparent
public func momentumLanes(
  _ p: inout Lanes, _ g: Lanes, _ u: inout Lanes, _ s: UnsafePointer<MomentumScalars>
) {
  var gradient = g / lanes(s.pointee.gradientDivisor) * lanes(s.pointee.gradientScale)
  gradient = multiplyAdd(p, lanes(s.pointee.coupledDecay), gradient)
  u = multiplyAdd(u, lanes(s.pointee.momentum), gradient)
  p = multiplyAdd(lanes(-s.pointee.learningRate), u, p)
}

@_transparent
public func momentumStep(
  _ parameters: UnsafeMutablePointer<Float>, _ gradients: UnsafePointer<Float>,
  _ velocity: UnsafeMutablePointer<Float>, _ count: Int, _ s: UnsafePointer<MomentumScalars>
) {
  var i = 0
  while i + 16 <= count {
    var p = loadLanes(parameters + i)
    var u = loadLanes(velocity + i)
    momentumLanes(&p, loadLanes(gradients + i), &u, s)
    storeLanes(p, parameters + i)
    storeLanes(u, velocity + i)
    i += 16
  }
  while i < count {
    var p = lanes(parameters[i])
    var u = lanes(velocity[i])
    momentumLanes(&p, lanes(gradients[i]), &u, s)
    parameters[i] = p[0]
    velocity[i] = u[0]
    i += 1
  }
}

/// One step of SGD with Nesterov's momentum (Sutskever et al., 2013, as PyTorch writes it):
/// u ← μ u + g, p ← p − α (g + μ u).
@_transparent
public func nesterovLanes(
  _ p: inout Lanes, _ g: Lanes, _ u: inout Lanes, _ s: UnsafePointer<MomentumScalars>
) {
  var gradient = g / lanes(s.pointee.gradientDivisor) * lanes(s.pointee.gradientScale)
  gradient = multiplyAdd(p, lanes(s.pointee.coupledDecay), gradient)
  u = multiplyAdd(u, lanes(s.pointee.momentum), gradient)
  let ahead = multiplyAdd(u, lanes(s.pointee.momentum), gradient)
  p = multiplyAdd(lanes(-s.pointee.learningRate), ahead, p)
}

@_transparent
public func nesterovStep(
  _ parameters: UnsafeMutablePointer<Float>, _ gradients: UnsafePointer<Float>,
  _ velocity: UnsafeMutablePointer<Float>, _ count: Int, _ s: UnsafePointer<MomentumScalars>
) {
  var i = 0
  while i + 16 <= count {
    var p = loadLanes(parameters + i)
    var u = loadLanes(velocity + i)
    nesterovLanes(&p, loadLanes(gradients + i), &u, s)
    storeLanes(p, parameters + i)
    storeLanes(u, velocity + i)
    i += 16
  }
  while i < count {
    var p = lanes(parameters[i])
    var u = lanes(velocity[i])
    nesterovLanes(&p, lanes(gradients[i]), &u, s)
    parameters[i] = p[0]
    velocity[i] = u[0]
    i += 1
  }
}

/// Scalars of the steps that scale a gradient by the root of its squares: RMSprop and Adagrad.
@frozen public struct RootScalars: Sendable {
  public var learningRate: Float
  /// What is kept of the squares so far, and what the new one counts: ρ and 1 − ρ, or 1 and 1.
  public var keep: Float
  public var gain: Float
  public var epsilon: Float
  public var coupledDecay: Float
  public var gradientDivisor: Float
  public var gradientScale: Float

  @inlinable public init(
    learningRate: Float, keep: Float, gain: Float, epsilon: Float, coupledDecay: Float,
    gradientDivisor: Float, gradientScale: Float
  ) {
    self.learningRate = learningRate
    self.keep = keep
    self.gain = gain
    self.epsilon = epsilon
    self.coupledDecay = coupledDecay
    self.gradientDivisor = gradientDivisor
    self.gradientScale = gradientScale
  }
}

/// One step of RMSprop (Tieleman and Hinton, 2012), v ← ρ v + (1 − ρ) g², or of Adagrad (Duchi,
/// Hazan and Singer, 2011), v ← v + g², and then p ← p − α g / (√v + ε).
@_transparent
public func rootLanes(
  _ p: inout Lanes, _ g: Lanes, _ v: inout Lanes, _ s: UnsafePointer<RootScalars>
) {
  var gradient = g / lanes(s.pointee.gradientDivisor) * lanes(s.pointee.gradientScale)
  gradient = multiplyAdd(p, lanes(s.pointee.coupledDecay), gradient)
  let square = gradient * gradient
  v = multiplyAdd(v, lanes(s.pointee.keep), square * lanes(s.pointee.gain))
  let denominator = squareRoots(v) + lanes(s.pointee.epsilon)
  p = multiplyAdd(lanes(-s.pointee.learningRate), gradient / denominator, p)
}

@_transparent
public func rootStep(
  _ parameters: UnsafeMutablePointer<Float>, _ gradients: UnsafePointer<Float>,
  _ squares: UnsafeMutablePointer<Float>, _ count: Int, _ s: UnsafePointer<RootScalars>
) {
  var i = 0
  while i + 16 <= count {
    var p = loadLanes(parameters + i)
    var v = loadLanes(squares + i)
    rootLanes(&p, loadLanes(gradients + i), &v, s)
    storeLanes(p, parameters + i)
    storeLanes(v, squares + i)
    i += 16
  }
  while i < count {
    var p = lanes(parameters[i])
    var v = lanes(squares[i])
    rootLanes(&p, lanes(gradients[i]), &v, s)
    parameters[i] = p[0]
    squares[i] = v[0]
    i += 1
  }
}

/// A running mean of parameters: a ← a + w (p − a).
@_transparent
public func averageStep(
  _ average: UnsafeMutablePointer<Float>, _ parameters: UnsafePointer<Float>, _ count: Int,
  _ weight: Float
) {
  var i = 0
  while i + 16 <= count {
    let a = loadLanes(average + i)
    storeLanes(multiplyAdd(loadLanes(parameters + i) - a, lanes(weight), a), average + i)
    i += 16
  }
  while i < count {
    let a = lanes(average[i])
    average[i] = multiplyAdd(lanes(parameters[i]) - a, lanes(weight), a)[0]
    i += 1
  }
}
