public import CPlatform

// Operands of `RoundedTiles`: bf16 numbers as fp32, of each two steps of k the odd one first, and
// a zero for what an odd depth lacks.

/// Rounds two rows of 16 and stores the odd one before the even one, `stride` floats apart.
@_transparent
public func storeRounded(
  _ even: Lanes, _ odd: Lanes, _ out: UnsafeMutablePointer<Float>, stride: Int
) {
  storeLanes(platform_round_to_bf16(odd), out)
  storeLanes(platform_round_to_bf16(even), out + stride)
}

/// As `storeRounded`, of what fits into `width` columns: a panel may have eight.
@_transparent
public func storeRounded(
  _ even: Lanes, _ odd: Lanes, _ out: UnsafeMutablePointer<Float>, stride: Int, width: Int
) {
  if width >= 16 {
    storeRounded(even, odd, out, stride: stride)
    return
  }
  let raw = UnsafeMutableRawPointer(out)
  raw.storeBytes(of: platform_round_to_bf16(odd).lowHalf, as: SIMD8<Float>.self)
  (raw + 4 * stride).storeBytes(of: platform_round_to_bf16(even).lowHalf, as: SIMD8<Float>.self)
}

/// Some floats, and zeros beyond them.
@_transparent
public func loadPart(_ source: UnsafePointer<Float>, _ count: Int) -> Lanes {
  if count >= 16 { return loadLanes(source) }
  var values = Lanes()
  var j = 0
  while j < count {
    values[j] = source[j]
    j += 1
  }
  return values
}

/// B[k][n] = source[n][k]; see `packTransposed`.
@_transparent
public func packTransposedRounded(_ p: UnsafePointer<PackArguments>) {
  let depth = p.pointee.depth
  let steps = (depth + 1) & ~1
  let groupWidth = p.pointee.groupWidth
  let columns = p.pointee.groups * groupWidth
  let stride = p.pointee.sourceStride
  var panel = p.pointee.firstPanel
  while panel < p.pointee.endPanel {
    let column = panel * p.pointee.panelWidth
    let width = min(p.pointee.panelWidth, columns - column)
    let destination = p.pointee.destination + column * steps
    var sub = 0
    while sub < width {
      let group = (column + sub) / groupWidth
      let first = (column + sub) - group * groupWidth
      let valid = max(0, min(min(16, width), p.pointee.groupColumns - first))
      let row = p.pointee.source + (group * p.pointee.groupColumns + first) * stride
      let out = destination + sub
      var k = 0
      if valid == 16 {
        while k + 16 <= depth {
          platform_transpose(row + k, stride, out + k * width, width)
          let end = k + 16
          while k < end {
            let even = loadLanes(out + k * width)
            let odd = loadLanes(out + (k + 1) * width)
            storeRounded(even, odd, out + k * width, stride: width)
            k += 2
          }
        }
      }
      while k < steps {
        var even = Lanes()
        var odd = Lanes()
        var j = 0
        while j < valid {
          even[j] = row[j * stride + k]
          if k + 1 < depth { odd[j] = row[j * stride + k + 1] }
          j += 1
        }
        storeRounded(even, odd, out + k * width, stride: width, width: width)
        k += 2
      }
      sub += 16
    }
    panel += 1
  }
}

/// B[k][n] = source[k][n]; see `packRows`.
@_transparent
public func packRowsRounded(_ p: UnsafePointer<PackArguments>) {
  let depth = p.pointee.depth
  let steps = (depth + 1) & ~1
  let columns = p.pointee.groupWidth
  var panel = p.pointee.firstPanel
  while panel < p.pointee.endPanel {
    let column = panel * p.pointee.panelWidth
    let width = min(p.pointee.panelWidth, columns - column)
    let out = p.pointee.destination + column * steps
    var row = p.pointee.source + column
    var k = 0
    while k < depth {
      var j = 0
      while j < width {
        let valid = max(0, min(min(16, width), p.pointee.groupColumns - column - j))
        let even = loadPart(row + j, valid)
        let odd = k + 1 < depth ? loadPart(row + p.pointee.sourceStride + j, valid) : Lanes()
        storeRounded(even, odd, out + k * width + j, stride: width, width: width)
        j += 16
      }
      row += 2 * p.pointee.sourceStride
      k += 2
    }
    panel += 1
  }
}

/// The right operand of weight gradients; see `packShardColumns`.
@_transparent
public func packShardColumnsRounded(
  _ rows: UnsafePointer<ShardRows>, columns: Int, panelWidth: Int,
  to destination: UnsafeMutablePointer<Float>
) {
  let shards = rows.pointee.sequences / rows.pointee.sequencesPerShard
  let count = rows.pointee.rowsPerShard
  let steps = (count + 1) & ~1
  let firstColumn = rows.pointee.firstColumn
  let endColumn = min(columns, rows.pointee.endColumn)
  var shard = 0
  while shard < shards {
    let block = destination + shard * steps * columns
    var cursor = ShardCursor(rows.pointee, shard: shard)
    var k = 0
    while k < count {
      let even = cursor.row
      cursor.advance()
      let hasOdd = k + 1 < count
      let odd = hasOdd ? cursor.row : even
      if hasOdd { cursor.advance() }
      var column = firstColumn
      while column < endColumn {
        let width = min(panelWidth, columns - column)
        let out = block + column * steps + k * width
        var j = 0
        while j < width {
          let valid = min(16, width)
          let first = loadPart(even + column + j, valid)
          let second = hasOdd ? loadPart(odd + column + j, valid) : Lanes()
          storeRounded(first, second, out + j, stride: width, width: width)
          j += 16
        }
        column += width
      }
      k += 2
    }
    shard += 1
  }
}

/// Rows of a product's A, their segments one after the other; see `KernelTable.roundRows`.
@_transparent
public func roundRows(
  _ p: UnsafePointer<ProductArguments>, row first: Int, count: Int,
  to copy: UnsafeMutablePointer<Float>, stride: Int
) {
  let length = p.pointee.segmentLength
  let depth = p.pointee.segments * length
  var row = 0
  while row < count {
    let out = copy + row * stride
    var k = 0
    while k < depth {
      // Of a segment from here on; pairs may reach from one segment to the next.
      let segment = k / length
      let place = k - segment * length
      let source =
        p.pointee.a + (first + row) * p.pointee.aStride + segment * p.pointee.segmentStride + place
      if k % 2 == 0, place + 16 <= length {
        storeLanes(platform_swap_neighbors(platform_round_to_bf16(loadLanes(source))), out + k)
        k += 16
      } else {
        out[k ^ 1] = platform_round_to_bf16(Lanes(repeating: source[0]))[0]
        k += 1
      }
    }
    if depth % 2 == 1 { out[depth - 1] = 0 }
    row += 1
  }
}
