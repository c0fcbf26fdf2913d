/// Layer normalisation of the summed inputs of gates (Ba, Kiros and Hinton, 2016, equation 4).
///
/// `values` rows hold `groups` gates, each `columns` wide (a multiple of 16) of which `size` count;
/// all of the others stay 0. With μ and σ² the mean and variance of a gate's a, x = (a − μ) / √(σ²
/// + ε), y = gain ⊙ x + bias.
@frozen public struct NormalizationArguments {
  public var rows: Int
  public var groups: Int
  public var columns: Int
  public var size: Int
  /// a, replaced by y; backward ∂/∂y, replaced by ∂/∂a. Rows `stride` apart.
  public var values: UnsafeMutablePointer<Float>
  /// x, in rows of the same shape.
  public var normalized: UnsafeMutablePointer<Float>
  public var stride: Int
  /// 1 / √(σ² + ε) of every row and group, rows `deviationStride` apart.
  public var inverseDeviations: UnsafeMutablePointer<Float>
  public var deviationStride: Int
  /// [groups, columns].
  public var gain: UnsafePointer<Float>
  public var bias: UnsafePointer<Float>
  /// Backward: sums of ∂/∂y ⊙ x and of ∂/∂y for each shard, [shard] × [groups, columns], both
  /// `shardStride` from shard to shard; a shard has `rowsPerShard` rows.
  public var gainGradient: UnsafeMutablePointer<Float>
  public var biasGradient: UnsafeMutablePointer<Float>
  public var shardStride: Int
  public var rowsPerShard: Int

  @inlinable @inline(__always) public init(
    rows: Int, groups: Int, columns: Int, size: Int, values: UnsafeMutablePointer<Float>,
    normalized: UnsafeMutablePointer<Float>, stride: Int,
    inverseDeviations: UnsafeMutablePointer<Float>, deviationStride: Int,
    gain: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    gainGradient: UnsafeMutablePointer<Float>, biasGradient: UnsafeMutablePointer<Float>,
    shardStride: Int, rowsPerShard: Int
  ) {
    self.rows = rows
    self.groups = groups
    self.columns = columns
    self.size = size
    self.values = values
    self.normalized = normalized
    self.stride = stride
    self.inverseDeviations = inverseDeviations
    self.deviationStride = deviationStride
    self.gain = gain
    self.bias = bias
    self.gainGradient = gainGradient
    self.biasGradient = biasGradient
    self.shardStride = shardStride
    self.rowsPerShard = rowsPerShard
  }
}

/// ε of the variance.
@inlinable @inline(__always) public var normalizationEpsilon: Float { 1e-5 }

/// `x` in the lanes of the first `size` columns, 0 beyond; `column` is the first lane's.
@_transparent
public func realLanes(_ x: Lanes, column: Int, size: Int) -> Lanes {
  if column + 16 <= size { return x }
  let index = Lanes(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
  return select(index, isBelow: lanes(Float(size - column)), x, lanes(0))
}

/// Replaces a by y and leaves x and 1 / √(σ² + ε).
@_transparent
public func normalizeRows(_ p: UnsafePointer<NormalizationArguments>) {
  let columns = p.pointee.columns
  let size = p.pointee.size
  let count = Float(size)
  var row = 0
  while row < p.pointee.rows {
    var group = 0
    while group < p.pointee.groups {
      let values = p.pointee.values + row * p.pointee.stride + group * columns
      let normalized = p.pointee.normalized + row * p.pointee.stride + group * columns
      var sum = Lanes()
      var j = 0
      while j < columns {
        sum = sum + loadLanes(values + j)
        j += 16
      }
      let mean = lanes(treeSum(sum) / count)
      var squares = Lanes()
      j = 0
      while j < columns {
        let centred = realLanes(loadLanes(values + j) - mean, column: j, size: size)
        storeLanes(centred, normalized + j)
        squares = multiplyAdd(centred, centred, squares)
        j += 16
      }
      let variance = treeSum(squares) / count
      let inverse = 1 / (variance + normalizationEpsilon).squareRoot()
      (p.pointee.inverseDeviations + row * p.pointee.deviationStride)[group] = inverse
      j = 0
      while j < columns {
        let x = loadLanes(normalized + j) * lanes(inverse)
        storeLanes(x, normalized + j)
        storeLanes(
          multiplyAdd(
            x, loadLanes(p.pointee.gain + group * columns + j),
            loadLanes(p.pointee.bias + group * columns + j)), values + j)
        j += 16
      }
      group += 1
    }
    row += 1
  }
}

/// With g = gain ⊙ ∂/∂y: ∂/∂a = (g − mean(g) − x ⊙ mean(g ⊙ x)) / √(σ² + ε), in place of ∂/∂y; the
/// gradients of gain and bias are added to those of the row's shard.
@_transparent
public func normalizeRowsBackward(_ p: UnsafePointer<NormalizationArguments>) {
  let columns = p.pointee.columns
  let size = p.pointee.size
  let count = Float(size)
  var row = 0
  while row < p.pointee.rows {
    let shard = row / p.pointee.rowsPerShard * p.pointee.shardStride
    var group = 0
    while group < p.pointee.groups {
      let values = p.pointee.values + row * p.pointee.stride + group * columns
      let normalized = p.pointee.normalized + row * p.pointee.stride + group * columns
      let gainGradient = p.pointee.gainGradient + shard + group * columns
      let biasGradient = p.pointee.biasGradient + shard + group * columns
      var sum = Lanes()
      var products = Lanes()
      var j = 0
      while j < columns {
        let slope = loadLanes(values + j)
        let x = loadLanes(normalized + j)
        storeLanes(multiplyAdd(slope, x, loadLanes(gainGradient + j)), gainGradient + j)
        storeLanes(loadLanes(biasGradient + j) + slope, biasGradient + j)
        let g = slope * loadLanes(p.pointee.gain + group * columns + j)
        storeLanes(g, values + j)
        sum = sum + g
        products = multiplyAdd(g, x, products)
        j += 16
      }
      let mean = lanes(treeSum(sum) / count)
      let product = lanes(treeSum(products) / count)
      let inverse = lanes((p.pointee.inverseDeviations + row * p.pointee.deviationStride)[group])
      j = 0
      while j < columns {
        let centred = loadLanes(values + j) - mean
        let rest = multiplyAdd(-loadLanes(normalized + j), product, centred)
        storeLanes(realLanes(rest * inverse, column: j, size: size), values + j)
        j += 16
      }
      group += 1
    }
    row += 1
  }
}

/// Reset-after with normalised gates, between the two normalisations: z = σ(z), r = σ(r),
/// h̃ = h̃ + r ⊙ inner. `resetBeforeState` does the rest.
@_transparent
public func resetAfterSum(_ p: UnsafePointer<GateArguments>) {
  let columns = p.pointee.columns
  let width = p.pointee.gateWidth
  var row = 0
  while row < p.pointee.rows {
    let z = p.pointee.gates + row * p.pointee.gatesStride
    let r = z + width
    let h = r + width
    let state = row * p.pointee.stateStride
    var j = 0
    while j < columns {
      storeLanes(sigmoid(loadLanes(z + j)), z + j)
      let reset = sigmoid(loadLanes(r + j))
      storeLanes(reset, r + j)
      let inner = loadLanes(p.pointee.inner + state + j)
      storeLanes(multiplyAdd(reset, inner, loadLanes(h + j)), h + j)
      j += 16
    }
    row += 1
  }
}

/// Reset-after with normalised gates, backward, after `resetBeforeBackwardState` and the
/// candidate's normalisation left ∂/∂(h̃ + r ⊙ inner) in place of h̃: dr = that ⊙ inner ⊙ r ⊙ (1 −
/// r), inner becomes that ⊙ r.
@_transparent
public func resetAfterBackwardSum(_ p: UnsafePointer<GateArguments>) {
  let columns = p.pointee.columns
  let width = p.pointee.gateWidth
  let one = lanes(1)
  var row = 0
  while row < p.pointee.rows {
    let r = p.pointee.gates + row * p.pointee.gatesStride + width
    let h = r + width
    let state = row * p.pointee.stateStride
    var j = 0
    while j < columns {
      let inner = p.pointee.inner + state + j
      let slope = loadLanes(h + j)
      let reset = loadLanes(r + j)
      storeLanes(slope * loadLanes(inner) * (reset * (one - reset)), r + j)
      storeLanes(slope * reset, inner)
      j += 16
    }
    row += 1
  }
}
