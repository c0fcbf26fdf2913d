public import NumericContract

/// One row of `quantile`, `gaussian` or `studentT`, whose outputs are [parts, values].
///
/// Few numbers against the products before them: plain loops in double precision, value by value,
/// so that every instruction set has the same bits. Targets that are NaN do not count.
@_transparent
public func distributionLossRow(
  _ p: UnsafePointer<ValueLossArguments>, _ x: UnsafeMutablePointer<Float>,
  _ target: UnsafePointer<Float>, _ row: Int
) {
  let parts = p.pointee.parts
  let values = p.pointee.outputs / parts
  var present = 0
  var i = 0
  while i < values {
    present += target[i].isNaN ? 0 : 1
    i += 1
  }
  let share = 1 / Double(max(1, present))
  var loss = 0.0
  var metric = 0.0
  i = 0
  while i < values {
    if target[i].isNaN {
      if p.pointee.backward != 0 {
        var part = 0
        while part < parts {
          x[part * values + i] = 0
          part += 1
        }
      }
    } else if p.pointee.kind == .quantile {
      pinballLoss(p, x + i, Double(target[i]), values, share, &loss, &metric)
    } else {
      likelihoodLoss(p, x + i, Double(target[i]), values, share, &loss, &metric)
    }
    i += 1
  }
  if p.pointee.backward != 0 {
    var j = p.pointee.outputs
    while j < p.pointee.columns {
      x[j] = 0
      j += 1
    }
  }
  p.pointee.losses[row] = Float(loss * share)
  p.pointee.metrics[row] = Float(metric * share)
}

/// The pinball loss of all levels of one value, and its gradient: −τ where y is below the target,
/// 1 − τ above it.
@_transparent
public func pinballLoss(
  _ p: UnsafePointer<ValueLossArguments>, _ x: UnsafeMutablePointer<Float>, _ target: Double,
  _ stride: Int, _ share: Double, _ loss: inout Double, _ metric: inout Double
) {
  guard let levels = p.pointee.levels else { return }
  let weight = 1 / Double(p.pointee.parts)
  var part = 0
  while part < p.pointee.parts {
    let level = Double(levels[part])
    let distance = target - Double(x[part * stride])
    loss += (distance < 0 ? level - 1 : level) * distance * weight
    if part == p.pointee.point { metric += distance.magnitude }
    if p.pointee.backward != 0 {
      let slope = distance > 0 ? -level : distance < 0 ? 1 - level : 0
      x[part * stride] = Float(slope * weight * share)
    }
    part += 1
  }
}

/// The negative log-likelihood of one value. Outputs: location m; s, of which σ = 10⁻³ +
/// log(1 + e^s); of Student's t also r, of which ν = 2 + log(1 + e^r), so that there is a variance.
/// With d = m − target:
///
/// normal: ½ log 2π + log σ + ½ (d / σ)²; d/dm = d / σ²; d/dσ = 1 / σ − d² / σ³.
/// Student: log Γ(ν/2) − log Γ((ν + 1)/2) + ½ log νπ + log σ + (ν + 1)/2 · log(1 + d² / νσ²);
/// with q = νσ² + d²: d/dm = (ν + 1) d / q; d/dσ = 1 / σ − (ν + 1) d² / σq;
/// d/dν = ½ (ψ(ν/2) − ψ((ν + 1)/2) + 1 / ν + log(1 + d² / νσ²) − (ν + 1) d² / νq).
@_transparent
public func likelihoodLoss(
  _ p: UnsafePointer<ValueLossArguments>, _ x: UnsafeMutablePointer<Float>, _ target: Double,
  _ stride: Int, _ share: Double, _ loss: inout Double, _ metric: inout Double
) {
  let distance = Double(x[0]) - target
  let square = distance * distance
  let spread = Double(x[stride])
  let deviation = 1e-3 + softPlus(spread)
  // The logarithm of a NaN would look like a number.
  let size = deviation.isNaN ? Double.nan : naturalLogarithm(deviation)
  let variance = deviation * deviation
  metric += square
  if p.pointee.kind == .gaussian {
    loss += 0.918_938_533_204_672_7 + size + 0.5 * square / variance
    if p.pointee.backward != 0 {
      x[0] = Float(distance / variance * share)
      let slope = 1 / deviation - square / (variance * deviation)
      x[stride] = Float(slope * softPlusSlope(spread) * share)
    }
  } else {
    let rest = Double(x[2 * stride])
    let freedom = 2 + softPlus(rest)
    let whole = freedom * variance + square
    let tail =
      whole.isFinite ? naturalLogarithm(1 + square / (freedom * variance)) : Double.nan
    loss +=
      logGamma(0.5 * freedom) - logGamma(0.5 * freedom + 0.5)
      + 0.5 * naturalLogarithm(freedom * 3.141_592_653_589_793) + size
      + 0.5 * (freedom + 1) * tail
    if p.pointee.backward != 0 {
      x[0] = Float((freedom + 1) * distance / whole * share)
      let slope = 1 / deviation - (freedom + 1) * square / (deviation * whole)
      x[stride] = Float(slope * softPlusSlope(spread) * share)
      let bend =
        digamma(0.5 * freedom) - digamma(0.5 * freedom + 0.5) + 1 / freedom + tail
        - (freedom + 1) * square / (freedom * whole)
      x[2 * stride] = Float(0.5 * bend * softPlusSlope(rest) * share)
    }
  }
}

/// e^x for x of at most 0, which becomes 0 below −700; a NaN stays one.
@_transparent
public func decay(_ x: Double) -> Double {
  if x < -700 { return 0 }
  if x.isNaN { return x }
  let n = (x * 1.442_695_040_888_963_4).rounded(.toNearestOrEven)
  let r = (x - n * 0.693_147_180_369_123_8) - n * 1.908_214_929_270_587_7e-10
  var sum = 1.0
  var k = 18.0
  while k >= 1 {
    sum = 1 + r * sum / k
    k -= 1
  }
  return sum * Double(bitPattern: UInt64(bitPattern: (Int64(n) + 1023) << 52))
}

/// log(1 + e^x) = max(x, 0) + log(1 + e^−|x|).
@_transparent
public func softPlus(_ x: Double) -> Double {
  // What is not finite must stay so, of which no logarithm is to be taken.
  if !x.isFinite { return Double.nan }
  return max(x, 0) + naturalLogarithm(1 + decay(-x.magnitude))
}

/// Its slope, 1 / (1 + e^−x).
@_transparent
public func softPlusSlope(_ x: Double) -> Double {
  let e = decay(-x.magnitude)
  return x < 0 ? e / (1 + e) : 1 / (1 + e)
}

/// log Γ(x) for x above 0: Stirling's series from 10 on, and below by Γ(x + 1) = x Γ(x).
@_transparent
public func logGamma(_ x: Double) -> Double {
  var y = x
  var product = 1.0
  while y < 10 {
    product *= y
    y += 1
  }
  let u = 1 / (y * y)
  var sum = 1.0 / 1188
  sum = sum * u - 1.0 / 1680
  sum = sum * u + 1.0 / 1260
  sum = sum * u - 1.0 / 360
  sum = sum * u + 1.0 / 12
  return (y - 0.5) * naturalLogarithm(y) - y + 0.918_938_533_204_672_7 + sum / y
    - naturalLogarithm(product)
}

/// ψ(x), the slope of log Γ, by the series of that, and below 10 by ψ(x + 1) = ψ(x) + 1/x.
@_transparent
public func digamma(_ x: Double) -> Double {
  var y = x
  var sum = 0.0
  while y < 10 {
    sum -= 1 / y
    y += 1
  }
  let u = 1 / (y * y)
  var series = 1.0 / 132
  series = series * u - 1.0 / 240
  series = series * u + 1.0 / 252
  series = series * u - 1.0 / 120
  series = series * u + 1.0 / 12
  return sum + naturalLogarithm(y) - 0.5 / y - series * u
}
