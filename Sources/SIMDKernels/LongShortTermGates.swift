// The elementwise work of an LSTM's time step. `gates` rows hold [i | f | g | o]; the second state
// vector is the cell state c, and `inner` holds tanh(c') of this step.

/// i = σ(i), f = σ(f), g = tanh(g), o = σ(o), c' = f ⊙ c + i ⊙ g, inner = tanh(c'),
/// next = o ⊙ inner.
@_transparent
public func longShortTermState(_ p: UnsafePointer<GateArguments>) {
  let columns = p.pointee.columns
  let width = p.pointee.gateWidth
  var row = 0
  while row < p.pointee.rows {
    let i = p.pointee.gates + row * p.pointee.gatesStride
    let f = i + width
    let g = f + width
    let o = g + width
    let state = row * p.pointee.stateStride
    let second = p.pointee.stateVectorStride + state
    var j = 0
    while j < columns {
      let input = sigmoid(loadLanes(i + j))
      storeLanes(input, i + j)
      let forget = sigmoid(loadLanes(f + j))
      storeLanes(forget, f + j)
      let candidate = hyperbolicTangent(loadLanes(g + j))
      storeLanes(candidate, g + j)
      let cell = multiplyAdd(
        forget, loadLanes(p.pointee.previous + second + j), input * candidate)
      storeLanes(cell, p.pointee.next + second + j)
      let shown = hyperbolicTangent(cell)
      storeLanes(shown, p.pointee.inner + state + j)
      let output = sigmoid(loadLanes(o + j))
      storeLanes(output, o + j)
      storeLanes(output * shown, p.pointee.next + state + j)
      j += 16
    }
    row += 1
  }
}

/// Backward, with dh = upper + carry and dc = carry of c + dh ⊙ o ⊙ (1 − inner²): do = dh ⊙ inner ⊙
/// o ⊙ (1 − o); di = dc ⊙ g ⊙ i ⊙ (1 − i); df = dc ⊙ c ⊙ f ⊙ (1 − f); dg = dc ⊙ i ⊙ (1 − g²), all
/// in place of the gates; carry of c = dc ⊙ f.
@_transparent
public func longShortTermBackward(_ p: UnsafePointer<GateArguments>) {
  let columns = p.pointee.columns
  let width = p.pointee.gateWidth
  let one = lanes(1)
  var row = 0
  while row < p.pointee.rows {
    let i = p.pointee.gates + row * p.pointee.gatesStride
    let f = i + width
    let g = f + width
    let o = g + width
    let state = row * p.pointee.stateStride
    let previous = p.pointee.previous + p.pointee.stateVectorStride + state
    let cellCarry = p.pointee.carry + p.pointee.carryVectorStride + state
    var j = 0
    while j < columns {
      let gradient =
        loadLanes(p.pointee.upper + state + j) + loadLanes(p.pointee.carry + state + j)
      let shown = loadLanes(p.pointee.inner + state + j)
      let output = loadLanes(o + j)
      storeLanes(gradient * shown * (output * (one - output)), o + j)
      let inside = multiplyAdd(
        gradient * output, multiplyAdd(-shown, shown, one), loadLanes(cellCarry + j))
      let input = loadLanes(i + j)
      let forget = loadLanes(f + j)
      let candidate = loadLanes(g + j)
      storeLanes(inside * candidate * (input * (one - input)), i + j)
      storeLanes(inside * loadLanes(previous + j) * (forget * (one - forget)), f + j)
      storeLanes(inside * input * multiplyAdd(-candidate, candidate, one), g + j)
      storeLanes(inside * forget, cellCarry + j)
      j += 16
    }
    row += 1
  }
}
