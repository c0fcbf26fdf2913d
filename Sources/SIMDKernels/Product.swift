public import CPlatform

/// Operands of C = start + A · B, with B packed in panels.
///
/// Shapes: A [rows, segments × segmentLength], C and start [rows, columns]. `columns` is a multiple
/// of 16. Row r, column k of segment s of A lies at a[r · aStride + s · segmentStride + k]. B is
/// packed as by `packTransposed` or `packRows`: panels of `panelWidth` columns, each
/// [depth][width], depth = segments × segmentLength; what is left after the last full panel is one
/// narrower panel of 16. The whole of A · B takes depth rows of B; a block of k takes [bStart,
/// bStart + depth) of bDepth.
@frozen public struct ProductArguments {
  public var rows: Int
  public var columns: Int
  public var segments: Int
  public var segmentLength: Int
  public var segmentStride: Int
  public var a: UnsafePointer<Float>
  public var aStride: Int
  public var b: UnsafePointer<Float>
  /// Rows of the packed B, and the first of them that is used: all and 0, or a block of k.
  public var bDepth: Int
  public var bStart: Int
  /// Where the chains start: nil is +0; a stride of 0 repeats one row (a bias).
  public var start: UnsafePointer<Float>?
  public var startStride: Int
  public var c: UnsafeMutablePointer<Float>
  public var cStride: Int
  /// Runs of equally many columns, gates, of which threads that share the product take the same
  /// part each, so that a thread finds its units where it left them.
  public var groups: Int
  /// Room for a copy of A in another number format, where there is one: see `productScratch`.
  public var scratch: UnsafeMutablePointer<Float>?
  /// What is worked on at a time, where kernels work in blocks.
  public var blocks: ProductBlocks

  @inlinable @inline(__always) public init(
    rows: Int, columns: Int, segments: Int, segmentLength: Int, segmentStride: Int,
    a: UnsafePointer<Float>, aStride: Int, b: UnsafePointer<Float>,
    bDepth: Int? = nil, bStart: Int = 0, start: UnsafePointer<Float>?, startStride: Int,
    c: UnsafeMutablePointer<Float>, cStride: Int, groups: Int = 1
  ) {
    self.rows = rows
    self.columns = columns
    self.segments = segments
    self.segmentLength = segmentLength
    self.segmentStride = segmentStride
    self.a = a
    self.aStride = aStride
    self.b = b
    self.bDepth = bDepth ?? segments * segmentLength
    self.bStart = bStart
    self.start = start
    self.startStride = startStride
    self.c = c
    self.cStride = cStride
    self.groups = groups
    scratch = nil
    blocks = ProductBlocks(depth: 0, rows: 0)
  }

  /// Multiply-adds.
  @inlinable @inline(__always) public var work: Int { rows * columns * segments * segmentLength }
}

/// Rows of A that are copied at a time, and the floats of scratch that they need where a copied row
/// has `count` floats.
@inlinable @inline(__always) public var productScratchRows: Int { 192 }
public func productScratch(_ count: Int) -> Int {
  productScratchRows * productScratchStride(count) + 16
}

/// Floats between copied rows of `count` floats: never a multiple of 512 bytes.
@inlinable @inline(__always) public func productScratchStride(_ count: Int) -> Int {
  let whole = (count + 15) & ~15
  return whole % 128 == 0 ? whole + 16 : whole
}

/// What a tile asks for while it computes: the cache line at `address`, which moves on by `stride`
/// bytes with every step of the chains.
@frozen public struct Prefetch {
  public var address: UnsafeRawPointer
  public var stride: Int
  @inlinable @inline(__always) public init(_ address: UnsafeRawPointer, stride: Int) {
    self.address = address
    self.stride = stride
  }
}

/// One tile of a product: A row-major, B one panel.
@_transparent
public func productTile<R: TileRows>(
  _ tile: R.Type, _ p: UnsafePointer<ProductArguments>, row: Int, column: Int,
  prefetch: Prefetch
) {
  let c = p.pointee.c + row * p.pointee.cStride + column
  let cStride = p.pointee.cStride
  let aStride = p.pointee.aStride
  let length = p.pointee.segmentLength
  var rows: R
  if let start = p.pointee.start {
    let stride = p.pointee.startStride
    rows = R(loading: start + row * stride + column, stride: stride)
  } else {
    rows = R()
  }
  var b = p.pointee.b + column * p.pointee.bDepth + p.pointee.bStart * R.Columns.width
  var next = prefetch.address
  var segment = 0
  while segment < p.pointee.segments {
    var a = p.pointee.a + row * aStride + segment * p.pointee.segmentStride
    let end = a + length
    while a < end {
      platform_prefetch_later(next)
      next += prefetch.stride
      rows.multiplyAdd(a, aStride, R.Columns(loading: b))
      a += 1
      b += R.Columns.width
    }
    segment += 1
  }
  rows.store(c, stride: cStride)
}

@_transparent
public func productTiles<R: TileRows>(
  _ single: R.Type, _ p: UnsafePointer<ProductArguments>, row: Int, height: Int, column: Int,
  maximumRows: Int, prefetch: Prefetch
) {
  switch height {
  case 1: productTile(R.self, p, row: row, column: column, prefetch: prefetch)
  case 2: productTile(Rows2<R>.self, p, row: row, column: column, prefetch: prefetch)
  case 3: productTile(Rows3<R>.self, p, row: row, column: column, prefetch: prefetch)
  case 4: productTile(Rows4<R>.self, p, row: row, column: column, prefetch: prefetch)
  case 5: productTile(Rows5<R>.self, p, row: row, column: column, prefetch: prefetch)
  case 6: productTile(Rows6<R>.self, p, row: row, column: column, prefetch: prefetch)
  default:
    if maximumRows <= 6 { return }
    switch height {
    case 7: productTile(Rows7<R>.self, p, row: row, column: column, prefetch: prefetch)
    case 8: productTile(Rows8<R>.self, p, row: row, column: column, prefetch: prefetch)
    case 9: productTile(Rows9<R>.self, p, row: row, column: column, prefetch: prefetch)
    case 10: productTile(Rows10<R>.self, p, row: row, column: column, prefetch: prefetch)
    case 11: productTile(Rows11<R>.self, p, row: row, column: column, prefetch: prefetch)
    default: productTile(Rows12<R>.self, p, row: row, column: column, prefetch: prefetch)
    }
  }
}

/// Asks for the rows where a tile's chains start (or end, where they start from +0 or a bias), so
/// that they are near when the tile before is done: rows lie pages apart, and a chain waits for
/// them.
@_transparent
public func prefetchTile(
  _ p: UnsafePointer<ProductArguments>, row: Int, height: Int, column: Int, bytes: Int
) {
  var address = UnsafeRawPointer(p.pointee.c + row * p.pointee.cStride + column)
  var stride = p.pointee.cStride * 4
  if let start = p.pointee.start, p.pointee.startStride != 0 {
    address = UnsafeRawPointer(start + row * p.pointee.startStride + column)
    stride = p.pointee.startStride * 4
  }
  var i = 0
  while i < height {
    var byte = 0
    while byte < bytes {
      platform_prefetch(address + byte)
      byte += 64
    }
    address += stride
    i += 1
  }
}

/// One row of a product, four panels at a time: a row alone has too few chains to fill the
/// pipelines. Returns the first column that is left over.
@_transparent
public func productRow<F: TileFamily>(
  _ family: F.Type, _ p: UnsafePointer<ProductArguments>
) -> Int {
  let wide = F.Wide.Columns.width
  let panel = wide * p.pointee.bDepth
  let length = p.pointee.segmentLength
  var column = 0
  while column + 4 * wide <= p.pointee.columns {
    var r0 = F.Wide()
    var r1 = F.Wide()
    var r2 = F.Wide()
    var r3 = F.Wide()
    if let start = p.pointee.start {
      r0 = F.Wide(loading: start + column, stride: 0)
      r1 = F.Wide(loading: start + column + wide, stride: 0)
      r2 = F.Wide(loading: start + column + 2 * wide, stride: 0)
      r3 = F.Wide(loading: start + column + 3 * wide, stride: 0)
    }
    var b = p.pointee.b + column * p.pointee.bDepth + p.pointee.bStart * wide
    var segment = 0
    while segment < p.pointee.segments {
      var a = p.pointee.a + segment * p.pointee.segmentStride
      let end = a + length
      while a < end {
        r0.multiplyAdd(a, 0, F.Wide.Columns(loading: b))
        r1.multiplyAdd(a, 0, F.Wide.Columns(loading: b + panel))
        r2.multiplyAdd(a, 0, F.Wide.Columns(loading: b + 2 * panel))
        r3.multiplyAdd(a, 0, F.Wide.Columns(loading: b + 3 * panel))
        a += 1
        b += wide
      }
      segment += 1
    }
    let c = p.pointee.c + column
    r0.store(c, stride: 0)
    r1.store(c + wide, stride: 0)
    r2.store(c + 2 * wide, stride: 0)
    r3.store(c + 3 * wide, stride: 0)
    column += 4 * wide
  }
  return column
}

/// C = start + A · B: panel by panel, so that a panel stays in the nearest cache for all rows.
@inlinable @inline(__always)
public func product<F: TileFamily>(
  _ family: F.Type, maximumRows: Int, _ p: UnsafePointer<ProductArguments>
) {
  let split = TileSplit(rows: p.pointee.rows, maximum: maximumRows)
  let columns = p.pointee.columns
  let wide = F.Wide.Columns.width
  let block = p.pointee.b + p.pointee.bStart * wide
  let steps = p.pointee.segments * p.pointee.segmentLength
  // The tiles of a panel ask for the next one, each for its share: the weights of a large layer
  // come from the last cache, or the memory, in every time step.
  let advance = split.count == 0 ? 0 : (wide * 4 + split.count - 1) / split.count
  var column = p.pointee.rows == 1 ? productRow(F.self, p) : 0
  while column + wide <= columns {
    let following = column + wide < columns ? column + wide : 0
    let next = UnsafeRawPointer(block + following * p.pointee.bDepth)
    var tile = 0
    while tile < split.count {
      let isLast = tile + 1 == split.count
      prefetchTile(
        p, row: isLast ? 0 : split.start(tile + 1), height: split.height(isLast ? 0 : tile + 1),
        column: isLast ? min(column + wide, columns - 16) : column, bytes: wide * 4)
      productTiles(
        F.Wide.self, p, row: split.start(tile), height: split.height(tile), column: column,
        maximumRows: maximumRows,
        prefetch: Prefetch(next + tile * advance * steps, stride: advance))
      tile += 1
    }
    column += wide
  }
  // Only a 16-lane vector leaves a remainder of one vector; columns are a multiple of 16.
  if column < columns {
    var tile = 0
    while tile < split.count {
      productTiles(
        F.Narrow.self, p, row: split.start(tile), height: split.height(tile), column: column,
        maximumRows: maximumRows, prefetch: Prefetch(block, stride: 0))
      tile += 1
    }
  }
}
