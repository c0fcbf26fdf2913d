public import CPlatform

/// `count` tiles of a product over two neighbouring panels, one below the other.
///
/// Each asks for the rows where the next one's chains start, as `blockedTiles`, and for its share
/// of the two panels after these.
@_transparent
public func pairedTiles<C: TileColumn>(
  _ column: C.Type, _ first: ProductBlock, panelApart: Int, count: Int
) {
  let wide = PairedTile<C>.wide
  var block = first
  var index = 0
  while index < count {
    let later = UnsafeRawPointer(block.c + C.height * block.cStride)
    var line = 0
    while line < C.height {
      platform_prefetch(later + 4 * line * block.cStride)
      platform_prefetch(later + 4 * (line * block.cStride + wide))
      line += 1
    }
    var tile: PairedTile<C>
    if let start = block.start {
      tile = PairedTile(loading: start, stride: block.startStride, apart: wide)
    } else {
      tile = PairedTile()
    }
    tile.run(
      steps: block.steps, a: block.a, aStride: block.aStride, aStep: 1, b: block.b,
      apart: panelApart, prefetch: block.prefetch)
    tile.store(block.c, stride: block.cStride, apart: wide)
    block.skip(rows: C.height, prefetched: (block.steps + 7) / 8)
    index += 1
  }
}

/// Some rows and one block of k against pairs of panels; returns the first column that is left.
@_transparent
public func pairedPanels(
  _ whole: ProductBlock, rows: Int, column: Int, columns: Int, depth: Int
) -> Int {
  let wide = 16
  let split = TileSplit(rows: rows, maximum: Column3.height)
  let share = (32 * wide + split.count - 1) / max(1, split.count)
  var column = column
  while column + 2 * wide <= columns {
    var block = whole
    block.b += column * depth
    block.c += column
    if let start = whole.start { block.start = start + column }
    block.prefetch = Prefetch(UnsafeRawPointer(block.b + 2 * wide * depth), stride: share)
    let apart = wide * depth
    if split.height == 3 {
      pairedTiles(Column3.self, block, panelApart: apart, count: split.count)
    } else if split.height == 2 {
      pairedTiles(Column3.self, block, panelApart: apart, count: split.taller)
      block.skip(rows: 3 * split.taller, prefetched: split.taller * ((block.steps + 7) / 8))
      pairedTiles(Column2.self, block, panelApart: apart, count: split.count - split.taller)
    } else {
      pairedTiles(Column2.self, block, panelApart: apart, count: split.taller)
      block.skip(rows: 2 * split.taller, prefetched: split.taller * ((block.steps + 7) / 8))
      pairedTiles(Column1.self, block, panelApart: apart, count: split.count - split.taller)
    }
    column += 2 * wide
  }
  return column
}
