import Kernels

/// The numbers of one element of a time step in double precision; also a field of errors or scales.
struct GateElement {
  var z = 0.0
  var r = 0.0
  var h = 0.0
  var previous = 0.0
  var next = 0.0
  var inner = 0.0
  var upper = 0.0
  var carry = 0.0
  var innerGradient = 0.0
  /// The last of four gates, and what belongs to a second state vector.
  var o = 0.0
  var previousCell = 0.0
  var nextCell = 0.0
  var cellCarry = 0.0

  static var fields: [(name: String, path: KeyPath<GateElement, Double>)] {
    [
      ("z", \.z), ("r", \.r), ("h", \.h), ("previous", \.previous), ("next", \.next),
      ("inner", \.inner), ("upper", \.upper), ("carry", \.carry),
      ("innerGradient", \.innerGradient), ("o", \.o), ("previousCell", \.previousCell),
      ("nextCell", \.nextCell), ("cellCarry", \.cellCarry),
    ]
  }
}

/// The operands of one time step, filled with seeded values.
final class GateProblem {
  static let rows = 3
  static let columns = 48

  /// Rows hold [z | r | h̃], [i | f | g | o], [z | h̃], or h̃ alone. The first two gates of four
  /// are an element's z and r, and the third its h.
  let gateCount: Int
  /// The gate that lies in [−1, 1].
  private let candidateGate: Int
  let gates: GuardedFloats
  let previous: GuardedFloats
  let next: GuardedFloats
  let inner: GuardedFloats
  let upper: GuardedFloats
  let carry: GuardedFloats
  let innerGradient: GuardedFloats

  private let gatesStride: Int
  private let stateStride = columns + 3

  /// - Parameters:
  ///   - gateCount: 3, 1 for an RNN, 4 for an LSTM, 2 for a minGRU.
  ///   - activated: whether the gates are already activations, as in the backward direction.
  init(gateCount: Int, activated: Bool, seed: UInt64) {
    var random = SeededRandom(seed)
    self.gateCount = gateCount
    gatesStride = gateCount * Self.columns + 5
    candidateGate = min(gateCount - 1, 2)
    var gates = random.floats(Self.rows * gatesStride, in: activated ? 0...1 : -6...6)
    let extremes: [Float] = activated ? [0, 1, 0x1p-30, 1] : [100, -100, 30, -30]
    for row in 0..<Self.rows {
      for gate in 0..<gateCount {
        let first = row * gatesStride + gate * Self.columns
        for (i, value) in extremes.enumerated() { gates[first + row + i] = value }
        if activated, gate == candidateGate {
          // h̃ lies in [−1, 1], not [0, 1].
          for j in 0..<Self.columns where j % 2 == 0 { gates[first + j] *= -1 }
        }
      }
    }
    self.gates = GuardedFloats(gates)
    let states = (0..<6).map { _ in random.floats(Self.rows * (Self.columns + 3)) }
    // A second state vector follows the first.
    let seconds = (0..<3).map { _ in random.floats(Self.rows * (Self.columns + 3)) }
    previous = GuardedFloats(states[0] + seconds[0])
    next = GuardedFloats(states[1] + seconds[1])
    inner = GuardedFloats(states[2])
    upper = GuardedFloats(states[3])
    carry = GuardedFloats(states[4] + seconds[2])
    innerGradient = GuardedFloats(states[5])
  }

  func run(_ function: GateFunction, _ kernels: Kernels) {
    kernels.gates(
      function,
      GateArguments(
        rows: Self.rows, columns: Self.columns, gates: gates.pointer, gatesStride: gatesStride,
        previous: previous.pointer, stateStride: stateStride, next: next.pointer,
        inner: inner.pointer, upper: upper.pointer, carry: carry.pointer,
        innerGradient: innerGradient.pointer, stateVectorStride: Self.rows * stateStride,
        carryVectorStride: Self.rows * stateStride))
  }

  private var buffers: [GuardedFloats] {
    [gates, previous, next, inner, upper, carry, innerGradient]
  }

  var guardsAreIntact: Bool { buffers.allSatisfy(\.guardsAreIntact) }

  /// All floats of all operands, gaps between rows included.
  var allValues: [Float] { buffers.flatMap(\.values) }

  /// The floats between rows.
  var gaps: [Float] {
    (0..<Self.rows).flatMap { row in
      let end = row * gatesStride + gateCount * Self.columns
      return (end..<(row + 1) * gatesStride).map { gates.pointer[$0] }
        + buffers.dropFirst().flatMap { buffer in
          stride(from: row, to: buffer.count / stateStride, by: Self.rows).flatMap { row in
            let end = row * stateStride + Self.columns
            return (end..<(row + 1) * stateStride).map { buffer.pointer[$0] }
          }
        }
    }
  }

  func element(row: Int, column: Int) -> GateElement {
    let gate = row * gatesStride + column
    let state = row * stateStride + column
    let second = Self.rows * stateStride + state
    func value(ofGate index: Int) -> Double {
      Double(gates.pointer[gate + index * Self.columns])
    }
    return GateElement(
      z: gateCount >= 2 ? value(ofGate: 0) : 0,
      r: gateCount >= 3 ? value(ofGate: 1) : 0,
      h: value(ofGate: candidateGate),
      previous: Double(previous.pointer[state]), next: Double(next.pointer[state]),
      inner: Double(inner.pointer[state]), upper: Double(upper.pointer[state]),
      carry: Double(carry.pointer[state]), innerGradient: Double(innerGradient.pointer[state]),
      o: gateCount == 4 ? value(ofGate: 3) : 0,
      previousCell: Double(previous.pointer[second]), nextCell: Double(next.pointer[second]),
      cellCarry: Double(carry.pointer[second]))
  }
}
