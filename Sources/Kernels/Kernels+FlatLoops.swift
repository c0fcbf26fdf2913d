import CPlatform
package import SIMDKernels

/// Loops over long arrays, updates of parameters, and measurements.
extension Kernels {
  /// c = a + b over `count` elements; c may be a or b.
  package func add(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    precondition(count >= 0, "count \(count) < 0")
    table.pointee.add(a, b, c, count)
  }

  /// c = a − b; c may be a or b.
  package func subtract(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    precondition(count >= 0, "count \(count) < 0")
    table.pointee.subtract(a, b, c, count)
  }

  /// Sum of squares of each 4,096-element block of `x`, the last of which may be short.
  package func sumOfSquares(
    _ x: UnsafePointer<Float>, count: Int, blocks: UnsafeMutablePointer<Double>
  ) {
    precondition(count >= 0, "count \(count) < 0")
    table.pointee.blockSquares(x, count, blocks)
  }

  /// Two 64-bit hashes of each 4,096-element block of `x`.
  package func hashBlocks(
    _ x: UnsafePointer<Float>, count: Int, into hashes: UnsafeMutablePointer<UInt64>
  ) {
    precondition(count >= 0, "count \(count) < 0")
    table.pointee.blockHashes(x, count, hashes)
  }

  /// One Adam or AdamW step over `count` elements.
  package func adam(
    _ parameters: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>,
    first: UnsafeMutablePointer<Float>, second: UnsafeMutablePointer<Float>, count: Int,
    _ scalars: AdamScalars
  ) {
    precondition(count >= 0, "count \(count) < 0")
    withUnsafePointer(to: scalars) {
      table.pointee.adam(parameters, gradient, first, second, count, UnsafeRawPointer($0))
    }
  }

  /// One step of SGD with momentum over `count` elements.
  package func momentum(
    _ parameters: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>,
    velocity: UnsafeMutablePointer<Float>, count: Int, _ scalars: MomentumScalars
  ) {
    precondition(count >= 0, "count \(count) < 0")
    withUnsafePointer(to: scalars) {
      table.pointee.momentum(parameters, gradient, velocity, count, UnsafeRawPointer($0))
    }
  }

  /// One step of SGD with Nesterov's momentum over `count` elements.
  package func nesterov(
    _ parameters: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>,
    velocity: UnsafeMutablePointer<Float>, count: Int, _ scalars: MomentumScalars
  ) {
    precondition(count >= 0, "count \(count) < 0")
    withUnsafePointer(to: scalars) {
      table.pointee.nesterov(parameters, gradient, velocity, count, UnsafeRawPointer($0))
    }
  }

  /// One step of RMSprop or Adagrad over `count` elements.
  package func rootStep(
    _ parameters: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>,
    squares: UnsafeMutablePointer<Float>, count: Int, _ scalars: RootScalars
  ) {
    precondition(count >= 0, "count \(count) < 0")
    withUnsafePointer(to: scalars) {
      table.pointee.rootStep(parameters, gradient, squares, count, UnsafeRawPointer($0))
    }
  }

  /// Draws a running mean of parameters nearer to them.
  package func average(
    _ average: UnsafeMutablePointer<Float>, of parameters: UnsafePointer<Float>, count: Int,
    weight: Float
  ) {
    precondition(count >= 0, "count \(count) < 0")
    table.pointee.average(average, parameters, count, weight)
  }

  /// An elementary function over an array.
  package enum ElementaryFunction: Int, Sendable { case exp, sigmoid, tanh }

  /// y = function(x); `count` must be a multiple of 16.
  package func elementary(
    _ function: ElementaryFunction, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    precondition(count % 16 == 0, "count \(count) % 16 != 0")
    table.pointee.elementary(function.rawValue, x, y, count)
  }

  /// Loads `count` floats, a multiple of 16, as fast as a core can; returns their sum in no order
  /// that is promised.
  package func readArray(_ x: UnsafePointer<Float>, count: Int) -> Float {
    precondition(count % 16 == 0, "count \(count) % 16 != 0")
    return table.pointee.readArray(x, count)
  }

  /// The FMA throughput of one core of this machine with these instructions, in GFLOP/s: the best
  /// of several rounds of twelve independent register chains, taking about `seconds`.
  package func measurePeak(seconds: Double) -> Double {
    let clock = ContinuousClock()
    var iterations = 1000
    var best = 0.0
    var spent = 0.0
    while spent < seconds {
      let start = clock.now
      let value = table.pointee.multiplyAddChains(iterations)
      let elapsed = (clock.now - start) / .seconds(1)
      precondition(value == value, "the chains diverged")
      spent += elapsed
      // A dot product of pairs is two multiply-adds.
      let perLane = precision == .bf16 && !emulatesPairs ? 4 : 2
      let flops = Double(iterations * 12 * perLane * vectorWidth)
      if elapsed > 0 { best = max(best, flops / elapsed / 1e9) }
      if elapsed < 0.01 { iterations *= 2 }
    }
    return best
  }
}
