#if arch(x86_64)
  import CPlatform
  import SIMDKernels

  /// The pairs of B[k][n] = source[n][k]; see `packTransposed`.
  func packTransposedPairs(_ p: UnsafePointer<PackArguments>) {
    let depth = p.pointee.depth
    let steps = PairTiles.steps(depth)
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
        let valid = max(0, min(16, p.pointee.groupColumns - first))
        let row = p.pointee.source + (group * p.pointee.groupColumns + first) * stride
        var step = 0
        if valid == 16 {
          while 2 * step + 16 <= depth {
            platform_transpose_pairs(
              row + 2 * step, stride, destination + step * width + sub, width)
            step += 8
          }
        }
        while step < steps {
          var even = Lanes()
          var odd = Lanes()
          var j = 0
          while j < valid {
            even[j] = row[j * stride + 2 * step]
            if 2 * step + 1 < depth { odd[j] = row[j * stride + 2 * step + 1] }
            j += 1
          }
          storeLanes(platform_pairs(even, odd), destination + step * width + sub)
          step += 1
        }
        sub += 16
      }
      panel += 1
    }
  }

  /// The pairs of B[k][n] = source[k][n]; see `packRows`.
  func packRowPairs(_ p: UnsafePointer<PackArguments>) {
    let depth = p.pointee.depth
    let steps = PairTiles.steps(depth)
    let columns = p.pointee.groupWidth
    var panel = p.pointee.firstPanel
    while panel < p.pointee.endPanel {
      let column = panel * p.pointee.panelWidth
      let width = min(p.pointee.panelWidth, columns - column)
      var out = p.pointee.destination + column * steps
      var row = p.pointee.source + column
      var step = 0
      while step < steps {
        let hasOdd = 2 * step + 1 < depth
        var j = 0
        while j < width {
          let valid = max(0, min(16, p.pointee.groupColumns - column - j))
          let even = loadPart(row + j, valid)
          let odd = hasOdd ? loadPart(row + p.pointee.sourceStride + j, valid) : Lanes()
          storeLanes(platform_pairs(even, odd), out + j)
          j += 16
        }
        out += width
        row += 2 * p.pointee.sourceStride
        step += 1
      }
      panel += 1
    }
  }

  /// The right operand of weight gradients in pairs of rows; see `packShardColumns`.
  func packShardColumnPairs(
    _ rows: UnsafePointer<ShardRows>, columns: Int, panelWidth: Int,
    to destination: UnsafeMutablePointer<Float>
  ) {
    let shards = rows.pointee.sequences / rows.pointee.sequencesPerShard
    let count = rows.pointee.rowsPerShard
    let steps = PairTiles.steps(count)
    let firstColumn = rows.pointee.firstColumn
    let endColumn = min(columns, rows.pointee.endColumn)
    var shard = 0
    while shard < shards {
      let block = destination + shard * steps * columns
      var cursor = ShardCursor(rows.pointee, shard: shard)
      var step = 0
      while step < steps {
        let even = cursor.row
        cursor.advance()
        let hasOdd = 2 * step + 1 < count
        let odd = hasOdd ? cursor.row : even
        if hasOdd { cursor.advance() }
        var column = firstColumn
        while column < endColumn {
          let width = min(panelWidth, columns - column)
          let out = block + column * steps + step * width
          var j = 0
          while j < width {
            let later = hasOdd ? loadLanes(odd + column + j) : Lanes()
            storeLanes(platform_pairs(loadLanes(even + column + j), later), out + j)
            j += 16
          }
          column += width
        }
        step += 1
      }
      shard += 1
    }
  }
#endif
