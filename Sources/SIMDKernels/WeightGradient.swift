public import CPlatform

/// dW[m, n] += Σ_rows dA[row, m] · X[row, n], one chain per shard, shards folded by the tree.
@frozen public struct WeightGradientArguments {
  /// dA: its columns [0, outputs) become rows of the gradients. Readable 16 floats past each row's
  /// last column.
  public var left: ShardRows
  public var outputs: Int
  /// Number of right operands (1 or 2), packed by `packShardColumns`.
  public var operands: Int
  public var right0: UnsafePointer<Float>
  public var columns0: Int
  public var right1: UnsafePointer<Float>
  public var columns1: Int
  /// For each shard of the run, how many times to fold the two topmost partial sums after it.
  public var folds: UnsafePointer<Int>
  /// Number of partial sums, one for each maximal canonical node, and the arenas that receive them.
  public var partialSumCount: Int
  public var partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  /// Offset of dW's first row within an arena, and its real columns (its row stride), per operand.
  public var offset0: Int
  public var width0: Int
  public var offset1: Int
  public var width1: Int
  /// Offset of the bias gradient, or −1 for none.
  public var biasOffset: Int
  /// Scratch of at least `weightGradientScratch` floats.
  public var scratch: UnsafeMutablePointer<Float>
  /// Most entries that the fold's stack ever holds.
  public var stackDepth: Int
  /// Most steps of k at a time, where kernels work in blocks: at most `weightGradientDepth`.
  public var blockDepth: Int

  @inlinable @inline(__always) public init(
    left: ShardRows, outputs: Int, operands: Int,
    right0: UnsafePointer<Float>, columns0: Int, right1: UnsafePointer<Float>, columns1: Int,
    folds: UnsafePointer<Int>, partialSumCount: Int,
    partialSums: UnsafePointer<UnsafeMutablePointer<Float>>,
    offset0: Int, width0: Int, offset1: Int, width1: Int, biasOffset: Int,
    scratch: UnsafeMutablePointer<Float>, stackDepth: Int
  ) {
    self.left = left
    self.outputs = outputs
    self.operands = operands
    self.right0 = right0
    self.columns0 = columns0
    self.right1 = right1
    self.columns1 = columns1
    self.folds = folds
    self.partialSumCount = partialSumCount
    self.partialSums = partialSums
    self.offset0 = offset0
    self.width0 = width0
    self.offset1 = offset1
    self.width1 = width1
    self.biasOffset = biasOffset
    self.scratch = scratch
    self.stackDepth = stackDepth
    blockDepth = 0
  }
}

/// Most k steps of one block: the left tile's block (24 KiB) stays in the first cache for a pair of
/// panels, whose blocks (128 KiB) stay in the second for all tiles.
@inlinable @inline(__always) public var weightGradientDepth: Int { 512 }
/// Rows of the gradients that are summed at a time, over all columns.
@inlinable @inline(__always) public var weightGradientRows: Int { 192 }

/// Most shards whose left rows are packed at a time.
@inlinable @inline(__always) public var weightGradientShards: Int { 8 }

/// Scratch floats that `weightGradient` needs for right operands of up to `columns` padded columns
/// in all: packed left rows, the stack of biases, the stack of tiles.
public func weightGradientScratch(rowsPerShard: Int, columns: Int, stackDepth: Int) -> Int {
  let tiles = weightGradientRows / 6
  // Pairs of steps are whole.
  let rows = min(weightGradientShards * ((rowsPerShard + 1) & ~1), weightGradientDepth)
  let left = weightGradientRows * rows + 16 * tiles * weightGradientShards
  // The last panel of either operand may reach past its last column.
  return left + stackDepth * (weightGradientRows * (columns + 64) + 16 * tiles)
}

/// One shard's chain of one tile, k block by k block, then its folds; the result goes to its slot.
@_transparent
public func gradientTile<R: TileRows>(
  _ tile: R.Type, depth: Int, a: UnsafePointer<Float>, b: UnsafePointer<Float>,
  resume: Bool, slot: UnsafeMutablePointer<Float>, folds: Int, slotStride: Int
) {
  var rows = resume ? R(loading: slot, stride: R.Columns.width) : R()
  var left = a
  var right = b
  let end = a + depth * R.height
  while left < end {
    rows.multiplyAdd(left, 1, R.Columns(loading: right))
    left += R.height
    right += R.Columns.width
  }
  var out = slot
  var fold = 0
  while fold < folds {
    out -= slotStride
    rows.add(out, stride: R.Columns.width)
    fold += 1
  }
  rows.store(out, stride: R.Columns.width)
}

@_transparent
public func gradientTiles<R: TileRows>(
  _ single: R.Type, height: Int, maximumRows: Int, depth: Int,
  a: UnsafePointer<Float>, b: UnsafePointer<Float>,
  resume: Bool, slot: UnsafeMutablePointer<Float>, folds: Int, slotStride: Int
) {
  @inline(__always) func run<T: TileRows>(_ tile: T.Type) {
    gradientTile(
      tile, depth: depth, a: a, b: b, resume: resume, slot: slot, folds: folds,
      slotStride: slotStride)
  }
  switch height {
  case 1: run(R.self)
  case 2: run(Rows2<R>.self)
  case 3: run(Rows3<R>.self)
  case 4: run(Rows4<R>.self)
  case 5: run(Rows5<R>.self)
  case 6: run(Rows6<R>.self)
  default:
    if maximumRows <= 6 { return }
    switch height {
    case 7: run(Rows7<R>.self)
    case 8: run(Rows8<R>.self)
    case 9: run(Rows9<R>.self)
    case 10: run(Rows10<R>.self)
    case 11: run(Rows11<R>.self)
    default: run(Rows12<R>.self)
    }
  }
}

/// Folds the topmost entry of the bias stack, at `depth`, as often as its shard asks for; returns
/// the depth after it.
@_transparent
public func foldBiases(
  _ bias: UnsafeMutablePointer<Float>, stride: Int, tiles: Int, depth: Int, folds: Int
) -> Int {
  var top = depth
  var fold = 0
  while fold < folds {
    top -= 1
    var tile = 0
    while tile < tiles {
      let left = bias + top * stride + 16 * tile
      storeLanes(loadLanes(left) + loadLanes(left + stride), left)
      tile += 1
    }
    fold += 1
  }
  return top + 1
}


/// The partial sums of some row tiles × all panels: [entry][panel][tile][row][column].
@frozen public struct GradientSlots {
  @usableFromInline let base: UnsafeMutablePointer<Float>
  /// Floats of a tile.
  @usableFromInline let tile: Int
  @usableFromInline let panel: Int
  public let entry: Int

  @inlinable @inline(__always)
  public init(_ base: UnsafeMutablePointer<Float>, tileFloats: Int, tiles: Int, panels: Int) {
    self.base = base
    tile = tileFloats
    panel = tileFloats * tiles
    entry = tileFloats * tiles * panels
  }

  @inlinable @inline(__always)
  public func slot(_ depth: Int, panel index: Int, tile row: Int) -> UnsafeMutablePointer<Float> {
    base + depth * entry + index * panel + row * tile
  }
}

/// Folds finished tiles that lie in their slots, as tiles in registers do.
@_transparent
public func foldTiles(
  _ first: UnsafeMutablePointer<Float>, slotStride: Int, entryStride: Int, split: TileSplit,
  firstTile: Int, endTile: Int, width: Int, folds: Int
) {
  var tile = firstTile
  while tile < endTile {
    let slot = first + (tile - firstTile) * slotStride
    let end = split.height(tile) * width
    var i = 0
    while i < end {
      var sum = loadHalf(slot + i)
      var out = slot + i
      var fold = 0
      while fold < folds {
        out -= entryStride
        sum = loadHalf(out) + sum
        fold += 1
      }
      storeHalf(sum, out)
      i += 8
    }
    tile += 1
  }
}

/// One block of k of one shard: the packed tiles against all panels of one right operand, two by
/// two.
@_transparent
public func gradientBlock<F: TileFamily>(
  _ family: F.Type, maximumRows: Int, split: TileSplit, firstTile: Int, endTile: Int,
  packedLeft: UnsafePointer<Float>, leftStride: Int, right: UnsafePointer<Float>, columns: Int,
  shardSteps: Int, firstStep: Int, steps: Int, slots: GradientSlots, firstPanel: Int, depth: Int,
  folds: Int
) {
  let wide = F.Wide.Columns.width
  let isApart = F.flushesDenormals && folds > 0
  let before = F.flushesDenormals ? platform_flush_denormals() : 0
  var pair = 0
  while pair < columns {
    let end = min(columns, pair + 2 * wide)
    var a = packedLeft
    var tile = firstTile
    while tile < endTile {
      let height = split.height(tile)
      var column = pair
      while column < end {
        let width = min(wide, columns - column)
        let b = right + column * shardSteps + firstStep * width
        let slot = slots.slot(depth, panel: firstPanel + column / wide, tile: tile - firstTile)
        if width == wide {
          gradientTiles(
            F.Wide.self, height: height, maximumRows: maximumRows, depth: steps, a: a, b: b,
            resume: firstStep > 0, slot: slot, folds: isApart ? 0 : folds,
            slotStride: slots.entry)
        } else {
          gradientTiles(
            F.Narrow.self, height: height, maximumRows: maximumRows, depth: steps, a: a, b: b,
            resume: firstStep > 0, slot: slot, folds: isApart ? 0 : folds,
            slotStride: slots.entry)
        }
        column += width
      }
      a += leftStride
      tile += 1
    }
    pair = end
  }
  if F.flushesDenormals { platform_restore_denormals(before) }
  if !isApart { return }
  var column = 0
  while column < columns {
    foldTiles(
      slots.slot(depth, panel: firstPanel + column / wide, tile: 0), slotStride: slots.tile,
      entryStride: slots.entry, split: split, firstTile: firstTile, endTile: endTile,
      width: min(wide, columns - column), folds: folds)
    column += wide
  }
}

/// Weight (and bias) gradients of one left operand against one or two right operands.
///
/// A tile keeps one register chain per shard and folds finished shards into a stack in cache, so
/// that no gradient per shard exists in memory (numeric contract, point 6).
@_transparent
public func weightGradient<F: TileFamily>(
  _ family: F.Type, maximumRows: Int, _ p: UnsafePointer<WeightGradientArguments>
) {
  let left = p.pointee.left
  let shards = left.sequences / left.sequencesPerShard
  let shardSteps = F.steps(left.rowsPerShard)
  let wide = F.Wide.Columns.width
  let hasTwo = p.pointee.operands == 2
  let panels0 = (p.pointee.columns0 + wide - 1) / wide
  let panels = panels0 + (hasTwo ? (p.pointee.columns1 + wide - 1) / wide : 0)
  let split = TileSplit(rows: p.pointee.outputs, maximum: maximumRows)
  let blockTiles = weightGradientRows / maximumRows
  let leftStride = maximumRows * min(shardSteps, weightGradientDepth) + 16
  let packedLeft = p.pointee.scratch
  let biases = packedLeft + blockTiles * leftStride
  let biasStride = 16 * blockTiles
  let slots = GradientSlots(
    biases + p.pointee.stackDepth * biasStride, tileFloats: maximumRows * wide, tiles: blockTiles,
    panels: panels)
  var firstTile = 0
  while firstTile < split.count {
    let endTile = min(firstTile + blockTiles, split.count)
    let tiles = endTile - firstTile
    var depth = 0
    var shard = 0
    while shard < shards {
      var cursor = ShardCursor(left, shard: shard)
      var step = 0
      while step < shardSteps {
        let steps = min(weightGradientDepth, shardSteps - step)
        let rows = min(steps * F.rowsPerStep, left.rowsPerShard - step * F.rowsPerStep)
        F.packLeft(
          &cursor, rows: rows, split: split, firstTile: firstTile, endTile: endTile,
          to: packedLeft, tileStride: leftStride, sums: biases + depth * biasStride,
          resume: step > 0)
        let folds = step + steps == shardSteps ? p.pointee.folds[shard] : 0
        var operand = 0
        while operand < p.pointee.operands {
          let right = operand == 0 ? p.pointee.right0 : p.pointee.right1
          let width = operand == 0 ? p.pointee.columns0 : p.pointee.columns1
          gradientBlock(
            F.self, maximumRows: maximumRows, split: split, firstTile: firstTile,
            endTile: endTile, packedLeft: packedLeft, leftStride: leftStride,
            right: right + shard * width * shardSteps, columns: width, shardSteps: shardSteps,
            firstStep: step, steps: steps, slots: slots,
            firstPanel: operand == 0 ? 0 : panels0, depth: depth, folds: folds)
          operand += 1
        }
        step += steps
      }
      depth = foldBiases(
        biases, stride: biasStride, tiles: tiles, depth: depth, folds: p.pointee.folds[shard])
      shard += 1
    }
    writeGradients(
      p, biases, biasStride: biasStride, slots: slots, split: split, firstTile: firstTile,
      endTile: endTile, wide: wide)
    firstTile = endTile
  }
}
