#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The LSTM in double precision.
struct LSTMReference: CellReference {
  /// `inner` is left holding tanh(c').
  func forward(_ row: inout ReferenceRow) {
    var sums = row.gates
    row.addRecurrent(gate: 0, row.previous[0], to: &sums)
    row.gates = sums
    row.normalize(0..<4)
    for gate in [0, 1, 3] { row[gate] = row[gate].map { 1 / (1 + exp(-$0)) } }
    row[2] = row[2].map { tanh($0) }
    let (i, f, g, o) = (row[0], row[1], row[2], row[3])
    let old = row.previous[1]
    let cell = old.indices.map { f[$0] * old[$0] + i[$0] * g[$0] }
    row.inner = cell.map { tanh($0) }
    row.next = [zip(o, row.inner).map { $0 * $1 }, cell]
  }

  /// With a the sums and dc = dc' + dh' ⊙ o ⊙ (1 − tanh² c'):
  /// ```
  /// da_i = dc ⊙ g ⊙ i (1 − i)
  /// da_f = dc ⊙ c ⊙ f (1 − f)
  /// da_g = dc ⊙ i ⊙ (1 − g²)
  /// da_o = dh' ⊙ tanh c' ⊙ o (1 − o)
  /// dh   = Uᵀ da,  the gradient of c is dc ⊙ f
  /// ```
  func backward(
    _ row: inout ReferenceRow, total: [[Double]], _ gradient: inout [Double]
  ) -> [[Double]] {
    let (i, f, g, o) = (row[0], row[1], row[2], row[3])
    let (shown, old) = (row.inner, row.previous[1])
    let places = 0..<row.hidden
    let inside = places.map {
      total[1][$0] + total[0][$0] * o[$0] * (1 - shown[$0] * shown[$0])
    }
    row[0] = places.map { inside[$0] * g[$0] * i[$0] * (1 - i[$0]) }
    row[1] = places.map { inside[$0] * old[$0] * f[$0] * (1 - f[$0]) }
    row[2] = places.map { inside[$0] * i[$0] * (1 - g[$0] * g[$0]) }
    row[3] = places.map { total[0][$0] * shown[$0] * o[$0] * (1 - o[$0]) }
    row.normalizeBackward(0..<4, &gradient)
    row.addRecurrentGradient(gate: 0, row.gates, row.previous[0], to: &gradient)
    var previous = [Double](repeating: 0, count: row.hidden)
    row.addRecurrentTransposed(gate: 0, row.gates, to: &previous)
    return [previous, places.map { inside[$0] * f[$0] }]
  }
}
