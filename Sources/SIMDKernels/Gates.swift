/// Operands of one time step's elementwise work, [rows, columns] each; `columns` is a multiple of
/// 16.
///
/// `gates` rows hold the cell's gates side by side, each `gateWidth` wide, `gatesStride` apart:
/// [z | r | h̃] of a GRU, [h̃] of an RNN, [i | f | g | o] of an LSTM, [z | h̃] of a minGRU. Which of
/// the other operands a function reads or writes is said there.
@frozen public struct GateArguments {
  public var rows: Int
  public var columns: Int
  /// Columns from one gate to the next: all of a gate, where `columns` may be a part.
  public var gateWidth: Int
  public var gates: UnsafeMutablePointer<Float>
  public var gatesStride: Int
  /// The state vectors of the step before; rows `stateStride` apart, as all that follow.
  public var previous: UnsafePointer<Float>
  public var stateStride: Int
  /// The state vectors of this step.
  public var next: UnsafeMutablePointer<Float>
  /// What the step leaves for a product of its own, and its backward pass anew: r ⊙ h
  /// (reset-before). What it leaves for its backward pass: U_h h + c_h, later its gradient
  /// (reset-after); tanh(c') (LSTM).
  public var inner: UnsafeMutablePointer<Float>
  /// Gradient from the layer above at this step.
  public var upper: UnsafePointer<Float>
  /// Gradient of each state vector from the step after, and the part of it that goes on to the step
  /// before.
  public var carry: UnsafeMutablePointer<Float>
  /// d(r ⊙ h) (reset-before).
  public var innerGradient: UnsafeMutablePointer<Float>
  /// From one state vector of a cell with several to the next: of `previous` and `next`, and of
  /// `carry`.
  public var stateVectorStride: Int
  public var carryVectorStride: Int

  @inlinable @inline(__always) public init(
    rows: Int, columns: Int, gates: UnsafeMutablePointer<Float>, gatesStride: Int,
    previous: UnsafePointer<Float>, stateStride: Int, next: UnsafeMutablePointer<Float>,
    inner: UnsafeMutablePointer<Float>, upper: UnsafePointer<Float>,
    carry: UnsafeMutablePointer<Float>, innerGradient: UnsafeMutablePointer<Float>,
    stateVectorStride: Int = 0, carryVectorStride: Int = 0
  ) {
    self.rows = rows
    self.columns = columns
    gateWidth = columns
    self.gates = gates
    self.gatesStride = gatesStride
    self.previous = previous
    self.stateStride = stateStride
    self.next = next
    self.inner = inner
    self.upper = upper
    self.carry = carry
    self.innerGradient = innerGradient
    self.stateVectorStride = stateVectorStride
    self.carryVectorStride = carryVectorStride
  }
}

/// Reset-before, first half: z = σ(z), r = σ(r), inner = r ⊙ previous.
@_transparent
public func resetBeforeGates(_ p: UnsafePointer<GateArguments>) {
  let columns = p.pointee.columns
  let width = p.pointee.gateWidth
  var row = 0
  while row < p.pointee.rows {
    let z = p.pointee.gates + row * p.pointee.gatesStride
    let r = z + width
    let state = row * p.pointee.stateStride
    var j = 0
    while j < columns {
      storeLanes(sigmoid(loadLanes(z + j)), z + j)
      let reset = sigmoid(loadLanes(r + j))
      storeLanes(reset, r + j)
      storeLanes(reset * loadLanes(p.pointee.previous + state + j), p.pointee.inner + state + j)
      j += 16
    }
    row += 1
  }
}

/// Reset-before, second half: h̃ = tanh(h̃), next = previous + z ⊙ (h̃ − previous).
@_transparent
public func resetBeforeState(_ p: UnsafePointer<GateArguments>) {
  let columns = p.pointee.columns
  let width = p.pointee.gateWidth
  var row = 0
  while row < p.pointee.rows {
    let z = p.pointee.gates + row * p.pointee.gatesStride
    let h = z + 2 * width
    let state = row * p.pointee.stateStride
    var j = 0
    while j < columns {
      let candidate = hyperbolicTangent(loadLanes(h + j))
      storeLanes(candidate, h + j)
      let previous = loadLanes(p.pointee.previous + state + j)
      storeLanes(
        multiplyAdd(loadLanes(z + j), candidate - previous, previous),
        p.pointee.next + state + j)
      j += 16
    }
    row += 1
  }
}

/// Reset-after, all of it: z = σ(z), r = σ(r), h̃ = tanh(h̃ + r ⊙ inner),
/// next = previous + z ⊙ (h̃ − previous).
@_transparent
public func resetAfterState(_ p: UnsafePointer<GateArguments>) {
  let columns = p.pointee.columns
  let width = p.pointee.gateWidth
  var row = 0
  while row < p.pointee.rows {
    let z = p.pointee.gates + row * p.pointee.gatesStride
    let r = z + width
    let h = r + width
    let state = row * p.pointee.stateStride
    var j = 0
    while j < columns {
      let update = sigmoid(loadLanes(z + j))
      storeLanes(update, z + j)
      let reset = sigmoid(loadLanes(r + j))
      storeLanes(reset, r + j)
      let inner = loadLanes(p.pointee.inner + state + j)
      let candidate = hyperbolicTangent(multiplyAdd(reset, inner, loadLanes(h + j)))
      storeLanes(candidate, h + j)
      let previous = loadLanes(p.pointee.previous + state + j)
      storeLanes(
        multiplyAdd(update, candidate - previous, previous), p.pointee.next + state + j)
      j += 16
    }
    row += 1
  }
}

/// RNN: next = h̃ = tanh(h̃).
@_transparent
public func recurrentState(_ p: UnsafePointer<GateArguments>) {
  var row = 0
  while row < p.pointee.rows {
    let h = p.pointee.gates + row * p.pointee.gatesStride
    let next = p.pointee.next + row * p.pointee.stateStride
    var j = 0
    while j < p.pointee.columns {
      let value = hyperbolicTangent(loadLanes(h + j))
      storeLanes(value, h + j)
      storeLanes(value, next + j)
      j += 16
    }
    row += 1
  }
}

/// Reset-before, backward, before the product with U_h. With dh = upper + carry:
/// dz = dh ⊙ (h̃ − previous) ⊙ z ⊙ (1 − z); dh̃ = dh ⊙ z ⊙ (1 − h̃²), both in place of the gates;
/// carry = dh ⊙ (1 − z).
@_transparent
public func resetBeforeBackwardState(_ p: UnsafePointer<GateArguments>) {
  let columns = p.pointee.columns
  let width = p.pointee.gateWidth
  let one = lanes(1)
  var row = 0
  while row < p.pointee.rows {
    let z = p.pointee.gates + row * p.pointee.gatesStride
    let h = z + 2 * width
    let state = row * p.pointee.stateStride
    var j = 0
    while j < columns {
      let carry = p.pointee.carry + state + j
      let gradient = loadLanes(p.pointee.upper + state + j) + loadLanes(carry)
      let update = loadLanes(z + j)
      let candidate = loadLanes(h + j)
      let keep = one - update
      let previous = loadLanes(p.pointee.previous + state + j)
      let slope = multiplyAdd(-candidate, candidate, one)
      storeLanes(gradient * update * slope, h + j)
      storeLanes(gradient * (candidate - previous) * (update * keep), z + j)
      storeLanes(gradient * keep, carry)
      j += 16
    }
    row += 1
  }
}

/// Reset-before, backward, after the product with U_h left d(r ⊙ h) in `innerGradient`:
/// dr = d(r ⊙ h) ⊙ previous ⊙ r ⊙ (1 − r) in place of r; carry += d(r ⊙ h) ⊙ r; and once more
/// inner = r ⊙ previous, which the gradient of U_h multiplies.
@_transparent
public func resetBeforeBackwardGates(_ p: UnsafePointer<GateArguments>) {
  let columns = p.pointee.columns
  let width = p.pointee.gateWidth
  let one = lanes(1)
  var row = 0
  while row < p.pointee.rows {
    let r = p.pointee.gates + row * p.pointee.gatesStride + width
    let state = row * p.pointee.stateStride
    var j = 0
    while j < columns {
      let carry = p.pointee.carry + state + j
      let gradient = loadLanes(p.pointee.innerGradient + state + j)
      let reset = loadLanes(r + j)
      let previous = loadLanes(p.pointee.previous + state + j)
      storeLanes(multiplyAdd(gradient, reset, loadLanes(carry)), carry)
      storeLanes(gradient * previous * (reset * (one - reset)), r + j)
      storeLanes(reset * previous, p.pointee.inner + state + j)
      j += 16
    }
    row += 1
  }
}

/// Reset-after, backward. With dh = upper + carry and inner = U_h h + c_h:
/// dz as in reset-before; dh̃ = dh ⊙ z ⊙ (1 − h̃²); dr = dh̃ ⊙ inner ⊙ r ⊙ (1 − r);
/// inner becomes dh̃ ⊙ r; carry = dh ⊙ (1 − z).
@_transparent
public func resetAfterBackward(_ p: UnsafePointer<GateArguments>) {
  let columns = p.pointee.columns
  let width = p.pointee.gateWidth
  let one = lanes(1)
  var row = 0
  while row < p.pointee.rows {
    let z = p.pointee.gates + row * p.pointee.gatesStride
    let r = z + width
    let h = r + width
    let state = row * p.pointee.stateStride
    var j = 0
    while j < columns {
      let carry = p.pointee.carry + state + j
      let inner = p.pointee.inner + state + j
      let gradient = loadLanes(p.pointee.upper + state + j) + loadLanes(carry)
      let update = loadLanes(z + j)
      let reset = loadLanes(r + j)
      let candidate = loadLanes(h + j)
      let keep = one - update
      let previous = loadLanes(p.pointee.previous + state + j)
      let inside = gradient * update * multiplyAdd(-candidate, candidate, one)
      storeLanes(inside, h + j)
      storeLanes(gradient * (candidate - previous) * (update * keep), z + j)
      storeLanes(inside * loadLanes(inner) * (reset * (one - reset)), r + j)
      storeLanes(inside * reset, inner)
      storeLanes(gradient * keep, carry)
      j += 16
    }
    row += 1
  }
}

/// RNN, backward: dh̃ = (upper + carry) ⊙ (1 − h̃²), in place of h̃.
@_transparent
public func recurrentBackward(_ p: UnsafePointer<GateArguments>) {
  let one = lanes(1)
  var row = 0
  while row < p.pointee.rows {
    let h = p.pointee.gates + row * p.pointee.gatesStride
    let state = row * p.pointee.stateStride
    var j = 0
    while j < p.pointee.columns {
      let gradient =
        loadLanes(p.pointee.upper + state + j) + loadLanes(p.pointee.carry + state + j)
      let value = loadLanes(h + j)
      storeLanes(gradient * multiplyAdd(-value, value, one), h + j)
      j += 16
    }
    row += 1
  }
}
