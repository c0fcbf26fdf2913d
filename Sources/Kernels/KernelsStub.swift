// Skeleton of the interface; bodies follow.
package enum InstructionSet: String, CaseIterable, Sendable {
  case portable, avx2, avx512
  package static var available: [InstructionSet] { fatalError() }
  package static func select(_ name: String) throws(InstructionSetError) -> InstructionSet { fatalError() }
}
package struct InstructionSetError: Error, CustomStringConvertible {
  package let description: String
}
package struct AdamScalars {
  package var learningRate, beta1, beta2, epsilon, biasCorrection1, biasCorrection2: Float
  package var decoupledDecay, coupledDecay, gradientDivisor, gradientScale: Float
  package init(learningRate: Float, beta1: Float, beta2: Float, epsilon: Float, biasCorrection1: Float, biasCorrection2: Float, decoupledDecay: Float, coupledDecay: Float, gradientDivisor: Float, gradientScale: Float) {
    fatalError()
  }
}
package struct MomentumScalars {
  package var learningRate, momentum, coupledDecay, gradientDivisor, gradientScale: Float
  package init(learningRate: Float, momentum: Float, coupledDecay: Float, gradientDivisor: Float, gradientScale: Float) { fatalError() }
}
package let canonicalBlock = 4096
package struct Kernels: Sendable {
  package let instructionSet: InstructionSet
  package init(_ set: InstructionSet) { fatalError() }
  package func add(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>, count: Int) { fatalError() }
  package func sumOfSquares(_ x: UnsafePointer<Float>, count: Int, blocks: UnsafeMutablePointer<Double>) { fatalError() }
  package func hashBlocks(_ x: UnsafePointer<Float>, count: Int, into: UnsafeMutablePointer<UInt64>) { fatalError() }
  package func adam(_ p: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, first: UnsafeMutablePointer<Float>, second: UnsafeMutablePointer<Float>, count: Int, _ s: AdamScalars) { fatalError() }
  package func momentum(_ p: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, velocity: UnsafeMutablePointer<Float>, count: Int, _ s: MomentumScalars) { fatalError() }
  /// FMA throughput of one core of this instruction set, in GFLOP/s.
  package func measurePeak(seconds: Double) -> Double { fatalError() }
}
package enum Fingerprint {
  /// 32 hexadecimal digits from two hashes per block.
  package static func combine(_ blockHashes: UnsafePointer<UInt64>, blockCount: Int, elementCount: Int) -> String { fatalError() }
}
package enum Elementary {
  package static func exp(_ x: Double) -> Double { fatalError() }
  package static func log(_ x: Double) -> Double { fatalError() }
  package static func cos(_ x: Double) -> Double { fatalError() }
  package static func power(_ x: Double, _ n: Int) -> Double { fatalError() }
}
package struct Philox: Sendable {
  package init(seed: UInt64, purpose: UInt64) { fatalError() }
  package func block(step: UInt32, stream: UInt32, layer: UInt32, element: UInt32) -> SIMD4<UInt32> { fatalError() }
}
