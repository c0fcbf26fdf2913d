// The elementwise work of a minGRU's time step, which is all of it: one step of the scan over the
// window. `gates` rows hold [z | h̃].

/// z = σ(z), next = previous + z ⊙ (h̃ − previous).
@_transparent
public func minimalState(_ p: UnsafePointer<GateArguments>) {
  let columns = p.pointee.columns
  let width = p.pointee.gateWidth
  var row = 0
  while row < p.pointee.rows {
    let z = p.pointee.gates + row * p.pointee.gatesStride
    let h = z + width
    let state = row * p.pointee.stateStride
    var j = 0
    while j < columns {
      let update = sigmoid(loadLanes(z + j))
      storeLanes(update, z + j)
      let previous = loadLanes(p.pointee.previous + state + j)
      storeLanes(
        multiplyAdd(update, loadLanes(h + j) - previous, previous), p.pointee.next + state + j)
      j += 16
    }
    row += 1
  }
}

/// Backward, with dh = upper + carry: dz = dh ⊙ (h̃ − previous) ⊙ z ⊙ (1 − z); dh̃ = dh ⊙ z, both
/// in place of the gates; carry = dh ⊙ (1 − z).
@_transparent
public func minimalBackward(_ p: UnsafePointer<GateArguments>) {
  let columns = p.pointee.columns
  let width = p.pointee.gateWidth
  let one = lanes(1)
  var row = 0
  while row < p.pointee.rows {
    let z = p.pointee.gates + row * p.pointee.gatesStride
    let h = z + width
    let state = row * p.pointee.stateStride
    var j = 0
    while j < columns {
      let carry = p.pointee.carry + state + j
      let gradient = loadLanes(p.pointee.upper + state + j) + loadLanes(carry)
      let update = loadLanes(z + j)
      let keep = one - update
      let ahead = loadLanes(h + j) - loadLanes(p.pointee.previous + state + j)
      storeLanes(gradient * update, h + j)
      storeLanes(gradient * ahead * (update * keep), z + j)
      storeLanes(gradient * keep, carry)
      j += 16
    }
    row += 1
  }
}
