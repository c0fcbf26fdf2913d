public import CPlatform

/// Rows of an activation [T, B_local, ld] taken shard by shard, each shard in (time, sequence)
/// order.
@frozen public struct ShardRows {
  public var base: UnsafePointer<Float>
  public var stride: Int
  public var timeSteps: Int
  /// Sequences of all shards of this worker (B_local).
  public var sequences: Int
  public var sequencesPerShard: Int
  /// The columns that `packShardColumns` packs of all: `firstColumn` begins a panel.
  public var firstColumn: Int
  public var endColumn: Int

  @inlinable @inline(__always) public init(
    base: UnsafePointer<Float>, stride: Int, timeSteps: Int, sequences: Int,
    sequencesPerShard: Int
  ) {
    self.base = base
    self.stride = stride
    self.timeSteps = timeSteps
    self.sequences = sequences
    self.sequencesPerShard = sequencesPerShard
    firstColumn = 0
    endColumn = Int.max
  }

  @inlinable @inline(__always) public var rowsPerShard: Int { timeSteps * sequencesPerShard }
}

/// Packs the right operand of weight gradients shard by shard, [shard][panel][row][width], panels
/// of `panelWidth` columns (the last may be narrower), so that a shard's panels are read as one
/// stream. `columns` is a multiple of 16.
@_transparent
public func packShardColumns(
  _ rows: UnsafePointer<ShardRows>, columns: Int, panelWidth: Int,
  to destination: UnsafeMutablePointer<Float>
) {
  let perShard = rows.pointee.sequencesPerShard
  let shards = rows.pointee.sequences / perShard
  let stride = rows.pointee.stride
  let rowsPerShard = rows.pointee.rowsPerShard
  let firstColumn = rows.pointee.firstColumn
  let endColumn = min(columns, rows.pointee.endColumn)
  var shard = 0
  while shard < shards {
    let block = destination + shard * rowsPerShard * columns
    var k = 0
    var t = 0
    while t < rows.pointee.timeSteps {
      var row = rows.pointee.base + (t * rows.pointee.sequences + shard * perShard) * stride
      var b = 0
      while b < perShard {
        var column = firstColumn
        while column < endColumn {
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

/// Rows of one shard, one after the other in (time, sequence) order.
@frozen public struct ShardCursor {
  public var row: UnsafePointer<Float>
  @usableFromInline let stride: Int
  @usableFromInline let timeStride: Int
  @usableFromInline let sequences: Int
  @usableFromInline let ahead: Int
  @usableFromInline var sequence = 0

  @inlinable @inline(__always) public init(_ rows: ShardRows, shard: Int) {
    row = rows.base + shard * rows.sequencesPerShard * rows.stride
    stride = rows.stride
    sequences = rows.sequencesPerShard
    timeStride = (rows.sequences - rows.sequencesPerShard) * rows.stride
    ahead = (8 + sequences - 1) / sequences * rows.sequences * rows.stride
  }

  /// Asks for some columns of about the eighth row from here: rows lie pages apart, where no
  /// hardware prefetcher follows.
  @inlinable @inline(__always)
  public func prefetch(_ column: Int, bytes: Int) {
    let later = UnsafeRawPointer(row + ahead + column)
    var byte = 0
    while byte < bytes {
      platform_prefetch(later + byte)
      byte += 64
    }
  }

  @inlinable @inline(__always)
  public mutating func advance() {
    row += stride
    sequence += 1
    if sequence == sequences {
      sequence = 0
      row += timeStride
    }
  }
}

/// The sums over rows of packed tiles, in the first lanes of 16 for each; four chains at a time,
/// because one addition waits for the one before. With `resume` the chains go on from `sums`.
@_transparent
public func sumPackedTiles(
  _ packed: UnsafePointer<Float>, tileStride: Int, rows: Int, split: TileSplit, firstTile: Int,
  tiles: Int, to sums: UnsafeMutablePointer<Float>, resume: Bool
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
    if split.height < 8 {
      var sum0 = resume ? loadHalf(sums + 16 * tile) : HalfLanes()
      var sum1 = resume ? loadHalf(sums + 16 * i1) : HalfLanes()
      var sum2 = resume ? loadHalf(sums + 16 * i2) : HalfLanes()
      var sum3 = resume ? loadHalf(sums + 16 * i3) : HalfLanes()
      var k = 0
      while k < rows {
        sum0 = sum0 + loadHalf(p0)
        sum1 = sum1 + loadHalf(p1)
        sum2 = sum2 + loadHalf(p2)
        sum3 = sum3 + loadHalf(p3)
        p0 += height0
        p1 += height1
        p2 += height2
        p3 += height3
        k += 1
      }
      storeHalf(sum0, sums + 16 * tile)
      storeHalf(sum1, sums + 16 * i1)
      storeHalf(sum2, sums + 16 * i2)
      storeHalf(sum3, sums + 16 * i3)
    } else {
      var sum0 = resume ? loadLanes(sums + 16 * tile) : Lanes()
      var sum1 = resume ? loadLanes(sums + 16 * i1) : Lanes()
      var sum2 = resume ? loadLanes(sums + 16 * i2) : Lanes()
      var sum3 = resume ? loadLanes(sums + 16 * i3) : Lanes()
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
    }
    tile += 4
  }
}

/// Half of sixteen lanes.
@usableFromInline typealias HalfLanes = SIMD8<Float>

@_transparent @usableFromInline
func loadHalf(_ p: UnsafePointer<Float>) -> HalfLanes {
  UnsafeRawPointer(p).loadUnaligned(as: HalfLanes.self)
}

@_transparent @usableFromInline
func storeHalf(_ value: HalfLanes, _ p: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(p).storeBytes(of: value, as: HalfLanes.self)
}

/// Copies one row of `count` tiles. Writes a whole vector where `height` floats belong: the tile's
/// next row overwrites the rest.
@_transparent
public func copyTiles<V: SIMD>(
  _ vector: V.Type, _ first: UnsafePointer<Float>, height: Int,
  to destination: UnsafeMutablePointer<Float>, tileStride: Int, count: Int
) where V.Scalar == Float {
  var source = UnsafeRawPointer(first)
  var out = UnsafeMutableRawPointer(destination)
  let step = 4 * height
  let outStep = 4 * tileStride
  var rounds = count >> 2
  while rounds > 0 {
    let v0 = source.loadUnaligned(as: V.self)
    let v1 = (source + step).loadUnaligned(as: V.self)
    let v2 = (source + 2 * step).loadUnaligned(as: V.self)
    let v3 = (source + 3 * step).loadUnaligned(as: V.self)
    out.storeBytes(of: v0, as: V.self)
    (out + outStep).storeBytes(of: v1, as: V.self)
    (out + 2 * outStep).storeBytes(of: v2, as: V.self)
    (out + 3 * outStep).storeBytes(of: v3, as: V.self)
    source += 4 * step
    out += 4 * outStep
    rounds -= 1
  }
  var rest = count & 3
  while rest > 0 {
    out.storeBytes(of: source.loadUnaligned(as: V.self), as: V.self)
    source += step
    out += outStep
    rest -= 1
  }
}

/// Packs the tiles [firstTile, endTile) of the next `rows` rows of the left operand as
/// [tile][row][height], row by row so that a row's cache lines are fetched together, and adds up
/// their columns, [tile][16].
@_transparent
public func packLeftTiles(
  _ cursor: inout ShardCursor, rows: Int, split: TileSplit, firstTile: Int, endTile: Int,
  to destination: UnsafeMutablePointer<Float>, tileStride: Int,
  sums: UnsafeMutablePointer<Float>, resume: Bool
) {
  let tiles = endTile - firstTile
  let start = split.start(firstTile)
  let strip = (split.start(endTile) - start) * 4
  // The taller tiles come first.
  let taller = max(0, min(split.taller, endTile) - firstTile)
  let low = split.height
  var k = 0
  while k < rows {
    cursor.prefetch(start, bytes: strip)
    let source = cursor.row + start
    let out = destination + k * (low + 1)
    let rest = destination + taller * tileStride + k * low
    if low < 8 {
      copyTiles(
        HalfLanes.self, source, height: low + 1, to: out, tileStride: tileStride, count: taller)
      copyTiles(
        HalfLanes.self, source + taller * (low + 1), height: low, to: rest,
        tileStride: tileStride, count: tiles - taller)
    } else {
      copyTiles(
        Lanes.self, source, height: low + 1, to: out, tileStride: tileStride, count: taller)
      copyTiles(
        Lanes.self, source + taller * (low + 1), height: low, to: rest, tileStride: tileStride,
        count: tiles - taller)
    }
    cursor.advance()
    k += 1
  }
  sumPackedTiles(
    destination, tileStride: tileStride, rows: rows, split: split, firstTile: firstTile,
    tiles: tiles, to: sums, resume: resume)
}
