/// Copies what the tiles of a block have summed, biases and gradients of either operand, to the
/// partial sums.
@_transparent
public func writeGradients(
  _ p: UnsafePointer<WeightGradientArguments>, _ biases: UnsafePointer<Float>, biasStride: Int,
  slots: GradientSlots, split: TileSplit, firstTile: Int, endTile: Int, wide: Int
) {
  var tile = firstTile
  while tile < endTile {
    let place = tile - firstTile
    writeBiases(
      p, biases + 16 * place, stride: biasStride, row: split.start(tile),
      height: split.height(tile))
    var panel = 0
    var operand = 0
    while operand < p.pointee.operands {
      let columns = operand == 0 ? p.pointee.columns0 : p.pointee.columns1
      var column = 0
      while column < columns {
        let width = min(wide, columns - column)
        writeGradientTile(
          p, slot: slots.slot(0, panel: panel, tile: place), slotStride: slots.entry,
          slotWidth: width, row: split.start(tile), height: split.height(tile), column: column,
          offset: operand == 0 ? p.pointee.offset0 : p.pointee.offset1,
          width: operand == 0 ? p.pointee.width0 : p.pointee.width1)
        column += width
        panel += 1
      }
      operand += 1
    }
    tile += 1
  }
}

/// Copies the summed biases of one tile to the partial sums.
@_transparent
public func writeBiases(
  _ p: UnsafePointer<WeightGradientArguments>, _ sums: UnsafePointer<Float>, stride: Int, row: Int,
  height: Int
) {
  if p.pointee.biasOffset < 0 { return }
  var sum = 0
  while sum < p.pointee.partialSumCount {
    let out = p.pointee.partialSums[sum] + p.pointee.biasOffset + row
    var i = 0
    while i < height {
      out[i] = sums[sum * stride + i]
      i += 1
    }
    sum += 1
  }
}

/// Copies the stack's slots of one finished tile to the partial sums.
@_transparent
public func writeGradientTile(
  _ p: UnsafePointer<WeightGradientArguments>, slot: UnsafePointer<Float>, slotStride: Int,
  slotWidth: Int, row: Int, height: Int, column: Int, offset: Int, width: Int
) {
  let valid = min(slotWidth, width - column)
  var sum = 0
  while sum < p.pointee.partialSumCount {
    var source = slot + sum * slotStride
    var out = p.pointee.partialSums[sum] + offset + row * width + column
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
    sum += 1
  }
}
