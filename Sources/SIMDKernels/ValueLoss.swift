public import NumericContract

/// What `valueLoss` compares scores with.
@frozen public enum ValueLossKind: Int, Sendable {
  /// The mean over outputs of (y − target)²; metric: the mean of |y − target|.
  case squared
  /// The mean over outputs of |y − target|; metric: the mean of (y − target)².
  case absolute
  /// The sum over outputs of log(1 + e^x) − target · x; metric: outputs on the right side of ½.
  case sigmoid
  /// The mean over values and levels of the pinball loss; metric: the mean of |y − target| of the
  /// level at `point`.
  case quantile
  /// The mean over values of the negative log-likelihood under a normal distribution; metric: the
  /// mean of (mean − target)².
  case gaussian
  /// The same under a Student t distribution.
  case studentT
}

/// Losses of `rows` rows of scores against real targets, both [rows, columns], `columns` a multiple
/// of 16 of which `outputs` count.
///
/// Of distributions the outputs are [parts, values], and the first `values` targets of a row count.
@frozen public struct ValueLossArguments {
  public var kind: ValueLossKind
  public var rows: Int
  public var columns: Int
  public var outputs: Int
  public var scores: UnsafeMutablePointer<Float>
  public var targets: UnsafePointer<Float>
  /// Floats between rows, of both.
  public var stride: Int
  /// One per row; negative is not counted: loss, metric and gradient 0.
  public var counted: UnsafePointer<Int32>
  public var losses: UnsafeMutablePointer<Float>
  public var metrics: UnsafeMutablePointer<Float>
  /// 1 to overwrite the scores with d loss / d scores, else 0.
  public var backward: Int
  /// 1 where targets may be NaN, which do not count: the means are those of the others, and 0 where
  /// there are none.
  public var masked: Int
  /// Numbers that are predicted of each target.
  public var parts: Int
  /// [parts], between 0 and 1, of `quantile`.
  public var levels: UnsafePointer<Float>?
  /// The part of `quantile` that the metric is of.
  public var point: Int

  @inlinable @inline(__always) public init(
    kind: ValueLossKind, rows: Int, columns: Int, outputs: Int,
    scores: UnsafeMutablePointer<Float>, targets: UnsafePointer<Float>, stride: Int,
    counted: UnsafePointer<Int32>, losses: UnsafeMutablePointer<Float>,
    metrics: UnsafeMutablePointer<Float>, backward: Int, masked: Int = 0, parts: Int = 1,
    levels: UnsafePointer<Float>? = nil, point: Int = 0
  ) {
    self.kind = kind
    self.rows = rows
    self.columns = columns
    self.outputs = outputs
    self.scores = scores
    self.targets = targets
    self.stride = stride
    self.counted = counted
    self.losses = losses
    self.metrics = metrics
    self.backward = backward
    self.masked = masked
    self.parts = parts
    self.levels = levels
    self.point = point
  }
}

/// Losses, metrics and, if asked, gradients of all rows; sums in sixteen virtual lanes.
@_transparent
public func valueLoss(_ p: UnsafePointer<ValueLossArguments>) {
  var row = 0
  while row < p.pointee.rows {
    let x = p.pointee.scores + row * p.pointee.stride
    let target = p.pointee.targets + row * p.pointee.stride
    if p.pointee.counted[row] < 0 {
      p.pointee.losses[row] = 0
      p.pointee.metrics[row] = 0
      if p.pointee.backward != 0 {
        var j = 0
        while j < p.pointee.columns {
          storeLanes(Lanes(), x + j)
          j += 16
        }
      }
    } else if p.pointee.kind == .sigmoid {
      sigmoidLossRow(p, x, target, row)
    } else if p.pointee.kind == .squared || p.pointee.kind == .absolute {
      if p.pointee.masked != 0 {
        maskedDistanceLossRow(p, x, target, row)
      } else {
        distanceLossRow(p, x, target, row)
      }
    } else {
      distributionLossRow(p, x, target, row)
    }
    row += 1
  }
}

/// One row of `squared` or `absolute`: d = y − target; gradient 2 d / outputs or sign d / outputs.
@_transparent
public func distanceLossRow(
  _ p: UnsafePointer<ValueLossArguments>, _ x: UnsafeMutablePointer<Float>,
  _ target: UnsafePointer<Float>, _ row: Int
) {
  let outputs = p.pointee.outputs
  let isSquared = p.pointee.kind == .squared
  let share = 1 / Float(outputs)
  var squares = Lanes()
  var sizes = Lanes()
  var j = 0
  while j < p.pointee.columns {
    var d = loadLanes(x + j) - loadLanes(target + j)
    var lane = max(0, outputs - j)
    while lane < 16 {
      d[lane] = 0
      lane += 1
    }
    squares = multiplyAdd(d, d, squares)
    sizes = sizes + magnitude(d)
    if p.pointee.backward != 0 {
      let up = select(lanes(0), isBelow: d, lanes(share), Lanes())
      let slope = isSquared ? d * lanes(2 * share) : select(d, isBelow: Lanes(), lanes(-share), up)
      storeLanes(slope, x + j)
    }
    j += 16
  }
  let squared = treeSum(squares) / Float(outputs)
  let absolute = treeSum(sizes) / Float(outputs)
  p.pointee.losses[row] = isSquared ? squared : absolute
  p.pointee.metrics[row] = isSquared ? absolute : squared
}

/// As `distanceLossRow`, with means over the targets that are no NaN; to the bit the same where all
/// are none.
@_transparent
public func maskedDistanceLossRow(
  _ p: UnsafePointer<ValueLossArguments>, _ x: UnsafeMutablePointer<Float>,
  _ target: UnsafePointer<Float>, _ row: Int
) {
  let outputs = p.pointee.outputs
  let isSquared = p.pointee.kind == .squared
  var present = 0
  var j = 0
  while j < outputs {
    present += target[j].isNaN ? 0 : 1
    j += 1
  }
  let count = Float(max(1, present))
  let share = 1 / count
  var squares = Lanes()
  var sizes = Lanes()
  j = 0
  while j < p.pointee.columns {
    let t = loadLanes(target + j)
    // A NaN has no magnitude that anything is below.
    var d = select(lanes(-1), isBelow: magnitude(t), loadLanes(x + j) - t, Lanes())
    var lane = max(0, outputs - j)
    while lane < 16 {
      d[lane] = 0
      lane += 1
    }
    squares = multiplyAdd(d, d, squares)
    sizes = sizes + magnitude(d)
    if p.pointee.backward != 0 {
      let up = select(lanes(0), isBelow: d, lanes(share), Lanes())
      let slope = isSquared ? d * lanes(2 * share) : select(d, isBelow: Lanes(), lanes(-share), up)
      storeLanes(slope, x + j)
    }
    j += 16
  }
  let squared = treeSum(squares) / count
  let absolute = treeSum(sizes) / count
  p.pointee.losses[row] = isSquared ? squared : absolute
  p.pointee.metrics[row] = isSquared ? absolute : squared
}

/// One row of `sigmoid`: log(1 + e^x) − t x = max(x, 0) − t x + log(1 + e^−|x|); gradient σ(x) − t.
///
/// The logarithms are taken of products of up to 32 factors a lane, each between 1 and 2. Padding
/// has scores so negative, and targets of 0, that it adds exactly nothing.
@_transparent
public func sigmoidLossRow(
  _ p: UnsafePointer<ValueLossArguments>, _ x: UnsafeMutablePointer<Float>,
  _ target: UnsafePointer<Float>, _ row: Int
) {
  var sum = Lanes()
  var wrong = Lanes()
  var product = lanes(1)
  var logarithms = 0.0
  var j = 0
  while j < p.pointee.columns {
    let score = loadLanes(x + j)
    let t = loadLanes(target + j)
    let positive = select(Lanes(), isBelow: score, score, Lanes())
    sum = sum + multiplyAdd(-score, t, positive)
    product = product * (lanes(1) + exponential(-magnitude(score)))
    let says = select(Lanes(), isBelow: score, lanes(1), Lanes())
    let truth = select(lanes(0.5), isBelow: t, lanes(1), Lanes())
    wrong = wrong + magnitude(says - truth)
    if p.pointee.backward != 0 { storeLanes(sigmoid(score) - t, x + j) }
    j += 16
    if j % 512 == 0 || j >= p.pointee.columns {
      var whole = 1.0
      var lane = 0
      while lane < 16 {
        whole *= Double(product[lane])
        lane += 1
      }
      logarithms += whole.isFinite ? naturalLogarithm(whole) : Double.nan
      product = lanes(1)
    }
  }
  p.pointee.losses[row] = Float(Double(treeSum(sum)) + logarithms)
  p.pointee.metrics[row] = Float(p.pointee.outputs) - treeSum(wrong)
}
