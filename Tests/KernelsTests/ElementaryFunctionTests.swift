import Foundation
import Kernels
import Testing

/// exp, sigmoid and tanh against double precision, over a sample of all floats.
@Suite struct ElementaryFunctionTests {
  typealias Function = Kernels.ElementaryFunction

  static let functions: [Function] = [.exp, .sigmoid, .tanh]

  /// The bounds of the numeric contract, in units of the last place.
  static func bound(_ function: Function) -> Double { function == .exp ? 1 : 2 }

  static func exact(_ function: Function, _ x: Float) -> Double {
    switch function {
    case .exp: Foundation.exp(Double(x))
    case .sigmoid: 1 / (1 + Foundation.exp(-Double(x)))
    case .tanh: Foundation.tanh(Double(x))
    }
  }

  /// `function` of every element of `x`, whose count is a multiple of 16.
  private func apply(_ function: Function, _ x: [Float], _ kernels: Kernels) -> [Float] {
    [Float](unsafeUninitializedCapacity: x.count) { buffer, count in
      kernels.elementary(function, x, buffer.baseAddress!, count: x.count)
      count = x.count
    }
  }

  /// Expects equal bits on all instruction sets and the bound to hold; returns the largest error.
  private func checkErrors(_ function: Function, _ x: [Float]) -> (ulps: Double, at: Float) {
    let found = onEveryInstructionSet("\(function)") { apply(function, x, $0) }
    var worst = (ulps: 0.0, at: Float.zero)
    for (x, y) in zip(x, found) {
      let error = ulps(y, from: Self.exact(function, x))
      if error > worst.ulps { worst = (error, x) }
    }
    return worst
  }

  @Test(arguments: functions) func boundHoldsOverAllExponents(function: Function) {
    // A prime stride meets every exponent in every phase.
    let stride: UInt64 = 1031
    var pattern: UInt64 = 0
    var worst = (ulps: 0.0, at: Float.zero)
    while pattern < 1 << 32 {
      let chunk = (0..<65_536).map { i in
        Float(bitPattern: UInt32(truncatingIfNeeded: pattern + UInt64(i) * stride))
      }
      pattern += 65_536 * stride
      let found = checkErrors(function, chunk)
      if found.ulps > worst.ulps { worst = found }
    }
    #expect(worst.ulps <= Self.bound(function), "at \(worst.at)")
  }

  @Test(arguments: functions) func boundHoldsWhereBranchesMeet(function: Function) {
    let centres: [Float] = [0, 0.625, 1, 0.34657, 9.01, 17.33, 44, 87.33, 88.7228, 89, 103.97, 106]
    for centre in centres {
      // Neighbours one by one, then ever wider steps to both sides.
      var x: [Float] = []
      for step in 0..<4096 {
        let near = Float(bitPattern: centre.bitPattern &+ UInt32(step))
        let far = Float(bitPattern: centre.bitPattern &- UInt32(centre == 0 ? 0 : step))
        let wide = centre + Float(step) * 0x1p-11
        x += [near, far, wide, centre - Float(step) * 0x1p-11]
      }
      let worst = checkErrors(function, x + x.map { -$0 })
      #expect(worst.ulps <= Self.bound(function), "at \(worst.at)")
    }
  }

  @Test func specialValues() {
    let tiny = Float.leastNonzeroMagnitude
    let x: [Float] = [
      0, -0.0, .infinity, -.infinity, .nan, tiny, -tiny, .leastNormalMagnitude,
      -.leastNormalMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 88.722_84,
      -103.98, -110, 20, -20,
    ]
    let top = Float.infinity
    let exp = onEveryInstructionSet { apply(.exp, x, $0) }
    let few: [Float] = [1, 1, top, 0, .nan, 1, 1, 1, 1, top, 0, top, 0, 0]
    #expect(firstDifference(Array(exp[..<14]), few) == nil)
    let sigmoid = onEveryInstructionSet { apply(.sigmoid, x, $0) }
    #expect(
      firstDifference(
        Array(sigmoid[..<11]), [0.5, 0.5, 1, 0, .nan, 0.5, 0.5, 0.5, 0.5, 1, 0]) == nil)
    let tanh = onEveryInstructionSet { apply(.tanh, x, $0) }
    let ends: [Float] = [
      0, -0.0, 1, -1, .nan, tiny, -tiny, .leastNormalMagnitude, -.leastNormalMagnitude, 1, -1, 1,
      -1, -1, 1, -1,
    ]
    #expect(firstDifference(tanh, ends) == nil)
  }

  @Test func hyperbolicTangentIsOddAndBothStayInRange() {
    var random = SeededRandom(7)
    let x = random.floats(4096, in: 0...12) + random.floats(4096, in: 0...0.7)
    let positive = apply(.tanh, x, Kernels(.portable))
    let negative = apply(.tanh, x.map { -$0 }, Kernels(.portable))
    #expect(firstDifference(negative, positive.map { -$0 }) == nil)
    #expect(positive.allSatisfy { $0 >= 0 && $0 <= 1 })
    let sigmoid = apply(.sigmoid, x.map { $0 * 20 - 120 }, Kernels(.portable))
    #expect(sigmoid.allSatisfy { $0 >= 0 && $0 <= 1 })
  }
}
