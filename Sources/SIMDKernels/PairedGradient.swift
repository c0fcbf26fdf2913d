/// How far apart two neighbouring panels are: of the right operand, and of the slots.
@frozen public struct PanelsApart {
  @usableFromInline let operand: Int
  @usableFromInline let slot: Int

  @inlinable @inline(__always) init(operand: Int, slot: Int) {
    self.operand = operand
    self.slot = slot
  }
}

/// Some rows of one packed tile, `row` the first and `height` all of them, over two panels.
@_transparent
public func pairedTile<C: TileColumn>(
  _ column: C.Type, _ run: GradientRun, _ apart: PanelsApart, row: Int, height: Int,
  a: UnsafePointer<Float>, slot: UnsafeMutablePointer<Float>
) {
  let wide = PairedTile<C>.wide
  var out = slot + row * wide
  var tile =
    run.resume ? PairedTile<C>(loading: out, stride: wide, apart: apart.slot) : PairedTile<C>()
  tile.run(
    steps: run.steps, a: a + row, aStride: 1, aStep: height, b: run.b, apart: apart.operand,
    prefetch: nil)
  var fold = 0
  while fold < run.folds {
    out -= run.entryStride
    tile.add(out, stride: wide, apart: apart.slot)
    fold += 1
  }
  tile.store(out, stride: wide, apart: apart.slot)
}

/// `count` tiles of at most three rows over two panels.
@_transparent
public func pairedRun<C: TileColumn>(
  _ column: C.Type, _ run: GradientRun, _ apart: PanelsApart, count: Int
) {
  var a = run.a
  var slot = run.slot
  var index = 0
  while index < count {
    pairedTile(C.self, run, apart, row: 0, height: C.height, a: a, slot: slot)
    a += run.leftStride
    slot += run.slotStride
    index += 1
  }
}

/// `count` tiles of two parts over two panels.
@_transparent
public func pairedRun<Top: TileColumn, Bottom: TileColumn>(
  _ top: Top.Type, _ bottom: Bottom.Type, _ run: GradientRun, _ apart: PanelsApart, count: Int
) {
  let height = Top.height + Bottom.height
  var a = run.a
  var slot = run.slot
  var index = 0
  while index < count {
    pairedTile(Top.self, run, apart, row: 0, height: height, a: a, slot: slot)
    pairedTile(Bottom.self, run, apart, row: Top.height, height: height, a: a, slot: slot)
    a += run.leftStride
    slot += run.slotStride
    index += 1
  }
}

/// `count` packed tiles of up to six rows over two panels, each in one or two parts.
@_transparent
public func pairedRun(height: Int, _ run: GradientRun, _ apart: PanelsApart, count: Int) {
  switch height {
  case 1: pairedRun(Column1.self, run, apart, count: count)
  case 2: pairedRun(Column2.self, run, apart, count: count)
  case 3: pairedRun(Column3.self, run, apart, count: count)
  case 4: pairedRun(Column2.self, Column2.self, run, apart, count: count)
  case 5: pairedRun(Column3.self, Column2.self, run, apart, count: count)
  default: pairedRun(Column3.self, Column3.self, run, apart, count: count)
  }
}
