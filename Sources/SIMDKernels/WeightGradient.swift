public import CPlatform

/// Rows of an activation [T, B_local, ld] taken shard by shard, each shard in (time, sequence) order.
@frozen public struct ShardRows {
  public var base: UnsafePointer<Float>
  public var stride: Int
  public var timeSteps: Int
  /// Sequences of all shards of this worker (B_local).
  public var sequences: Int
  public var sequencesPerShard: Int

  @inlinable @inline(__always) public init(
    base: UnsafePointer<Float>, stride: Int, timeSteps: Int, sequences: Int,
    sequencesPerShard: Int
  ) {
    self.base = base
    self.stride = stride
    self.timeSteps = timeSteps
    self.sequences = sequences
    self.sequencesPerShard = sequencesPerShard
  }

  @inlinable @inline(__always) public var rowsPerShard: Int { timeSteps * sequencesPerShard }
}

/// Packs the right operand of weight gradients shard by shard, [shard][panel][row][width], panels of
/// `panelWidth` columns (the last may be narrower), so that a shard's panels are read as one stream.
/// `columns` is a multiple of 16.
@_transparent
public func packShardColumns(
  _ rows: UnsafePointer<ShardRows>, columns: Int, panelWidth: Int,
  to destination: UnsafeMutablePointer<Float>
) {
  let perShard = rows.pointee.sequencesPerShard
  let shards = rows.pointee.sequences / perShard
  let stride = rows.pointee.stride
  let rowsPerShard = rows.pointee.rowsPerShard
  var shard = 0
  while shard < shards {
    let block = destination + shard * rowsPerShard * columns
    var k = 0
    var t = 0
    while t < rows.pointee.timeSteps {
      var row = rows.pointee.base + (t * rows.pointee.sequences + shard * perShard) * stride
      var b = 0
      while b < perShard {
        var column = 0
        while column < columns {
          let width = min(panelWidth, columns - column)
          let out = block + column * rowsPerShard + k * width
          var j = 0
          while j < width {
            let part = UnsafeRawPointer(row + column + j).loadUnaligned(as: SIMD8<Float>.self)
            UnsafeMutableRawPointer(out + j).storeBytes(of: part, as: SIMD8<Float>.self)
            j += 8
          }
          column += width
        }
        row += stride
        k += 1
        b += 1
      }
      t += 1
    }
    shard += 1
  }
}

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
  /// Number of maximal canonical nodes, and the gradient arenas that receive them.
  public var nodeCount: Int
  public var nodes: UnsafePointer<UnsafeMutablePointer<Float>>
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

  @inlinable @inline(__always) public init(
    left: ShardRows, outputs: Int, operands: Int,
    right0: UnsafePointer<Float>, columns0: Int, right1: UnsafePointer<Float>, columns1: Int,
    folds: UnsafePointer<Int>, nodeCount: Int,
    nodes: UnsafePointer<UnsafeMutablePointer<Float>>,
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
    self.nodeCount = nodeCount
    self.nodes = nodes
    self.offset0 = offset0
    self.width0 = width0
    self.offset1 = offset1
    self.width1 = width1
    self.biasOffset = biasOffset
    self.scratch = scratch
    self.stackDepth = stackDepth
  }
}

/// Most row tiles of one block of the left operand, and panels of one block of the right.
@inlinable @inline(__always) public var weightGradientRowTiles: Int { 16 }
@inlinable @inline(__always) public var weightGradientPanels: Int { 2 }
/// Most rows of one k block: the left tile's block (24 KiB) stays in the first cache for all panels.
@inlinable @inline(__always) public var weightGradientDepth: Int { 512 }
/// Floats of one tile slot: 12 rows of 32.
@inlinable @inline(__always) public var weightGradientTile: Int { 384 }

/// Scratch floats that `weightGradient` needs: packed left block, tile stack, bias stack.
public func weightGradientScratch(rowsPerShard: Int, shards: Int, stackDepth: Int) -> Int {
  let tileStride = packedLeftStride(rowsPerShard: rowsPerShard, maximumRows: 12)
  let left = shards * weightGradientRowTiles * tileStride
  let tiles = stackDepth * weightGradientRowTiles * weightGradientPanels * weightGradientTile
  return left + tiles + stackDepth * weightGradientRowTiles * 16
}

/// Floats between the packed left tiles of a block: the last row's store reaches past its tile.
@inlinable @inline(__always)
public func packedLeftStride(rowsPerShard: Int, maximumRows: Int) -> Int {
  maximumRows * rowsPerShard + 16
}

/// The sums over rows of one shard's packed tiles, in the first lanes of 16 for each; four chains at a
/// time, because one addition waits for the one before.
@_transparent
public func sumPackedTiles(
  _ packed: UnsafePointer<Float>, tileStride: Int, rows: Int, split: TileSplit, firstTile: Int,
  tiles: Int, to sums: UnsafeMutablePointer<Float>
) {
  var tile = 0
  while tile < tiles {
    // The last group repeats its last tile.
    let last = tiles - 1
    let i1 = min(tile + 1, last)
    let i2 = min(tile + 2, last)
    let i3 = min(tile + 3, last)
    let height0 = split.height(firstTile + tile)
    let height1 = split.height(firstTile + i1)
    let height2 = split.height(firstTile + i2)
    let height3 = split.height(firstTile + i3)
    var p0 = packed + tile * tileStride
    var p1 = packed + i1 * tileStride
    var p2 = packed + i2 * tileStride
    var p3 = packed + i3 * tileStride
    var sum0 = Lanes()
    var sum1 = Lanes()
    var sum2 = Lanes()
    var sum3 = Lanes()
    var k = 0
    while k < rows {
      sum0 = sum0 + loadLanes(p0)
      sum1 = sum1 + loadLanes(p1)
      sum2 = sum2 + loadLanes(p2)
      sum3 = sum3 + loadLanes(p3)
      p0 += height0
      p1 += height1
      p2 += height2
      p3 += height3
      k += 1
    }
    storeLanes(sum0, sums + 16 * tile)
    storeLanes(sum1, sums + 16 * i1)
    storeLanes(sum2, sums + 16 * i2)
    storeLanes(sum3, sums + 16 * i3)
    tile += 4
  }
}

/// Packs the tiles [firstTile, endTile) of the left operand as [shard][tile][row][height], row by
/// row so that a row's cache lines are fetched together, and leaves the sums of the columns of each
/// maximal node in the bias stack, [entry][tile][16].
@_transparent
public func packLeftTiles(
  _ p: UnsafePointer<WeightGradientArguments>, split: TileSplit, firstTile: Int, endTile: Int,
  to destination: UnsafeMutablePointer<Float>, tileStride: Int,
  bias: UnsafeMutablePointer<Float>, biasStride: Int
) {
  let perShard = p.pointee.left.sequencesPerShard
  let shards = p.pointee.left.sequences / perShard
  let stride = p.pointee.left.stride
  let tiles = endTile - firstTile
  // Rows lie pages apart, where no hardware prefetcher follows: ask for those of some steps ahead.
  let ahead = (8 + perShard - 1) / perShard * p.pointee.left.sequences * stride
  let strip = (split.start(endTile) - split.start(firstTile)) * 4
  var depth = 0
  var shard = 0
  while shard < shards {
    let block = destination + shard * weightGradientRowTiles * tileStride
    var k = 0
    var tile = 0
    var t = 0
    while t < p.pointee.left.timeSteps {
      let first = t * p.pointee.left.sequences + shard * perShard
      var row = p.pointee.left.base + first * stride + split.start(firstTile)
      var b = 0
      while b < perShard {
        let later = UnsafeRawPointer(row + ahead)
        var byte = 0
        while byte < strip {
          platform_prefetch(later + byte)
          byte += 64
        }
        var source = row
        var out = block
        tile = 0
        while tile < tiles {
          let height = split.height(firstTile + tile)
          let values = loadLanes(source)
          // Writes 16 floats where `height` belong here; the tile's next row overwrites the rest.
          storeLanes(values, out + k * height)
          source += height
          out += tileStride
          tile += 1
        }
        row += stride
        k += 1
        b += 1
      }
      t += 1
    }
    sumPackedTiles(
      block, tileStride: tileStride, rows: k, split: split, firstTile: firstTile, tiles: tiles,
      to: bias + depth * biasStride)
    depth = foldBiases(
      bias, stride: biasStride, tiles: tiles, depth: depth, folds: p.pointee.folds[shard])
    shard += 1
  }
}

/// Folds the topmost entry of the bias stack, at `depth`, as often as its shard asks for; returns the
/// depth after it.
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

/// Copies the stack's slots of one finished tile to the node arenas.
@_transparent
public func writeGradientTile(
  _ p: UnsafePointer<WeightGradientArguments>, slot: UnsafePointer<Float>, slotStride: Int,
  slotWidth: Int, row: Int, height: Int, column: Int, offset: Int, width: Int
) {
  let valid = min(slotWidth, width - column)
  var node = 0
  while node < p.pointee.nodeCount {
    var source = slot + node * slotStride
    var out = p.pointee.nodes[node] + offset + row * width + column
    var i = 0
    while i < height {
      var j = 0
      while j + 8 <= valid {
        let part = UnsafeRawPointer(source + j).loadUnaligned(as: SIMD8<Float>.self)
        UnsafeMutableRawPointer(out + j).storeBytes(of: part, as: SIMD8<Float>.self)
        j += 8
      }
      while j < valid {
        out[j] = source[j]
        j += 1
      }
      source += slotWidth
      out += width
      i += 1
    }
    node += 1
  }
}

/// All tiles of one block of row tiles × panels of one right operand, over all shards.
@_transparent
public func gradientBlock<F: TileFamily>(
  _ family: F.Type, maximumRows: Int, _ p: UnsafePointer<WeightGradientArguments>,
  split: TileSplit, firstTile: Int, endTile: Int, packedLeft: UnsafePointer<Float>,
  right: UnsafePointer<Float>, columns: Int, firstColumn: Int, endColumn: Int,
  offset: Int, width: Int, tiles: UnsafeMutablePointer<Float>
) {
  let rowsPerShard = F.steps(p.pointee.left.rowsPerShard)
  let shards = p.pointee.left.sequences / p.pointee.left.sequencesPerShard
  let wide = F.Wide.Columns.width
  let slotStride = weightGradientRowTiles * weightGradientPanels * weightGradientTile
  let leftStride = packedLeftStride(rowsPerShard: rowsPerShard, maximumRows: maximumRows)
  var depth = 0
  var shard = 0
  while shard < shards {
    var k0 = 0
    while k0 < rowsPerShard {
      let block = min(weightGradientDepth, rowsPerShard - k0)
      let last = k0 + block == rowsPerShard
      let folds = last ? p.pointee.folds[shard] : 0
      var tile = firstTile
      while tile < endTile {
        let height = split.height(tile)
        let a =
          packedLeft + (shard * weightGradientRowTiles + tile - firstTile) * leftStride
          + k0 * height
        var slot =
          tiles + depth * slotStride
          + (tile - firstTile) * weightGradientPanels * weightGradientTile
        var column = firstColumn
        while column < endColumn {
          let panelWidth = min(wide, columns - column)
          let b =
            right + (shard * columns + column) * rowsPerShard + k0 * panelWidth
          if panelWidth == wide {
            gradientTiles(
              F.Wide.self, height: height, maximumRows: maximumRows, depth: block, a: a, b: b,
              resume: k0 > 0, slot: slot, folds: folds, slotStride: slotStride)
          } else {
            gradientTiles(
              F.Narrow.self, height: height, maximumRows: maximumRows, depth: block, a: a, b: b,
              resume: k0 > 0, slot: slot, folds: folds, slotStride: slotStride)
          }
          slot += weightGradientTile
          column += panelWidth
        }
        tile += 1
      }
      k0 += block
    }
    depth += 1 - p.pointee.folds[shard]
    shard += 1
  }
  var tile = firstTile
  while tile < endTile {
    var slot = tiles + (tile - firstTile) * weightGradientPanels * weightGradientTile
    var column = firstColumn
    while column < endColumn {
      let panelWidth = min(wide, columns - column)
      writeGradientTile(
        p, slot: slot, slotStride: slotStride, slotWidth: panelWidth, row: split.start(tile),
        height: split.height(tile), column: column, offset: offset, width: width)
      slot += weightGradientTile
      column += panelWidth
    }
    tile += 1
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
  let shards = p.pointee.left.sequences / p.pointee.left.sequencesPerShard
  let leftStride = packedLeftStride(
    rowsPerShard: F.steps(p.pointee.left.rowsPerShard), maximumRows: maximumRows)
  let split = TileSplit(rows: p.pointee.outputs, maximum: maximumRows)
  let packedLeft = p.pointee.scratch
  let tiles =
    packedLeft
    + shards * weightGradientRowTiles * leftStride
  let slots = weightGradientRowTiles * weightGradientPanels * weightGradientTile
  let bias = tiles + p.pointee.stackDepth * slots
  let biasStride = weightGradientRowTiles * 16
  let blockColumns = weightGradientPanels * F.Wide.Columns.width
  var firstTile = 0
  while firstTile < split.count {
    let endTile = min(firstTile + weightGradientRowTiles, split.count)
    F.packLeft(
      p, split: split, firstTile: firstTile, endTile: endTile, to: packedLeft,
      tileStride: leftStride, bias: bias, biasStride: biasStride)
    if p.pointee.biasOffset >= 0 {
      var node = 0
      while node < p.pointee.nodeCount {
        var tile = firstTile
        while tile < endTile {
          let out = p.pointee.nodes[node] + p.pointee.biasOffset + split.start(tile)
          let sums = bias + node * biasStride + (tile - firstTile) * 16
          var i = 0
          while i < split.height(tile) {
            out[i] = sums[i]
            i += 1
          }
          tile += 1
        }
        node += 1
      }
    }
    var operand = 0
    while operand < p.pointee.operands {
      let right = operand == 0 ? p.pointee.right0 : p.pointee.right1
      let columns = operand == 0 ? p.pointee.columns0 : p.pointee.columns1
      let offset = operand == 0 ? p.pointee.offset0 : p.pointee.offset1
      let width = operand == 0 ? p.pointee.width0 : p.pointee.width1
      var column = 0
      while column < columns {
        gradientBlock(
          F.self, maximumRows: maximumRows, p, split: split, firstTile: firstTile,
          endTile: endTile, packedLeft: packedLeft, right: right, columns: columns,
          firstColumn: column, endColumn: min(column + blockColumns, columns),
          offset: offset, width: width, tiles: tiles)
        column += blockColumns
      }
      operand += 1
    }
    firstTile = endTile
  }
}
