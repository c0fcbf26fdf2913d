/// Softmax cross-entropy of `rows` rows of logits, [rows, columns], `columns` a multiple of 16 whose
/// padding holds a very negative number (it then adds exactly 0).
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

  @inlinable @inline(__always) public init(
    rows: Int, columns: Int, logits: UnsafeMutablePointer<Float>, stride: Int,
    targets: UnsafePointer<Int32>, losses: UnsafeMutablePointer<Float>, backward: Int
  ) {
    self.rows = rows
    self.columns = columns
    self.logits = logits
    self.stride = stride
    self.targets = targets
    self.losses = losses
    self.backward = backward
  }
}

/// Loss = log Σ_j e^(x_j − m) − (x_target − m), m the row's maximum; sums in sixteen virtual lanes.
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
    row += 1
  }
}
