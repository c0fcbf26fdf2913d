/// The right-hand vectors of one k step: as many as a tile is wide.
public protocol TileColumns {
  associatedtype V: SIMD where V.Scalar == Float
  /// Floats in a panel row.
  static var width: Int { get }
  init(loading b: UnsafePointer<Float>)
}

/// A register tile of accumulators: some rows of one or two vectors.
///
/// Tiles are composed as types (`Stack<Rows8, Rows4>`), so that each height is unrolled by the
/// compiler and every accumulator lives in a register. Each element of a tile is one chain of fused
/// multiply-adds over ascending k.
public protocol TileRows {
  associatedtype Columns: TileColumns
  static var height: Int { get }
  init()
  /// Starts the chains from stored values; `stride` 0 repeats one row.
  init(loading c: UnsafePointer<Float>, stride: Int)
  /// One k step; row i multiplies a[i · stride].
  mutating func multiplyAdd(_ a: UnsafePointer<Float>, _ stride: Int, _ b: Columns)
  /// Four k steps; in step j row i multiplies a[i · stride + j].
  mutating func multiplyAddFour(
    _ a: UnsafePointer<Float>, _ stride: Int,
    _ b0: Columns, _ b1: Columns, _ b2: Columns, _ b3: Columns)
  mutating func add(_ c: UnsafePointer<Float>, stride: Int)
  func store(_ c: UnsafeMutablePointer<Float>, stride: Int)
}

extension TileRows {
  @inlinable @inline(__always)
  public mutating func multiplyAddFour(
    _ a: UnsafePointer<Float>, _ stride: Int,
    _ b0: Columns, _ b1: Columns, _ b2: Columns, _ b3: Columns
  ) {
    multiplyAdd(a, stride, b0)
    multiplyAdd(a + 1, stride, b1)
    multiplyAdd(a + 2, stride, b2)
    multiplyAdd(a + 3, stride, b3)
  }
}

@frozen public struct Columns1<V: SIMD>: TileColumns where V.Scalar == Float {
  public var v0: V
  @inlinable @inline(__always) public static var width: Int { MemoryLayout<V>.size / 4 }
  @inlinable @inline(__always) public init(loading b: UnsafePointer<Float>) {
    v0 = UnsafeRawPointer(b).loadUnaligned(as: V.self)
  }
}

@frozen public struct Columns2<V: SIMD>: TileColumns where V.Scalar == Float {
  public var v0: V
  public var v1: V
  @inlinable @inline(__always) public static var width: Int { MemoryLayout<V>.size / 2 }
  @inlinable @inline(__always) public init(loading b: UnsafePointer<Float>) {
    let raw = UnsafeRawPointer(b)
    v0 = raw.loadUnaligned(as: V.self)
    v1 = (raw + MemoryLayout<V>.size).loadUnaligned(as: V.self)
  }
}

/// One row, one vector wide.
@frozen public struct Row1<V: KernelVector>: TileRows {
  public typealias Columns = Columns1<V>
  @usableFromInline var c0: V
  @inlinable @inline(__always) public static var height: Int { 1 }
  @inlinable @inline(__always) public init() { c0 = V() }
  @inlinable @inline(__always) public init(loading c: UnsafePointer<Float>, stride: Int) {
    c0 = UnsafeRawPointer(c).loadUnaligned(as: V.self)
  }
  @inlinable @inline(__always)
  public mutating func multiplyAdd(_ a: UnsafePointer<Float>, _ stride: Int, _ b: Columns) {
    c0 = c0.addingOnce(V(repeating: a[0]), times: b.v0)
  }
  @inlinable @inline(__always)
  public mutating func add(_ c: UnsafePointer<Float>, stride: Int) {
    c0 = UnsafeRawPointer(c).loadUnaligned(as: V.self) + c0
  }
  @inlinable @inline(__always)
  public func store(_ c: UnsafeMutablePointer<Float>, stride: Int) {
    UnsafeMutableRawPointer(c).storeBytes(of: c0, as: V.self)
  }
}

/// One row, two vectors wide.
@frozen public struct Row2<V: KernelVector>: TileRows {
  public typealias Columns = Columns2<V>
  @usableFromInline var c0: V
  @usableFromInline var c1: V
  @inlinable @inline(__always) public static var height: Int { 1 }
  @inlinable @inline(__always) public init() {
    c0 = V()
    c1 = V()
  }
  @inlinable @inline(__always) public init(loading c: UnsafePointer<Float>, stride: Int) {
    let raw = UnsafeRawPointer(c)
    c0 = raw.loadUnaligned(as: V.self)
    c1 = (raw + MemoryLayout<V>.size).loadUnaligned(as: V.self)
  }
  @inlinable @inline(__always)
  public mutating func multiplyAdd(_ a: UnsafePointer<Float>, _ stride: Int, _ b: Columns) {
    let x = V(repeating: a[0])
    c0 = c0.addingOnce(x, times: b.v0)
    c1 = c1.addingOnce(x, times: b.v1)
  }
  @inlinable @inline(__always)
  public mutating func multiplyAddFour(
    _ a: UnsafePointer<Float>, _ stride: Int,
    _ b0: Columns, _ b1: Columns, _ b2: Columns, _ b3: Columns
  ) {
    // One load; the multiply-adds take its elements.
    let x = UnsafeRawPointer(a).loadUnaligned(as: SIMD4<Float>.self)
    c0 = c0.addingOnce(V(repeating: x[0]), times: b0.v0)
    c1 = c1.addingOnce(V(repeating: x[0]), times: b0.v1)
    c0 = c0.addingOnce(V(repeating: x[1]), times: b1.v0)
    c1 = c1.addingOnce(V(repeating: x[1]), times: b1.v1)
    c0 = c0.addingOnce(V(repeating: x[2]), times: b2.v0)
    c1 = c1.addingOnce(V(repeating: x[2]), times: b2.v1)
    c0 = c0.addingOnce(V(repeating: x[3]), times: b3.v0)
    c1 = c1.addingOnce(V(repeating: x[3]), times: b3.v1)
  }
  @inlinable @inline(__always)
  public mutating func add(_ c: UnsafePointer<Float>, stride: Int) {
    let raw = UnsafeRawPointer(c)
    c0 = raw.loadUnaligned(as: V.self) + c0
    c1 = (raw + MemoryLayout<V>.size).loadUnaligned(as: V.self) + c1
  }
  @inlinable @inline(__always)
  public func store(_ c: UnsafeMutablePointer<Float>, stride: Int) {
    let raw = UnsafeMutableRawPointer(c)
    raw.storeBytes(of: c0, as: V.self)
    (raw + MemoryLayout<V>.size).storeBytes(of: c1, as: V.self)
  }
}

/// Two tiles, one above the other.
@frozen public struct Stack<Top: TileRows, Bottom: TileRows>: TileRows
where Top.Columns == Bottom.Columns {
  public typealias Columns = Top.Columns
  @usableFromInline var top: Top
  @usableFromInline var bottom: Bottom
  @inlinable @inline(__always) public static var height: Int { Top.height + Bottom.height }
  @inlinable @inline(__always) public init() {
    top = Top()
    bottom = Bottom()
  }
  @inlinable @inline(__always) public init(loading c: UnsafePointer<Float>, stride: Int) {
    top = Top(loading: c, stride: stride)
    bottom = Bottom(loading: c + Top.height * stride, stride: stride)
  }
  @inlinable @inline(__always)
  public mutating func multiplyAdd(_ a: UnsafePointer<Float>, _ stride: Int, _ b: Columns) {
    top.multiplyAdd(a, stride, b)
    bottom.multiplyAdd(a + Top.height * stride, stride, b)
  }
  @inlinable @inline(__always)
  public mutating func multiplyAddFour(
    _ a: UnsafePointer<Float>, _ stride: Int,
    _ b0: Columns, _ b1: Columns, _ b2: Columns, _ b3: Columns
  ) {
    top.multiplyAddFour(a, stride, b0, b1, b2, b3)
    bottom.multiplyAddFour(a + Top.height * stride, stride, b0, b1, b2, b3)
  }
  @inlinable @inline(__always)
  public mutating func add(_ c: UnsafePointer<Float>, stride: Int) {
    top.add(c, stride: stride)
    bottom.add(c + Top.height * stride, stride: stride)
  }
  @inlinable @inline(__always)
  public func store(_ c: UnsafeMutablePointer<Float>, stride: Int) {
    top.store(c, stride: stride)
    bottom.store(c + Top.height * stride, stride: stride)
  }
}

public typealias Rows2<R: TileRows> = Stack<R, R>
public typealias Rows3<R: TileRows> = Stack<Rows2<R>, R>
public typealias Rows4<R: TileRows> = Stack<Rows2<R>, Rows2<R>>
public typealias Rows5<R: TileRows> = Stack<Rows4<R>, R>
public typealias Rows6<R: TileRows> = Stack<Rows4<R>, Rows2<R>>
public typealias Rows7<R: TileRows> = Stack<Rows4<R>, Rows3<R>>
public typealias Rows8<R: TileRows> = Stack<Rows4<R>, Rows4<R>>
public typealias Rows9<R: TileRows> = Stack<Rows8<R>, R>
public typealias Rows10<R: TileRows> = Stack<Rows8<R>, Rows2<R>>
public typealias Rows11<R: TileRows> = Stack<Rows8<R>, Rows3<R>>
public typealias Rows12<R: TileRows> = Stack<Rows8<R>, Rows4<R>>

/// Rows cut into tiles of nearly equal height, none above `maximum`.
@frozen public struct TileSplit {
  /// Number of tiles.
  public let count: Int
  /// Height of the lower tiles; the first `taller` tiles have one row more.
  public let height: Int
  public let taller: Int

  @inlinable @inline(__always) public init(rows: Int, maximum: Int) {
    count = (rows + maximum - 1) / maximum
    height = count == 0 ? 0 : rows / count
    taller = count == 0 ? 0 : rows - height * count
  }

  @inlinable @inline(__always) public func start(_ tile: Int) -> Int {
    tile * height + (tile < taller ? tile : taller)
  }

  @inlinable @inline(__always) public func height(_ tile: Int) -> Int {
    height + (tile < taller ? 1 : 0)
  }
}

/// The register tiles of one arithmetic, two vectors wide or one, and how rows become steps of a
/// chain.
public protocol TileFamily {
  associatedtype Wide: TileRows
  associatedtype Narrow: TileRows
  /// Rows of an operand that one k step of a tile takes.
  static var rowsPerStep: Int { get }
  /// k steps of a chain over `rows` rows.
  static func steps(_ rows: Int) -> Int
  /// Whether chains, and nothing else, run between `platform_flush_denormals` and
  /// `platform_restore_denormals`.
  static var flushesDenormals: Bool { get }
  /// Packs the left operand of weight gradients; see `packLeftTiles`.
  static func packLeft(
    _ cursor: inout ShardCursor, rows: Int, split: TileSplit, firstTile: Int, endTile: Int,
    to destination: UnsafeMutablePointer<Float>, tileStride: Int,
    sums: UnsafeMutablePointer<Float>, resume: Bool)
}

extension TileFamily {
  @inlinable @inline(__always) public static var flushesDenormals: Bool { false }
  @inlinable @inline(__always) public static func steps(_ rows: Int) -> Int {
    (rows + rowsPerStep - 1) / rowsPerStep
  }
}

/// fp32: a row a step.
public enum FloatTiles<V: KernelVector>: TileFamily {
  public typealias Wide = Row2<V>
  public typealias Narrow = Row1<V>
  @inlinable @inline(__always) public static var rowsPerStep: Int { 1 }
  @_transparent public static func packLeft(
    _ cursor: inout ShardCursor, rows: Int, split: TileSplit, firstTile: Int, endTile: Int,
    to destination: UnsafeMutablePointer<Float>, tileStride: Int,
    sums: UnsafeMutablePointer<Float>, resume: Bool
  ) {
    packLeftTiles(
      &cursor, rows: rows, split: split, firstTile: firstTile, endTile: endTile, to: destination,
      tileStride: tileStride, sums: sums, resume: resume)
  }
}
