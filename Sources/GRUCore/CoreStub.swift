// Skeleton of the interface; bodies follow.
package import Kernels

package enum Initialization {
  package static func initialize(_ parameters: UnsafeMutablePointer<Float>, table: ParameterTable, shape: ModelShape, seed: UInt64) { fatalError() }
}
package final class PackedWeights {
  package init(shape: ModelShape, table: ParameterTable, kernels: Kernels) { fatalError() }
  package func repack(from parameters: UnsafePointer<Float>, part: Int, of parts: Int) { fatalError() }
}
package struct NonFiniteSite: Sendable { package var tensor: String; package var layer: Int; package var timeStep: Int; package var row: Int; package var value: Float }
package final class SequenceWorker {
  package init(shape: ModelShape, table: ParameterTable, kernels: Kernels, window: Int, plan: ShardPlan, worker: Int) { fatalError() }
  package let sequences: Range<Int>
  package let shards: Range<Int>
  package let nodeCount: Int
  package let inputs: UnsafeMutablePointer<Int32>
  package let targets: UnsafeMutablePointer<Int32>
  package let shardLosses: UnsafeMutablePointer<Double>
  package let shardTokens: UnsafeMutablePointer<Int>
  package func resetState() { fatalError() }
  package func readState(layer: Int, sequence: Int, into: UnsafeMutablePointer<Float>) { fatalError() }
  package func writeState(layer: Int, sequence: Int, from: UnsafePointer<Float>) { fatalError() }
  package func computeGradients(parameters: UnsafePointer<Float>, weights: PackedWeights, nodes: UnsafePointer<UnsafeMutablePointer<Float>>) { fatalError() }
  package func evaluate(parameters: UnsafePointer<Float>, weights: PackedWeights) { fatalError() }
  package func firstNonFinite() -> NonFiniteSite? { fatalError() }
  /// Bytes that an instance of these sizes allocates.
  package static func workspaceBytes(shape: ModelShape, window: Int, plan: ShardPlan, worker: Int) -> Int { fatalError() }
}
package final class Generator {
  package init(shape: ModelShape, table: ParameterTable, kernels: Kernels) { fatalError() }
  package func reset() { fatalError() }
  /// Logits [V], valid until the next call.
  package func step(token: Int32, parameters: UnsafePointer<Float>, weights: PackedWeights) -> UnsafePointer<Float> { fatalError() }
}
