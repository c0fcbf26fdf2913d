public import CPlatform

/// Some tiles of one block of k: the packed left operand, a panel of the right one, and the slots
/// of their sums.
@frozen public struct GradientRun {
  @usableFromInline var steps: Int
  /// Packed tiles, `leftStride` apart.
  @usableFromInline var a: UnsafePointer<Float>
  @usableFromInline var leftStride: Int
  @usableFromInline var b: UnsafePointer<Float>
  @usableFromInline var slot: UnsafeMutablePointer<Float>
  @usableFromInline var slotStride: Int
  @usableFromInline var entryStride: Int
  /// Whether the chains go on from their slots.
  @usableFromInline var resume: Bool
  @usableFromInline var folds: Int

  @inlinable @inline(__always) init(
    steps: Int, a: UnsafePointer<Float>, leftStride: Int, b: UnsafePointer<Float>,
    slot: UnsafeMutablePointer<Float>, slotStride: Int, entryStride: Int, resume: Bool, folds: Int
  ) {
    self.steps = steps
    self.a = a
    self.leftStride = leftStride
    self.b = b
    self.slot = slot
    self.slotStride = slotStride
    self.entryStride = entryStride
    self.resume = resume
    self.folds = folds
  }
}

/// `count` tiles of one height.
@_transparent
public func gradientRun<R: TileRows>(_ tile: R.Type, _ run: GradientRun, count: Int) {
  var a = run.a
  var slot = run.slot
  var index = 0
  while index < count {
    var rows = run.resume ? R(loading: slot, stride: R.Columns.width) : R()
    tileSteps(
      &rows, steps: run.steps, a: a, aStride: 1, aStep: R.height, b: run.b, prefetch: nil)
    var out = slot
    var fold = 0
    while fold < run.folds {
      out -= run.entryStride
      rows.add(out, stride: R.Columns.width)
      fold += 1
    }
    rows.store(out, stride: R.Columns.width)
    a += run.leftStride
    slot += run.slotStride
    index += 1
  }
}

/// As `gradientRun`, of a height that is known when it runs.
@_transparent
public func gradientRun<R: TileRows>(
  _ single: R.Type, height: Int, maximumRows: Int, _ run: GradientRun, count: Int
) {
  switch height {
  case 1: gradientRun(R.self, run, count: count)
  case 2: gradientRun(Rows2<R>.self, run, count: count)
  case 3: gradientRun(Rows3<R>.self, run, count: count)
  case 4: gradientRun(Rows4<R>.self, run, count: count)
  case 5: gradientRun(Rows5<R>.self, run, count: count)
  case 6: gradientRun(Rows6<R>.self, run, count: count)
  default:
    if maximumRows <= 6 { return }
    switch height {
    case 7: gradientRun(Rows7<R>.self, run, count: count)
    case 8: gradientRun(Rows8<R>.self, run, count: count)
    default:
      if maximumRows <= 8 { return }
      switch height {
      case 9: gradientRun(Rows9<R>.self, run, count: count)
      case 10: gradientRun(Rows10<R>.self, run, count: count)
      case 11: gradientRun(Rows11<R>.self, run, count: count)
      default: gradientRun(Rows12<R>.self, run, count: count)
      }
    }
  }
}

/// Where the blocks of some shards' chains lie: one block of k of one shard, or several whole
/// shards that fit into one.
@frozen public struct GradientSpan {
  @usableFromInline var firstShard: Int
  @usableFromInline var shards: Int
  @usableFromInline var firstStep: Int
  @usableFromInline var steps: Int
  /// Entries of the stack before the first shard.
  @usableFromInline var depth: Int
  @usableFromInline var isLast: Bool

  @inlinable @inline(__always) init(firstShard: Int, shards: Int, depth: Int) {
    self.firstShard = firstShard
    self.shards = shards
    self.depth = depth
    firstStep = 0
    steps = 0
    isLast = false
  }
}

/// The packed tiles of a span against all panels of one right operand: a panel's blocks stay in the
/// first cache for all tiles, the tiles in the second for all panels, and of the slots a panel's.
@_transparent
public func blockedGradient<F: TileFamily>(
  _ family: F.Type, maximumRows: Int, _ p: UnsafePointer<WeightGradientArguments>,
  span: GradientSpan, split: TileSplit, firstTile: Int, endTile: Int,
  packedLeft: UnsafePointer<Float>, leftStride: Int, operand: Int, shardSteps: Int,
  slots: GradientSlots, firstPanel: Int
) {
  let wide = F.Wide.Columns.width
  let right = operand == 0 ? p.pointee.right0 : p.pointee.right1
  let columns = operand == 0 ? p.pointee.columns0 : p.pointee.columns1
  let taller = max(0, min(split.taller, endTile) - firstTile)
  let tileBlock = (endTile - firstTile) * leftStride
  var column = 0
  while column < columns {
    var depth = span.depth
    var index = 0
    while index < span.shards {
      let shard = span.firstShard + index
      let folds = span.isLast ? p.pointee.folds[shard] : 0
      let b = right + (shard * columns + column) * shardSteps + span.firstStep * wide
      var run = GradientRun(
        steps: span.steps, a: packedLeft + index * tileBlock, leftStride: leftStride, b: b,
        slot: slots.slot(depth, panel: firstPanel + column / wide, tile: 0),
        slotStride: slots.tile, entryStride: slots.entry, resume: span.firstStep > 0,
        folds: F.flushesDenormals ? 0 : folds)
      let slot = run.slot
      let before = F.flushesDenormals ? platform_flush_denormals() : 0
      gradientRun(
        F.Wide.self, height: split.height + 1, maximumRows: maximumRows, run, count: taller)
      run.a += taller * leftStride
      run.slot += taller * slots.tile
      gradientRun(
        F.Wide.self, height: split.height, maximumRows: maximumRows, run,
        count: endTile - firstTile - taller)
      if F.flushesDenormals {
        platform_restore_denormals(before)
        foldTiles(
          slot, slotStride: slots.tile, entryStride: slots.entry, split: split,
          firstTile: firstTile, endTile: endTile, width: wide, folds: folds)
      }
      depth += 1 - folds
      index += 1
    }
    column += wide
  }
}

/// Packs the left rows of a span, sums its biases, and returns how deep their stack is then.
@_transparent
public func packSpan<F: TileFamily>(
  _ family: F.Type, _ p: UnsafePointer<WeightGradientArguments>, _ cursor: inout ShardCursor,
  span: GradientSpan, split: TileSplit, firstTile: Int, endTile: Int,
  to packedLeft: UnsafeMutablePointer<Float>, leftStride: Int,
  biases: UnsafeMutablePointer<Float>, biasStride: Int
) -> Int {
  let tiles = endTile - firstTile
  var depth = span.depth
  var index = 0
  while index < span.shards {
    let shard = span.firstShard + index
    if span.firstStep == 0 { cursor = ShardCursor(p.pointee.left, shard: shard) }
    F.packLeft(
      &cursor, rows: min(span.steps, p.pointee.left.rowsPerShard - span.firstStep),
      split: split, firstTile: firstTile, endTile: endTile,
      to: packedLeft + index * tiles * leftStride, tileStride: leftStride,
      sums: biases + depth * biasStride, resume: span.firstStep > 0)
    if span.isLast {
      depth = foldBiases(
        biases, stride: biasStride, tiles: tiles, depth: depth, folds: p.pointee.folds[shard])
    }
    index += 1
  }
  return depth
}

/// As `weightGradient`, in blocks of k that fit into the first cache; of short shards as many at a
/// time as fit there. Panels are no wider than 16 columns, so that none is narrower.
@_transparent
public func blockedWeightGradient<F: TileFamily>(
  _ family: F.Type, maximumRows: Int, _ p: UnsafePointer<WeightGradientArguments>
) {
  let left = p.pointee.left
  let shards = left.sequences / left.sequencesPerShard
  let shardSteps = F.steps(left.rowsPerShard)
  let wide = F.Wide.Columns.width
  let panels0 = p.pointee.columns0 / wide
  let panels = panels0 + (p.pointee.operands == 2 ? p.pointee.columns1 / wide : 0)
  let split = TileSplit(rows: p.pointee.outputs, maximum: maximumRows)
  let blockTiles = weightGradientRows / maximumRows
  let parts = (shardSteps + p.pointee.blockDepth - 1) / p.pointee.blockDepth
  let blockSteps = ((shardSteps + parts - 1) / parts + 7) & ~7
  let together = max(
    1, min(weightGradientShards, p.pointee.blockDepth / max(1, shardSteps)))
  let leftStride = maximumRows * min(shardSteps, blockSteps) + 16
  let packedLeft = p.pointee.scratch
  let biasStride = 16 * blockTiles
  let biases = packedLeft + blockTiles * leftStride * min(shards, together)
  let slots = GradientSlots(
    biases + p.pointee.stackDepth * biasStride, tileFloats: maximumRows * wide, tiles: blockTiles,
    panels: panels)
  var firstTile = 0
  while firstTile < split.count {
    let endTile = min(firstTile + blockTiles, split.count)
    var span = GradientSpan(firstShard: 0, shards: 0, depth: 0)
    var cursor = ShardCursor(left, shard: 0)
    while span.firstShard < shards {
      span.shards = min(together, shards - span.firstShard)
      span.steps = min(blockSteps, shardSteps - span.firstStep)
      span.isLast = span.firstStep + span.steps == shardSteps
      let depth = packSpan(
        F.self, p, &cursor, span: span, split: split, firstTile: firstTile, endTile: endTile,
        to: packedLeft, leftStride: leftStride, biases: biases, biasStride: biasStride)
      var operand = 0
      while operand < p.pointee.operands {
        blockedGradient(
          F.self, maximumRows: maximumRows, p, span: span, split: split, firstTile: firstTile,
          endTile: endTile, packedLeft: packedLeft, leftStride: leftStride, operand: operand,
          shardSteps: shardSteps, slots: slots, firstPanel: operand == 0 ? 0 : panels0)
        operand += 1
      }
      span.depth = depth
      span.firstStep += span.steps
      if span.isLast {
        span.firstStep = 0
        span.firstShard += span.shards
      }
    }
    writeGradients(
      p, biases, biasStride: biasStride, slots: slots, split: split, firstTile: firstTile,
      endTile: endTile, wide: wide)
    firstTile = endTile
  }
}
