public import CPlatform

/// How much of a product's operands is worked on at a time. Blocks change no bit: chains go on from
/// the fp32 values that the block before has stored.
@frozen public struct ProductBlocks: Sendable {
  /// Most steps of k: a panel's part of them stays in the first cache for all tiles. 0 where the
  /// kernels of an instruction set take all at once.
  public var depth: Int
  /// Most rows of A: their part of a block of k stays in the second cache for all panels.
  public var rows: Int

  @inlinable @inline(__always) public init(depth: Int, rows: Int) {
    self.depth = depth
    self.rows = rows
  }
}

/// One block of k of some rows of a product, against one panel or the next ones.
@frozen public struct ProductBlock {
  @usableFromInline var steps: Int
  @usableFromInline var a: UnsafePointer<Float>
  @usableFromInline var aStride: Int
  @usableFromInline var b: UnsafePointer<Float>
  /// Where the chains start or go on; nil is +0, a stride of 0 repeats one row.
  @usableFromInline var start: UnsafePointer<Float>?
  @usableFromInline var startStride: Int
  @usableFromInline var c: UnsafeMutablePointer<Float>
  @usableFromInline var cStride: Int
  @usableFromInline var prefetch: Prefetch

  @inlinable @inline(__always) init(
    steps: Int, a: UnsafePointer<Float>, aStride: Int, b: UnsafePointer<Float>,
    start: UnsafePointer<Float>?, startStride: Int, c: UnsafeMutablePointer<Float>, cStride: Int
  ) {
    self.steps = steps
    self.a = a
    self.aStride = aStride
    self.b = b
    self.start = start
    self.startStride = startStride
    self.c = c
    self.cStride = cStride
    prefetch = Prefetch(UnsafeRawPointer(b), stride: 0)
  }

  /// Leaves out `rows` rows.
  @inlinable @inline(__always) mutating func skip(rows: Int) {
    a += rows * aStride
    c += rows * cStride
    if let start { self.start = start + rows * startStride }
    prefetch.address += prefetch.stride * ((steps + 3) / 4)
  }
}

/// `steps` steps of a tile's chains, eight at a time, or four. `aStride` lies between rows of A and
/// `aStep` between its steps.
@_transparent
public func tileSteps<R: TileRows>(
  _ rows: inout R, steps: Int, a: UnsafePointer<Float>, aStride: Int, aStep: Int,
  b: UnsafePointer<Float>, prefetch: Prefetch?
) {
  let width = R.Columns.width
  var left = a
  var right = b
  let end = a + steps * aStep
  var next = prefetch?.address
  if R.Columns.V.scalarCount == 4, aStep == 1 {
    // More at a time would not find room in the registers.
    let unrolled = a + (steps & ~3)
    while left < unrolled {
      if let prefetch, let address = next {
        platform_prefetch_later(address)
        next = address + prefetch.stride
      }
      rows.multiplyAddFour(
        left, aStride, R.Columns(loading: right), R.Columns(loading: right + width),
        R.Columns(loading: right + 2 * width), R.Columns(loading: right + 3 * width))
      left += 4
      right += 4 * width
    }
  } else {
    let unrolled = a + (steps & ~7) * aStep
    while left < unrolled {
      if let prefetch, let address = next {
        platform_prefetch_later(address)
        platform_prefetch_later(address + prefetch.stride)
        next = address + 2 * prefetch.stride
      }
      rows.multiplyAdd(left, aStride, R.Columns(loading: right))
      rows.multiplyAdd(left + aStep, aStride, R.Columns(loading: right + width))
      rows.multiplyAdd(left + 2 * aStep, aStride, R.Columns(loading: right + 2 * width))
      rows.multiplyAdd(left + 3 * aStep, aStride, R.Columns(loading: right + 3 * width))
      rows.multiplyAdd(left + 4 * aStep, aStride, R.Columns(loading: right + 4 * width))
      rows.multiplyAdd(left + 5 * aStep, aStride, R.Columns(loading: right + 5 * width))
      rows.multiplyAdd(left + 6 * aStep, aStride, R.Columns(loading: right + 6 * width))
      rows.multiplyAdd(left + 7 * aStep, aStride, R.Columns(loading: right + 7 * width))
      left += 8 * aStep
      right += 8 * width
    }
  }
  while left < end {
    rows.multiplyAdd(left, aStride, R.Columns(loading: right))
    left += aStep
    right += width
  }
}

/// `count` tiles, one below the other. Each asks for the rows where the next one's chains start
/// (or end, where they start from +0 or a bias): they lie pages apart, and a chain waits for them.
@_transparent
public func blockedTiles<R: TileRows>(_ tile: R.Type, _ first: ProductBlock, count: Int) {
  var block = first
  var index = 0
  while index < count {
    let later = UnsafeRawPointer(block.c + R.height * block.cStride)
    var line = 0
    while line < R.height {
      platform_prefetch(later + 4 * line * block.cStride)
      line += 1
    }
    var rows: R
    if let start = block.start {
      rows = R(loading: start, stride: block.startStride)
    } else {
      rows = R()
    }
    tileSteps(
      &rows, steps: block.steps, a: block.a, aStride: block.aStride, aStep: 1, b: block.b,
      prefetch: block.prefetch)
    rows.store(block.c, stride: block.cStride)
    block.skip(rows: R.height)
    index += 1
  }
}

/// As `blockedTiles`, of a height that is known when it runs.
@_transparent
public func blockedTiles<R: TileRows>(
  _ single: R.Type, height: Int, maximumRows: Int, _ block: ProductBlock, count: Int
) {
  switch height {
  case 1: blockedTiles(R.self, block, count: count)
  case 2: blockedTiles(Rows2<R>.self, block, count: count)
  case 3: blockedTiles(Rows3<R>.self, block, count: count)
  case 4: blockedTiles(Rows4<R>.self, block, count: count)
  case 5: blockedTiles(Rows5<R>.self, block, count: count)
  case 6: blockedTiles(Rows6<R>.self, block, count: count)
  default:
    if maximumRows <= 6 { return }
    switch height {
    case 7: blockedTiles(Rows7<R>.self, block, count: count)
    case 8: blockedTiles(Rows8<R>.self, block, count: count)
    default:
      if maximumRows <= 8 { return }
      switch height {
      case 9: blockedTiles(Rows9<R>.self, block, count: count)
      case 10: blockedTiles(Rows10<R>.self, block, count: count)
      case 11: blockedTiles(Rows11<R>.self, block, count: count)
      default: blockedTiles(Rows12<R>.self, block, count: count)
      }
    }
  }
}

/// Some rows and one block of k against the panels from `column` on.
@_transparent
public func blockedPanels<F: TileFamily>(
  _ family: F.Type, maximumRows: Int, _ whole: ProductBlock, split: TileSplit, column: Int,
  columns: Int, depth: Int
) {
  let wide = F.Wide.Columns.width
  // The tiles of a panel ask for the next one, each for its share: the weights of a large layer
  // come from the last cache, or the memory, in every time step.
  let share = (16 * wide + split.count - 1) / max(1, split.count)
  var column = column
  while column + wide <= columns {
    var block = whole
    block.b += column * depth
    block.c += column
    if let start = whole.start { block.start = start + column }
    block.prefetch = Prefetch(UnsafeRawPointer(block.b + wide * depth), stride: share)
    blockedTiles(
      F.Wide.self, height: split.height + 1, maximumRows: maximumRows, block, count: split.taller)
    let taller = split.taller
    var index = 0
    while index < taller {
      block.skip(rows: split.height + 1)
      index += 1
    }
    blockedTiles(
      F.Wide.self, height: split.height, maximumRows: maximumRows, block,
      count: split.count - taller)
    column += wide
  }
}

/// C = start + A · B in blocks of k and of rows; in each, panel by panel.
///
/// Panels are no wider than 16 columns, so that none is left over.
@inlinable @inline(__always)
public func blockedProduct<F: TileFamily>(
  _ family: F.Type, maximumRows: Int, _ p: UnsafePointer<ProductArguments>
) {
  let wide = F.Wide.Columns.width
  let length = p.pointee.segmentLength
  let column = p.pointee.rows == 1 ? productRow(F.self, p) : 0
  // Nearly equal blocks of whole unrolled steps.
  let parts = (length + p.pointee.blocks.depth - 1) / p.pointee.blocks.depth
  let depth = parts == 0 ? 0 : ((length + parts - 1) / parts + 7) & ~7
  let steps = p.pointee.segments * length
  var row = 0
  while row < p.pointee.rows {
    let rows = min(p.pointee.blocks.rows, p.pointee.rows - row)
    let split = TileSplit(rows: rows, maximum: maximumRows)
    var done = 0
    var segment = 0
    var first = 0
    repeat {
      let count = min(depth, length - first)
      var block = ProductBlock(
        steps: count,
        a: p.pointee.a + row * p.pointee.aStride + segment * p.pointee.segmentStride + first,
        aStride: p.pointee.aStride,
        b: p.pointee.b + (p.pointee.bStart + segment * length + first) * wide,
        start: p.pointee.start, startStride: p.pointee.startStride,
        c: p.pointee.c + row * p.pointee.cStride, cStride: p.pointee.cStride)
      if let start = p.pointee.start { block.start = start + row * p.pointee.startStride }
      if done > 0 {
        block.start = UnsafePointer(block.c)
        block.startStride = block.cStride
      }
      blockedPanels(
        F.self, maximumRows: maximumRows, block, split: split, column: column,
        columns: p.pointee.columns, depth: p.pointee.bDepth)
      done += count
      first += count
      if first == length {
        first = 0
        segment += 1
      }
    } while done < steps
    row += rows
  }
}
