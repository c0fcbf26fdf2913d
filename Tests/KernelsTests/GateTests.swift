import Foundation
import Kernels
import Testing

/// The fused gate functions against their equations in double precision.
@Suite struct GateTests {
  /// sigmoid and tanh are within 2 ulp, which is 4 roundings; what follows them adds at most 12.
  /// Backward, no expression rounds more than 10 times. Nothing cancels but where a scale says so.
  private static let roundings = 16.0

  /// Runs `function` on every instruction set and holds each element against `expected`, which
  /// changes an element in place and may enlarge the scale against which a field's error counts.
  private func check(
    _ function: GateFunction, gateCount: Int = 3, activated: Bool,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ expected: (_ element: inout GateElement, _ scale: inout GateElement) -> Void
  ) {
    let before = GateProblem(gateCount: gateCount, activated: activated, seed: 11)
    let all = onEveryInstructionSet("\(function)", sourceLocation: sourceLocation) { kernels in
      let problem = GateProblem(gateCount: gateCount, activated: activated, seed: 11)
      problem.run(function, kernels)
      return problem.allValues
    }
    let after = GateProblem(gateCount: gateCount, activated: activated, seed: 11)
    after.run(function, Kernels(.portable))
    #expect(firstDifference(after.allValues, all) == nil, sourceLocation: sourceLocation)
    #expect(firstDifference(after.gaps, before.gaps) == nil, sourceLocation: sourceLocation)
    #expect(after.guardsAreIntact, sourceLocation: sourceLocation)
    for row in 0..<GateProblem.rows {
      for column in 0..<GateProblem.columns {
        let old = before.element(row: row, column: column)
        let found = after.element(row: row, column: column)
        var exact = old
        var scale = GateElement()
        expected(&exact, &scale)
        for (name, path) in GateElement.fields {
          let size = max(exact[keyPath: path].magnitude, scale[keyPath: path])
          let close = isClose(
            Float(found[keyPath: path]), exact[keyPath: path], scale: size,
            roundings: exact[keyPath: path] == old[keyPath: path] ? 0 : Self.roundings)
          #expect(
            close,
            "\(name) of \(old): found \(found[keyPath: path]), not \(exact[keyPath: path])",
            sourceLocation: sourceLocation)
        }
      }
    }
  }

  private func sigmoid(_ x: Double) -> Double { 1 / (1 + Foundation.exp(-x)) }

  @Test func resetBeforeGates() {
    check(.resetBeforeGates, activated: false) { element, _ in
      element.z = sigmoid(element.z)
      element.r = sigmoid(element.r)
      element.inner = element.r * element.previous
    }
  }

  @Test func resetBeforeState() {
    // z is a sigmoid already; the pre-activation of h̃ may be any number.
    check(.resetBeforeState, activated: true) { element, scale in
      element.h = Foundation.tanh(element.h)
      element.next = element.previous + element.z * (element.h - element.previous)
      scale.next = element.previous.magnitude + element.h.magnitude
    }
  }

  @Test func resetAfterState() {
    check(.resetAfterState, activated: false) { element, scale in
      element.z = sigmoid(element.z)
      element.r = sigmoid(element.r)
      scale.h = element.h.magnitude + (element.r * element.inner).magnitude
      element.h = Foundation.tanh(element.h + element.r * element.inner)
      element.next = element.previous + element.z * (element.h - element.previous)
      scale.next = element.previous.magnitude + element.h.magnitude + scale.h
    }
  }

  @Test func recurrentState() {
    check(.recurrentState, gateCount: 1, activated: false) { element, _ in
      element.h = Foundation.tanh(element.h)
      element.next = element.h
    }
  }

  @Test func resetBeforeBackwardState() {
    check(.resetBeforeBackwardState, activated: true) { element, _ in
      let gradient = element.upper + element.carry
      let (z, h) = (element.z, element.h)
      element.h = gradient * z * (1 - h * h)
      element.z = gradient * (h - element.previous) * z * (1 - z)
      element.carry = gradient * (1 - z)
    }
  }

  @Test func resetBeforeBackwardGates() {
    check(.resetBeforeBackwardGates, activated: true) { element, scale in
      let (r, gradient) = (element.r, element.innerGradient)
      scale.carry = element.carry.magnitude + (gradient * r).magnitude
      element.carry += gradient * r
      element.r = gradient * element.previous * r * (1 - r)
      element.inner = r * element.previous
    }
  }

  @Test func resetAfterBackward() {
    check(.resetAfterBackward, activated: true) { element, _ in
      let gradient = element.upper + element.carry
      let (z, r, h) = (element.z, element.r, element.h)
      element.h = gradient * z * (1 - h * h)
      element.z = gradient * (h - element.previous) * z * (1 - z)
      element.r = element.h * element.inner * r * (1 - r)
      element.inner = element.h * r
      element.carry = gradient * (1 - z)
    }
  }

  @Test func recurrentBackward() {
    check(.recurrentBackward, gateCount: 1, activated: true) { element, _ in
      element.h = (element.upper + element.carry) * (1 - element.h * element.h)
    }
  }

  @Test func minimalState() {
    check(.minimalState, gateCount: 2, activated: false) { element, scale in
      element.z = sigmoid(element.z)
      element.next = element.previous + element.z * (element.h - element.previous)
      scale.next = element.previous.magnitude + element.h.magnitude
    }
  }

  @Test func minimalBackward() {
    check(.minimalBackward, gateCount: 2, activated: true) { element, _ in
      let gradient = element.upper + element.carry
      let (z, h) = (element.z, element.h)
      element.h = gradient * z
      element.z = gradient * (h - element.previous) * z * (1 - z)
      element.carry = gradient * (1 - z)
    }
  }

  @Test func longShortTermState() {
    check(.longShortTermState, gateCount: 4, activated: false) { element, scale in
      element.z = sigmoid(element.z)
      element.r = sigmoid(element.r)
      element.h = Foundation.tanh(element.h)
      element.o = sigmoid(element.o)
      let (kept, new) = (element.r * element.previousCell, element.z * element.h)
      element.nextCell = kept + new
      element.inner = Foundation.tanh(element.nextCell)
      element.next = element.o * element.inner
      scale.nextCell = kept.magnitude + new.magnitude
      scale.inner = scale.nextCell
      scale.next = element.o * scale.nextCell
    }
  }

  @Test func longShortTermBackward() {
    check(.longShortTermBackward, gateCount: 4, activated: true) { element, scale in
      let gradient = element.upper + element.carry
      let (i, f, g, o) = (element.z, element.r, element.h, element.o)
      let shown = element.inner
      let own = gradient * o * (1 - shown * shown)
      let inside = element.cellCarry + own
      let size = element.cellCarry.magnitude + own.magnitude
      element.o = gradient * shown * o * (1 - o)
      element.z = inside * g * i * (1 - i)
      element.r = inside * element.previousCell * f * (1 - f)
      element.h = inside * i * (1 - g * g)
      element.cellCarry = inside * f
      scale.z = size * (g * i * (1 - i)).magnitude
      scale.r = size * (element.previousCell * f * (1 - f)).magnitude
      scale.h = size * i * (1 - g * g)
      scale.cellCarry = size * f
    }
  }

  @Test func forwardAndBackwardAgreeOnADerivative() {
    // next depends on the pre-activation of h̃ by z (1 − h̃²), which backward must return.
    let forward = GateProblem(gateCount: 3, activated: false, seed: 5)
    let before = GateProblem(gateCount: 3, activated: false, seed: 5)
    forward.run(.resetBeforeGates, Kernels(.portable))
    forward.run(.resetBeforeState, Kernels(.portable))
    forward.run(.resetBeforeBackwardState, Kernels(.portable))
    for column in 0..<GateProblem.columns {
      let old = before.element(row: 1, column: column)
      func next(_ h: Double) -> Double {
        old.previous + sigmoid(old.z) * (Foundation.tanh(h) - old.previous)
      }
      let slope = (next(old.h + 1e-6) - next(old.h - 1e-6)) / 2e-6
      let found = forward.element(row: 1, column: column).h
      // Central differences in double precision are good to about 1e-10.
      #expect((found - (old.upper + old.carry) * slope).magnitude < 1e-6)
    }
  }
}
