public import CPlatform

/// One vector of the right operand against up to three broadcast numbers of the left one: a column
/// of accumulators.
///
/// A tile of four such columns, three rows over two panels, needs seven loads for twelve
/// multiply-adds where one of six rows over one panel needs eight: with sixteen registers none
/// needs fewer. A core that gives half of its instructions to another program's thread is bound by
/// their number.
public protocol TileColumn {
  associatedtype Left: TileLeft
  static var height: Int { get }
  init()
  /// Starts the chains from stored values; `stride` 0 repeats one.
  init(loading c: UnsafePointer<Float>, stride: Int)
  mutating func multiplyAdd(_ a: Left, _ b: HalfLanes)
  mutating func add(_ c: UnsafePointer<Float>, stride: Int)
  func store(_ c: UnsafeMutablePointer<Float>, stride: Int)
}

/// Broadcast numbers of the left operand, a register for each row.
public protocol TileLeft {
  init(_ a: UnsafePointer<Float>, _ stride: Int)
}

@frozen public struct Left1: TileLeft {
  @usableFromInline let x0: HalfLanes
  @inlinable @inline(__always) public init(_ a: UnsafePointer<Float>, _ stride: Int) {
    x0 = HalfLanes(repeating: a[0])
  }
}

@frozen public struct Left2: TileLeft {
  @usableFromInline let x0: HalfLanes
  @usableFromInline let x1: HalfLanes
  @inlinable @inline(__always) public init(_ a: UnsafePointer<Float>, _ stride: Int) {
    x0 = HalfLanes(repeating: a[0])
    x1 = HalfLanes(repeating: a[stride])
  }
}

@frozen public struct Left3: TileLeft {
  @usableFromInline let x0: HalfLanes
  @usableFromInline let x1: HalfLanes
  @usableFromInline let x2: HalfLanes
  @inlinable @inline(__always) public init(_ a: UnsafePointer<Float>, _ stride: Int) {
    x0 = HalfLanes(repeating: a[0])
    x1 = HalfLanes(repeating: a[stride])
    x2 = HalfLanes(repeating: a[2 * stride])
  }
}

@frozen public struct Column1: TileColumn {
  @usableFromInline var c0: HalfLanes
  @inlinable @inline(__always) public static var height: Int { 1 }
  @inlinable @inline(__always) public init() { c0 = HalfLanes() }
  @inlinable @inline(__always) public init(loading c: UnsafePointer<Float>, stride: Int) {
    c0 = loadHalf(c)
  }
  @inlinable @inline(__always) public mutating func multiplyAdd(_ a: Left1, _ b: HalfLanes) {
    c0 = c0.addingProduct(a.x0, b)
  }
  @inlinable @inline(__always)
  public mutating func add(_ c: UnsafePointer<Float>, stride: Int) { c0 = loadHalf(c) + c0 }
  @inlinable @inline(__always)
  public func store(_ c: UnsafeMutablePointer<Float>, stride: Int) { storeHalf(c0, c) }
}

@frozen public struct Column2: TileColumn {
  @usableFromInline var c0: HalfLanes
  @usableFromInline var c1: HalfLanes
  @inlinable @inline(__always) public static var height: Int { 2 }
  @inlinable @inline(__always) public init() {
    c0 = HalfLanes()
    c1 = HalfLanes()
  }
  @inlinable @inline(__always) public init(loading c: UnsafePointer<Float>, stride: Int) {
    c0 = loadHalf(c)
    c1 = loadHalf(c + stride)
  }
  @inlinable @inline(__always) public mutating func multiplyAdd(_ a: Left2, _ b: HalfLanes) {
    c0 = c0.addingProduct(a.x0, b)
    c1 = c1.addingProduct(a.x1, b)
  }
  @inlinable @inline(__always)
  public mutating func add(_ c: UnsafePointer<Float>, stride: Int) {
    c0 = loadHalf(c) + c0
    c1 = loadHalf(c + stride) + c1
  }
  @inlinable @inline(__always)
  public func store(_ c: UnsafeMutablePointer<Float>, stride: Int) {
    storeHalf(c0, c)
    storeHalf(c1, c + stride)
  }
}

@frozen public struct Column3: TileColumn {
  @usableFromInline var c0: HalfLanes
  @usableFromInline var c1: HalfLanes
  @usableFromInline var c2: HalfLanes
  @inlinable @inline(__always) public static var height: Int { 3 }
  @inlinable @inline(__always) public init() {
    c0 = HalfLanes()
    c1 = HalfLanes()
    c2 = HalfLanes()
  }
  @inlinable @inline(__always) public init(loading c: UnsafePointer<Float>, stride: Int) {
    c0 = loadHalf(c)
    c1 = loadHalf(c + stride)
    c2 = loadHalf(c + 2 * stride)
  }
  @inlinable @inline(__always) public mutating func multiplyAdd(_ a: Left3, _ b: HalfLanes) {
    c0 = c0.addingProduct(a.x0, b)
    c1 = c1.addingProduct(a.x1, b)
    c2 = c2.addingProduct(a.x2, b)
    c0 = platform_in_order(c0)
    c1 = platform_in_order(c1)
    c2 = platform_in_order(c2)
  }
  @inlinable @inline(__always)
  public mutating func add(_ c: UnsafePointer<Float>, stride: Int) {
    c0 = loadHalf(c) + c0
    c1 = loadHalf(c + stride) + c1
    c2 = loadHalf(c + 2 * stride) + c2
  }
  @inlinable @inline(__always)
  public func store(_ c: UnsafeMutablePointer<Float>, stride: Int) {
    storeHalf(c0, c)
    storeHalf(c1, c + stride)
    storeHalf(c2, c + 2 * stride)
  }
}

/// A tile over two panels of two vectors each. `apart` lies between the panels' parts of an
/// operand.
@frozen public struct PairedTile<C: TileColumn> {
  @usableFromInline var q0: C
  @usableFromInline var q1: C
  @usableFromInline var q2: C
  @usableFromInline var q3: C

  /// Floats of a vector, and of a panel's row.
  @inlinable @inline(__always) public static var vector: Int { 8 }
  @inlinable @inline(__always) public static var wide: Int { 2 * vector }

  @inlinable @inline(__always) public init() {
    q0 = C()
    q1 = C()
    q2 = C()
    q3 = C()
  }

  @inlinable @inline(__always)
  public init(loading c: UnsafePointer<Float>, stride: Int, apart: Int) {
    q0 = C(loading: c, stride: stride)
    q1 = C(loading: c + Self.vector, stride: stride)
    q2 = C(loading: c + apart, stride: stride)
    q3 = C(loading: c + apart + Self.vector, stride: stride)
  }

  /// One k step. All numbers of A are in registers before the first vector of B, of which one at a
  /// time is.
  @inlinable @inline(__always)
  public mutating func multiplyAdd(
    _ a: UnsafePointer<Float>, _ stride: Int, _ b: UnsafePointer<Float>,
    _ next: UnsafePointer<Float>
  ) {
    let left = C.Left(a, stride)
    q0.multiplyAdd(left, loadHalf(b))
    q1.multiplyAdd(left, loadHalf(b + Self.vector))
    q2.multiplyAdd(left, loadHalf(next))
    q3.multiplyAdd(left, loadHalf(next + Self.vector))
  }

  @inlinable @inline(__always)
  public mutating func add(_ c: UnsafePointer<Float>, stride: Int, apart: Int) {
    q0.add(c, stride: stride)
    q1.add(c + Self.vector, stride: stride)
    q2.add(c + apart, stride: stride)
    q3.add(c + apart + Self.vector, stride: stride)
  }

  @inlinable @inline(__always)
  public func store(_ c: UnsafeMutablePointer<Float>, stride: Int, apart: Int) {
    q0.store(c, stride: stride)
    q1.store(c + Self.vector, stride: stride)
    q2.store(c + apart, stride: stride)
    q3.store(c + apart + Self.vector, stride: stride)
  }

  /// `steps` steps of the chains, eight at a time; see `tileSteps`.
  @_transparent
  public mutating func run(
    steps: Int, a: UnsafePointer<Float>, aStride: Int, aStep: Int, b: UnsafePointer<Float>,
    apart: Int, prefetch: Prefetch?
  ) {
    var left = a
    var right = b
    var later = b + apart
    var next = prefetch?.address
    let wide = Self.wide
    var rounds = steps >> 3
    if rounds > 0 {
      repeat {
        if let prefetch, let address = next {
          platform_prefetch_later(address)
          platform_prefetch_later(address + 4 * apart)
          next = address + prefetch.stride
        }
        multiplyAdd(left, aStride, right, later)
        multiplyAdd(left + aStep, aStride, right + wide, later + wide)
        multiplyAdd(left + 2 * aStep, aStride, right + 2 * wide, later + 2 * wide)
        multiplyAdd(left + 3 * aStep, aStride, right + 3 * wide, later + 3 * wide)
        multiplyAdd(left + 4 * aStep, aStride, right + 4 * wide, later + 4 * wide)
        multiplyAdd(left + 5 * aStep, aStride, right + 5 * wide, later + 5 * wide)
        multiplyAdd(left + 6 * aStep, aStride, right + 6 * wide, later + 6 * wide)
        multiplyAdd(left + 7 * aStep, aStride, right + 7 * wide, later + 7 * wide)
        left += 8 * aStep
        right += 8 * wide
        later += 8 * wide
        rounds -= 1
      } while rounds > 0
    }
    var rest = steps & 7
    while rest > 0 {
      multiplyAdd(left, aStride, right, later)
      left += aStep
      right += wide
      later += wide
      rest -= 1
    }
  }
}
