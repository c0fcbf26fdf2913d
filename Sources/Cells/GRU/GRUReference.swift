#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Both forms of the GRU in double precision.
struct GRUReference: CellReference {
  let resetsBefore: Bool

  /// Reset after leaves U_h h + c_h in `inner`.
  func forward(_ row: inout ReferenceRow) {
    let old = row.previous[0]
    var sums = row[0..<2]
    row.addRecurrent(gate: 0, old, to: &sums)
    row[0..<2] = sums
    row.normalize(0..<2)
    row[0..<2] = row[0..<2].map { 1 / (1 + exp(-$0)) }
    let (z, r) = (row[0], row[1])
    if resetsBefore {
      var product = [Double](repeating: 0, count: row.hidden)
      row.addRecurrent(gate: 2, zip(r, old).map { $0 * $1 }, to: &product)
      row[2] = zip(row[2], product).map { $0 + $1 }
    } else {
      var product = row.recurrentBias
      row.addRecurrent(gate: 2, old, to: &product)
      row[2] = zip(row[2], zip(r, product)).map { $0 + $1.0 * $1.1 }
      row.inner = product
    }
    row.normalize(2..<3)
    let n = row[2].map { tanh($0) }
    row[2] = n
    row.next = [n.indices.map { z[$0] * n[$0] + (1 - z[$0]) * old[$0] }]
  }

  /// With a the sums and s = U_h h + c_h:
  /// ```
  /// da_z = dh' ⊙ (n − h) ⊙ z (1 − z)
  /// da_n = dh' ⊙ z ⊙ (1 − n²)
  /// da_r = dr ⊙ r (1 − r),  dr = h ⊙ U_hᵀ da_n (reset before)  or  s ⊙ da_n (reset after)
  /// dh   = dh' ⊙ (1 − z) + U_zᵀ da_z + U_rᵀ da_r
  ///        + r ⊙ U_hᵀ da_n (reset before)  or  + U_hᵀ (r ⊙ da_n) (reset after)
  /// ```
  func backward(
    _ row: inout ReferenceRow, total: [[Double]], _ gradient: inout [Double]
  ) -> [[Double]] {
    let (old, total) = (row.previous[0], total[0])
    let (z, r, n) = (row[0], row[1], row[2])
    let places = 0..<row.hidden
    row[0] = places.map { total[$0] * (n[$0] - old[$0]) * z[$0] * (1 - z[$0]) }
    row[2] = places.map { total[$0] * z[$0] * (1 - n[$0] * n[$0]) }
    var previous = places.map { total[$0] * (1 - z[$0]) }
    row.normalizeBackward(2..<3, &gradient)
    let candidate = row[2]
    var reset: [Double]
    if resetsBefore {
      var kept = [Double](repeating: 0, count: row.hidden)
      row.addRecurrentGradient(
        gate: 2, candidate, zip(r, old).map { $0 * $1 }, to: &gradient)
      row.addRecurrentTransposed(gate: 2, candidate, to: &kept)
      reset = places.map { kept[$0] * old[$0] }
      for i in places { previous[i] += kept[i] * r[i] }
    } else {
      let gated = zip(candidate, r).map { $0 * $1 }
      row.addRecurrentGradient(gate: 2, gated, old, to: &gradient)
      row.addRecurrentTransposed(gate: 2, gated, to: &previous)
      row.addRecurrentBiasGradient(gated, to: &gradient)
      reset = places.map { candidate[$0] * row.inner[$0] }
    }
    row[1] = places.map { reset[$0] * r[$0] * (1 - r[$0]) }
    row.normalizeBackward(0..<2, &gradient)
    row.addRecurrentGradient(gate: 0, row[0..<2], old, to: &gradient)
    row.addRecurrentTransposed(gate: 0, row[0..<2], to: &previous)
    return [previous]
  }
}
