public import CPlatform

/// Columns of a packed panel.
@inlinable @inline(__always)
public func panelWidth<V: SIMD>(_ vector: V.Type) -> Int where V.Scalar == Float {
  Columns2<V>.width
}

/// A weight to be packed as the right operand of products: panels of `panelWidth` columns.
///
/// The packed operand has `groups × groupWidth` columns (groupWidth a multiple of 16 that holds
/// `groupColumns` real ones, zeros beyond) in the transposed form, and `columns` in the plain form.
@frozen public struct PackArguments {
  public var source: UnsafePointer<Float>
  public var sourceStride: Int
  public var depth: Int
  public var groups: Int
  public var groupColumns: Int
  public var groupWidth: Int
  public var panelWidth: Int
  public var destination: UnsafeMutablePointer<Float>
  /// Panels [firstPanel, endPanel) are written.
  public var firstPanel: Int
  public var endPanel: Int

  @inlinable @inline(__always) public init(
    source: UnsafePointer<Float>, sourceStride: Int, depth: Int,
    groups: Int, groupColumns: Int, groupWidth: Int, panelWidth: Int,
    destination: UnsafeMutablePointer<Float>, firstPanel: Int, endPanel: Int
  ) {
    self.source = source
    self.sourceStride = sourceStride
    self.depth = depth
    self.groups = groups
    self.groupColumns = groupColumns
    self.groupWidth = groupWidth
    self.panelWidth = panelWidth
    self.destination = destination
    self.firstPanel = firstPanel
    self.endPanel = endPanel
  }
}

/// Packs B[k][n] = source[n][k]: the weight [outputs, inputs] of a forward product. Row
/// g · groupColumns + j of the source becomes column g · groupWidth + j.
@_transparent
public func packTransposed(_ p: UnsafePointer<PackArguments>) {
  let depth = p.pointee.depth
  let groupWidth = p.pointee.groupWidth
  let columns = p.pointee.groups * groupWidth
  let panelWidth = p.pointee.panelWidth
  var panel = p.pointee.firstPanel
  while panel < p.pointee.endPanel {
    let column = panel * panelWidth
    let width = min(panelWidth, columns - column)
    let destination = p.pointee.destination + column * depth
    var sub = 0
    while sub < width {
      let group = (column + sub) / groupWidth
      let first = (column + sub) - group * groupWidth
      let valid = max(0, min(16, p.pointee.groupColumns - first))
      let row =
        p.pointee.source + (group * p.pointee.groupColumns + first) * p.pointee.sourceStride
      packSixteen(
        row, stride: p.pointee.sourceStride, valid: valid, depth: depth,
        to: destination + sub, width: width, isWide: panelWidth == 32)
      sub += 16
    }
    panel += 1
  }
}

/// Sixteen source rows, or as many as a narrower panel is wide, become adjacent columns; rows from
/// `valid` on are zeros.
///
/// With `isWide` by transposing squares in registers, which pays with 32 of 64 bytes only.
@_transparent
public func packSixteen(
  _ row: UnsafePointer<Float>, stride: Int, valid: Int, depth: Int,
  to destination: UnsafeMutablePointer<Float>, width: Int, isWide: Bool
) {
  var k = 0
  if valid == 16, isWide {
    while k + 16 <= depth {
      platform_transpose(row + k, stride, destination + k * width, width)
      k += 16
    }
  }
  // Panels of the narrowest instruction sets hold fewer columns.
  var sub = 0
  while sub < min(16, width) {
    packFour(
      row + sub * stride + k, stride: stride, valid: max(0, min(4, valid - sub)),
      depth: depth - k, to: destination + k * width + sub, width: width)
    sub += 4
  }
}

/// Four source rows become four adjacent columns of a panel; rows from `valid` on are zeros.
@_transparent
public func packFour(
  _ row: UnsafePointer<Float>, stride: Int, valid: Int, depth: Int,
  to destination: UnsafeMutablePointer<Float>, width: Int
) {
  var out = UnsafeMutableRawPointer(destination)
  let step = width * MemoryLayout<Float>.stride
  var k = 0
  if valid == 4 {
    while k < depth {
      let four = SIMD4<Float>(row[k], row[stride + k], row[2 * stride + k], row[3 * stride + k])
      out.storeBytes(of: four, as: SIMD4<Float>.self)
      out += step
      k += 1
    }
    return
  }
  while k < depth {
    var four = SIMD4<Float>()
    if valid > 0 { four[0] = row[k] }
    if valid > 1 { four[1] = row[stride + k] }
    if valid > 2 { four[2] = row[2 * stride + k] }
    out.storeBytes(of: four, as: SIMD4<Float>.self)
    out += step
    k += 1
  }
}

/// Packs B[k][n] = source[k][n]: the weight [outputs, inputs] of a backward product, whose k runs
/// over outputs. `groups` is 1; columns beyond `groupColumns` are zeros.
@_transparent
public func packRows(_ p: UnsafePointer<PackArguments>) {
  let depth = p.pointee.depth
  let columns = p.pointee.groupWidth
  let panelWidth = p.pointee.panelWidth
  var panel = p.pointee.firstPanel
  while panel < p.pointee.endPanel {
    let column = panel * panelWidth
    let width = min(panelWidth, columns - column)
    let valid = max(0, min(width, p.pointee.groupColumns - column))
    var out = p.pointee.destination + column * depth
    var row = p.pointee.source + column
    var k = 0
    while k < depth {
      var j = 0
      while j + 8 <= valid {
        let eight = UnsafeRawPointer(row + j).loadUnaligned(as: SIMD8<Float>.self)
        UnsafeMutableRawPointer(out + j).storeBytes(of: eight, as: SIMD8<Float>.self)
        j += 8
      }
      while j < valid {
        out[j] = row[j]
        j += 1
      }
      while j < width {
        out[j] = 0
        j += 1
      }
      out += width
      row += p.pointee.sourceStride
      k += 1
    }
    panel += 1
  }
}
