public import CPlatform

/// Tiles of fp32 over operands that are rounded to bf16, the odd one of each two steps of k before
/// the even one, and a zero for what an odd depth lacks.
public protocol RoundedOperands: TileFamily {}

extension RoundedOperands {
  @inlinable @inline(__always) public static var rowsPerStep: Int { 1 }
  @inlinable @inline(__always) public static func steps(_ rows: Int) -> Int { (rows + 1) & ~1 }

  @_transparent public static func packLeft(
    _ cursor: inout ShardCursor, rows: Int, split: TileSplit, firstTile: Int, endTile: Int,
    to destination: UnsafeMutablePointer<Float>, tileStride: Int,
    sums: UnsafeMutablePointer<Float>, resume: Bool
  ) {
    packLeftRounded(
      &cursor, rows: rows, split: split, firstTile: firstTile, endTile: endTile, to: destination,
      tileStride: tileStride, sums: sums, resume: resume)
  }
}

/// Pair products of bf16 numbers without the instruction, in chains that run with denormals
/// flushed. The same bits as `PairTiles`.
public enum RoundedTiles<V: KernelVector>: RoundedOperands {
  public typealias Wide = Row2<V>
  public typealias Narrow = Row1<V>
  @inlinable @inline(__always) public static var flushesDenormals: Bool { true }
}

/// One row of four columns whose steps flush denormals themselves, in double precision: for
/// processors that cannot be told to, or flush by another rule.
@frozen public struct FlushedRow1: TileRows {
  public typealias Columns = Columns1<SIMD4<Float>>
  @usableFromInline var c0 = SIMD4<Float>()

  @inlinable @inline(__always) public static var height: Int { 1 }
  @inlinable @inline(__always) public init() {}
  @inlinable @inline(__always) public init(loading c: UnsafePointer<Float>, stride: Int) {
    c0 = platform_flush(UnsafeRawPointer(c).loadUnaligned(as: SIMD4<Float>.self))
  }
  @inlinable @inline(__always)
  public mutating func multiplyAdd(_ a: UnsafePointer<Float>, _ stride: Int, _ b: Columns) {
    c0 = platform_add_bf16_product(c0, SIMD4(repeating: a[0]), b.v0)
  }
  @inlinable @inline(__always)
  public mutating func add(_ c: UnsafePointer<Float>, stride: Int) {
    c0 = UnsafeRawPointer(c).loadUnaligned(as: SIMD4<Float>.self) + c0
  }
  @inlinable @inline(__always)
  public func store(_ c: UnsafeMutablePointer<Float>, stride: Int) {
    UnsafeMutableRawPointer(c).storeBytes(of: c0, as: SIMD4<Float>.self)
  }
}

/// One row of eight columns; see `FlushedRow1`.
@frozen public struct FlushedRow2: TileRows {
  public typealias Columns = Columns2<SIMD4<Float>>
  @usableFromInline var c0 = FlushedRow1()
  @usableFromInline var c1 = FlushedRow1()

  @inlinable @inline(__always) public static var height: Int { 1 }
  @inlinable @inline(__always) public init() {}
  @inlinable @inline(__always) public init(loading c: UnsafePointer<Float>, stride: Int) {
    c0 = FlushedRow1(loading: c, stride: stride)
    c1 = FlushedRow1(loading: c + 4, stride: stride)
  }
  @inlinable @inline(__always)
  public mutating func multiplyAdd(_ a: UnsafePointer<Float>, _ stride: Int, _ b: Columns) {
    let x = SIMD4(repeating: a[0])
    c0.c0 = platform_add_bf16_product(c0.c0, x, b.v0)
    c1.c0 = platform_add_bf16_product(c1.c0, x, b.v1)
  }
  @inlinable @inline(__always)
  public mutating func add(_ c: UnsafePointer<Float>, stride: Int) {
    c0.add(c, stride: stride)
    c1.add(c + 4, stride: stride)
  }
  @inlinable @inline(__always)
  public func store(_ c: UnsafeMutablePointer<Float>, stride: Int) {
    c0.store(c, stride: stride)
    c1.store(c + 4, stride: stride)
  }
}

/// As `RoundedTiles`, of rows that flush denormals themselves.
public enum FlushedTiles: RoundedOperands {
  public typealias Wide = FlushedRow2
  public typealias Narrow = FlushedRow1
}

/// The left operand of weight gradients as bf16 numbers, the odd row of each two before the even
/// one; biases are summed in fp32, row by row; see `packLeftTiles`.
@_transparent
public func packLeftRounded(
  _ cursor: inout ShardCursor, rows count: Int, split: TileSplit, firstTile: Int, endTile: Int,
  to destination: UnsafeMutablePointer<Float>, tileStride: Int,
  sums: UnsafeMutablePointer<Float>, resume: Bool
) {
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
  var row = 0
  while row < count {
    cursor.prefetch(start, bytes: strip)
    var even = cursor.row + start
    cursor.advance()
    let hasOdd = row + 1 < count
    if hasOdd { cursor.prefetch(start, bytes: strip) }
    var odd = hasOdd ? cursor.row + start : even
    if hasOdd { cursor.advance() }
    var out = destination
    tile = 0
    while tile < tiles {
      let height = split.height(firstTile + tile)
      let first = loadLanes(even)
      let second = hasOdd ? loadLanes(odd) : Lanes()
      // Writes 16 floats where `height` belong here; the tile's next row overwrites the rest.
      storeLanes(platform_round_to_bf16(second), out + row * height)
      storeLanes(platform_round_to_bf16(first), out + (row + 1) * height)
      let sum = loadLanes(sums + 16 * tile) + first
      storeLanes(hasOdd ? sum + second : sum, sums + 16 * tile)
      even += height
      odd += height
      out += tileStride
      tile += 1
    }
    row += 2
  }
}
