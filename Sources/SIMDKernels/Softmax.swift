public import CPlatform
public import NumericContract

/// Softmax cross-entropy of `rows` rows of logits, [rows, columns], `columns` a multiple of 16
/// whose padding holds a very negative number (it then adds exactly 0).
@frozen public struct SoftmaxArguments {
  public var rows: Int
  public var columns: Int
  public var logits: UnsafeMutablePointer<Float>
  public var stride: Int
  /// One token per row; negative is not counted: loss 0, gradient 0.
  public var targets: UnsafePointer<Int32>
  /// Loss of each row in nats.
  public var losses: UnsafeMutablePointer<Float>
  /// 1 to overwrite the logits with d loss / d logits = softmax − onehot(target), else 0.
  public var backward: Int
  /// Columns that are classes; only read where one of the next two is set.
  public var outputs: Int
  /// The part ε of each target that all classes share (Szegedy et al., 2016); 0 for none.
  public var smoothing: Float
  /// What the loss and gradient of each class's rows are multiplied by; nil for 1.
  public var weights: UnsafePointer<Float>?

  @inlinable @inline(__always) public init(
    rows: Int, columns: Int, logits: UnsafeMutablePointer<Float>, stride: Int,
    targets: UnsafePointer<Int32>, losses: UnsafeMutablePointer<Float>, backward: Int,
    outputs: Int = 0, smoothing: Float = 0, weights: UnsafePointer<Float>? = nil
  ) {
    self.rows = rows
    self.columns = columns
    self.logits = logits
    self.stride = stride
    self.targets = targets
    self.losses = losses
    self.backward = backward
    self.outputs = outputs
    self.smoothing = smoothing
    self.weights = weights
  }
}

/// Loss = log Σ_j e^(x_j − m) − (x_target − m), m the row's maximum; sums in sixteen virtual lanes.
/// With smoothing the target is (1 − ε) onehot + ε / V, and with weights all is multiplied by that
/// of the target.
@_transparent
public func softmaxCrossEntropy(_ p: UnsafePointer<SoftmaxArguments>) {
  let columns = p.pointee.columns
  var row = 0
  while row < p.pointee.rows {
    let x = p.pointee.logits + row * p.pointee.stride
    let target = Int(p.pointee.targets[row])
    if target < 0 {
      p.pointee.losses[row] = 0
      if p.pointee.backward != 0 {
        var j = 0
        while j < columns {
          storeLanes(Lanes(), x + j)
          j += 16
        }
      }
      row += 1
      continue
    }
    var top = loadLanes(x)
    var j = 16
    while j < columns {
      let value = loadLanes(x + j)
      top = select(top, isBelow: value, value, top)
      j += 16
    }
    let maximum = largest(top)
    let chosen = x[target] - maximum
    // Taken from the logits before their exponentials replace them.
    let mean =
      p.pointee.smoothing == 0
      ? chosen : sumAbove(maximum, x, p.pointee.outputs) / Float(p.pointee.outputs)
    var sum = Lanes()
    j = 0
    while j < columns {
      let e = exponential(loadLanes(x + j) - lanes(maximum))
      if p.pointee.backward != 0 { storeLanes(e, x + j) }
      sum = sum + e
      j += 16
    }
    let total = treeSum(sum)
    p.pointee.losses[row] =
      total.isFinite && total > 0
      ? Float(naturalLogarithm(Double(total)) - Double(chosen)) : Float.nan
    if p.pointee.backward != 0 {
      let scale = lanes(1 / total)
      j = 0
      while j < columns {
        storeLanes(loadLanes(x + j) * scale, x + j)
        j += 16
      }
      x[target] -= 1
    }
    if p.pointee.smoothing != 0 { smoothTarget(p, x, row, target, chosen - mean) }
    if let weights = p.pointee.weights { weighRow(p, x, row, weights[target]) }
    row += 1
  }
}

/// Gives ε of a row's target to all classes: the loss grows by ε times how far the target's logit
/// lies `above` the mean, and the gradient of each class loses ε / V, that of the target all but ε.
@_transparent
public func smoothTarget(
  _ p: UnsafePointer<SoftmaxArguments>, _ x: UnsafeMutablePointer<Float>, _ row: Int,
  _ target: Int, _ above: Float
) {
  let smoothing = p.pointee.smoothing
  p.pointee.losses[row] += smoothing * above
  if p.pointee.backward == 0 { return }
  subtractShare(x, p.pointee.outputs, smoothing / Float(p.pointee.outputs))
  x[target] += smoothing
}

/// Multiplies loss and gradient of a row.
@_transparent
public func weighRow(
  _ p: UnsafePointer<SoftmaxArguments>, _ x: UnsafeMutablePointer<Float>, _ row: Int,
  _ weight: Float
) {
  p.pointee.losses[row] *= weight
  if p.pointee.backward == 0 { return }
  var j = 0
  while j < p.pointee.columns {
    storeLanes(loadLanes(x + j) * lanes(weight), x + j)
    j += 16
  }
}

/// Σ (x_j − origin) over `count` numbers, in sixteen virtual lanes.
@_transparent
public func sumAbove(_ origin: Float, _ x: UnsafePointer<Float>, _ count: Int) -> Float {
  var sum = Lanes()
  var j = 0
  while j < count {
    var value = loadLanes(x + j) - lanes(origin)
    var lane = max(0, count - j)
    while lane < 16 {
      value[lane] = 0
      lane += 1
    }
    sum = sum + value
    j += 16
  }
  return treeSum(sum)
}

/// Takes `share` from `count` numbers; those behind them stay.
@_transparent
public func subtractShare(_ x: UnsafeMutablePointer<Float>, _ count: Int, _ share: Float) {
  var j = 0
  while j < count {
    var value = loadLanes(x + j) - lanes(share)
    var lane = max(0, count - j)
    while lane < 16 {
      value[lane] = x[j + lane]
      lane += 1
    }
    storeLanes(value, x + j)
    j += 16
  }
}

/// Softmax of one block of columns of `rows` rows of logits, where a vocabulary has several blocks.
///
/// The sum of a row is the tree over blocks of 4,096 columns (numeric contract, point 3), each
/// block relative to its own maximum: Σ_j e^(x_j − m) = Σ_b e^(m_b − m) Σ_(j in b) e^(x_j − m_b).
@frozen public struct SoftmaxBlockArguments {
  public var rows: Int
  /// Columns of this block, a multiple of 16, and the vocabulary's column that it starts with.
  public var columns: Int
  public var firstColumn: Int
  /// The block's first logit of the first row.
  public var logits: UnsafeMutablePointer<Float>
  public var stride: Int
  public var targets: UnsafePointer<Int32>
  /// Per row: the block's maximum and sum, `blockStride` apart (`softmaxBlock`), or what the
  /// block's exponentials are multiplied by (`softmaxBlockGradient` reads `maxima` for it).
  public var maxima: UnsafeMutablePointer<Float>
  public var sums: UnsafeMutablePointer<Float>
  public var blockStride: Int
  /// Per row: the target's logit, written by the block that has it.
  public var chosen: UnsafeMutablePointer<Float>
  /// 1 to leave the exponentials in place of the logits, else 0.
  public var backward: Int
  /// Where `softmaxBlockGradient` puts the gradient of the logits; the logits themselves will do.
  public var gradients: UnsafeMutablePointer<Float>
  public var gradientStride: Int
  /// Columns of this block that are classes; only read with smoothing.
  public var outputs: Int
  /// The part ε of each target that all classes share, and ε / V; 0 for none.
  public var smoothing: Float
  public var share: Float
  /// Per row, with smoothing: where `softmaxBlock` puts the sum of the block's logits.
  public var logitSums: UnsafeMutablePointer<Float>?

  @inlinable @inline(__always) public init(
    rows: Int, columns: Int, firstColumn: Int, logits: UnsafeMutablePointer<Float>, stride: Int,
    targets: UnsafePointer<Int32>, maxima: UnsafeMutablePointer<Float>,
    sums: UnsafeMutablePointer<Float>, blockStride: Int, chosen: UnsafeMutablePointer<Float>,
    backward: Int, gradients: UnsafeMutablePointer<Float>, gradientStride: Int, outputs: Int = 0,
    smoothing: Float = 0, share: Float = 0, logitSums: UnsafeMutablePointer<Float>? = nil
  ) {
    self.rows = rows
    self.columns = columns
    self.firstColumn = firstColumn
    self.logits = logits
    self.stride = stride
    self.targets = targets
    self.maxima = maxima
    self.sums = sums
    self.blockStride = blockStride
    self.chosen = chosen
    self.backward = backward
    self.gradients = gradients
    self.gradientStride = gradientStride
    self.outputs = outputs
    self.smoothing = smoothing
    self.share = share
    self.logitSums = logitSums
  }
}

/// Maximum, sum of exponentials and the target's logit of one block of every row.
@_transparent
public func softmaxBlock(_ p: UnsafePointer<SoftmaxBlockArguments>) {
  let columns = p.pointee.columns
  var row = 0
  while row < p.pointee.rows {
    let x = p.pointee.logits + row * p.pointee.stride
    let column = Int(p.pointee.targets[row]) - p.pointee.firstColumn
    if column >= 0 && column < columns { p.pointee.chosen[row] = x[column] }
    var top = loadLanes(x)
    var j = 16
    while j < columns {
      let value = loadLanes(x + j)
      top = select(top, isBelow: value, value, top)
      j += 16
    }
    let maximum = largest(top)
    if let sums = p.pointee.logitSums {
      sums[row * p.pointee.blockStride] = sumAbove(0, x, p.pointee.outputs)
    }
    var sum = Lanes()
    j = 0
    while j < columns {
      let e = exponential(loadLanes(x + j) - lanes(maximum))
      if p.pointee.backward != 0 { storeLanes(e, x + j) }
      sum = sum + e
      j += 16
    }
    p.pointee.maxima[row * p.pointee.blockStride] = maximum
    p.pointee.sums[row * p.pointee.blockStride] = treeSum(sum)
    row += 1
  }
}

/// d loss / d logits of some columns of a block: the exponentials times the row's factor, less 1 at
/// the target.
@_transparent
public func softmaxBlockGradient(_ p: UnsafePointer<SoftmaxBlockArguments>) {
  let columns = p.pointee.columns
  var row = 0
  while row < p.pointee.rows {
    let x = UnsafePointer(p.pointee.logits + row * p.pointee.stride)
    let out = p.pointee.gradients + row * p.pointee.gradientStride
    let factor = lanes(p.pointee.maxima[row * p.pointee.blockStride])
    let isCounted = p.pointee.targets[row] >= 0
    // Rows lie pages apart, where no hardware prefetcher follows; past the last row is no harm.
    let later = UnsafeRawPointer(x + 6 * p.pointee.stride)
    var j = 0
    while j < columns {
      platform_prefetch(later + 4 * j)
      storeLanes(isCounted ? loadLanes(x + j) * factor : Lanes(), out + j)
      j += 16
    }
    let column = Int(p.pointee.targets[row]) - p.pointee.firstColumn
    let isChosen = isCounted && column >= 0 && column < columns
    if p.pointee.smoothing == 0 {
      if isChosen { out[column] -= 1 }
    } else if isCounted {
      subtractShare(out, p.pointee.outputs, p.pointee.share)
      if isChosen { out[column] -= 1 - p.pointee.smoothing }
    }
    row += 1
  }
}

/// Joins the blocks of one row: the loss in nats, and the factor of each block in place of its
/// maximum. `blocks` is at most 16 · 64; the sum over blocks is the canonical tree's.
@_transparent
public func softmaxJoin(
  _ maxima: UnsafeMutablePointer<Float>, _ sums: UnsafeMutablePointer<Float>, _ blocks: Int,
  _ chosen: Float
) -> Float {
  var maximum = maxima[0]
  var block = 1
  while block < blocks {
    if maxima[block] > maximum { maximum = maxima[block] }
    block += 1
  }
  block = 0
  while block < blocks {
    let scale = exponential(lanes(maxima[block] - maximum))[0]
    maxima[block] = scale
    sums[block] = sums[block] * scale
    block += 1
  }
  // The tree in place: a left child is a full power of two of leaves, so that adding neighbours at
  // doubling distances is the canonical order.
  var distance = 1
  while distance < blocks {
    block = 0
    while block + distance < blocks {
      sums[block] = sums[block] + sums[block + distance]
      block += 2 * distance
    }
    distance *= 2
  }
  let total = sums[0]
  block = 0
  while block < blocks {
    maxima[block] = maxima[block] * (1 / total)
    block += 1
  }
  guard total.isFinite && total > 0 else { return Float.nan }
  return Float(naturalLogarithm(Double(total)) - Double(chosen - maximum))
}
