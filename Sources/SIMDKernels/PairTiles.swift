public import CPlatform

/// One row of sums of pair products, one vector wide. A float of either operand is a pair of bf16
/// numbers, neighbours in k; sums are fp32.
@frozen public struct PairRow1: TileRows {
  public typealias Columns = Columns1<Lanes>
  @usableFromInline var c0 = Lanes()

  @inlinable @inline(__always) public static var height: Int { 1 }
  @inlinable @inline(__always) public init() {}
  @inlinable @inline(__always) public init(loading c: UnsafePointer<Float>, stride: Int) {
    c0 = loadLanes(c)
  }
  @inlinable @inline(__always)
  public mutating func multiplyAdd(_ a: UnsafePointer<Float>, _ stride: Int, _ b: Columns) {
    c0 = platform_dot_pairs(c0, Lanes(repeating: a[0]), b.v0)
  }
  @inlinable @inline(__always)
  public mutating func add(_ c: UnsafePointer<Float>, stride: Int) {
    c0 = loadLanes(c) + c0
  }
  @inlinable @inline(__always)
  public func store(_ c: UnsafeMutablePointer<Float>, stride: Int) {
    storeLanes(c0, c)
  }
}

/// One row, two vectors wide.
@frozen public struct PairRow2: TileRows {
  public typealias Columns = Columns2<Lanes>
  @usableFromInline var c0 = Lanes()
  @usableFromInline var c1 = Lanes()

  @inlinable @inline(__always) public static var height: Int { 1 }
  @inlinable @inline(__always) public init() {}
  @inlinable @inline(__always) public init(loading c: UnsafePointer<Float>, stride: Int) {
    c0 = loadLanes(c)
    c1 = loadLanes(c + 16)
  }
  @inlinable @inline(__always)
  public mutating func multiplyAdd(_ a: UnsafePointer<Float>, _ stride: Int, _ b: Columns) {
    let x = Lanes(repeating: a[0])
    c0 = platform_dot_pairs(c0, x, b.v0)
    c1 = platform_dot_pairs(c1, x, b.v1)
  }
  @inlinable @inline(__always)
  public mutating func add(_ c: UnsafePointer<Float>, stride: Int) {
    c0 = loadLanes(c) + c0
    c1 = loadLanes(c + 16) + c1
  }
  @inlinable @inline(__always)
  public func store(_ c: UnsafeMutablePointer<Float>, stride: Int) {
    storeLanes(c0, c)
    storeLanes(c1, c + 16)
  }
}

/// bf16 products with fp32 sums: two rows a step.
public enum PairTiles: TileFamily {
  public typealias Wide = PairRow2
  public typealias Narrow = PairRow1
  @inlinable @inline(__always) public static var rowsPerStep: Int { 2 }

  @_transparent public static func packLeft(
    _ cursor: inout ShardCursor, rows: Int, split: TileSplit, firstTile: Int, endTile: Int,
    to destination: UnsafeMutablePointer<Float>, tileStride: Int,
    sums: UnsafeMutablePointer<Float>, resume: Bool
  ) {
    packLeftPairs(
      &cursor, rows: rows, split: split, firstTile: firstTile, endTile: endTile, to: destination,
      tileStride: tileStride, sums: sums, resume: resume)
  }
}

/// The left operand of weight gradients in pairs of rows; biases are summed in fp32, row by row;
/// see `packLeftTiles`.
@_transparent
public func packLeftPairs(
  _ cursor: inout ShardCursor, rows count: Int, split: TileSplit, firstTile: Int, endTile: Int,
  to destination: UnsafeMutablePointer<Float>, tileStride: Int,
  sums: UnsafeMutablePointer<Float>, resume: Bool
) {
  let steps = PairTiles.steps(count)
  let tiles = endTile - firstTile
  let start = split.start(firstTile)
  let strip = (split.start(endTile) - start) * 4
  var tile = 0
  if !resume {
    while tile < tiles {
      storeLanes(Lanes(), sums + 16 * tile)
      tile += 1
    }
  }
  var step = 0
  while step < steps {
    cursor.prefetch(start, bytes: strip)
    var even = cursor.row + start
    cursor.advance()
    let hasOdd = 2 * step + 1 < count
    if hasOdd { cursor.prefetch(start, bytes: strip) }
    var odd = hasOdd ? cursor.row + start : even
    if hasOdd { cursor.advance() }
    var out = destination
    tile = 0
    while tile < tiles {
      let height = split.height(firstTile + tile)
      let first = loadLanes(even)
      let second = hasOdd ? loadLanes(odd) : Lanes()
      // Writes 16 floats where `height` belong here; the tile's next step overwrites the rest.
      storeLanes(platform_pairs(first, second), out + step * height)
      let sum = loadLanes(sums + 16 * tile) + first
      storeLanes(hasOdd ? sum + second : sum, sums + 16 * tile)
      even += height
      odd += height
      out += tileStride
      tile += 1
    }
    step += 1
  }
}
