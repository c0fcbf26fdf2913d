package import Checkpoints
package import GRUCore
import Kernels

/// The tensors of a checkpoint and where they lie in memory, in the order of the files.
package struct TrainingTensors {
  @safe package struct Tensor {
    package var name: String
    package var shape: [Int]
    package var floats: UnsafeMutablePointer<Float>

    package var source: TensorSource {
      unsafe TensorSource(name: name, shape: shape, floats: floats)
    }

    package func read(from file: borrowing SafetensorsReader) throws(CheckpointError) {
      let count = shape.reduce(1, *)
      let values = unsafe UnsafeMutableBufferPointer(start: floats, count: count)
      try unsafe file.read(name, shape: shape, into: UnsafeMutableRawBufferPointer(values))
      if let place = unsafe values.firstIndex(where: { !$0.isFinite }) {
        throw .damaged(
          path: file.path, reason: unsafe "tensor '\(name)', element \(place) is \(values[place])")
      }
    }
  }

  package var model: [Tensor]
  /// Moments, named "first_moment.output.weight", and state vectors, "hidden.0" [B, H]; what
  /// each group of shards has of its own: what rounding left out of its gradients,
  /// "residual.0.output.weight", or the moments of local updates, "first_moment.0.output.weight".
  package var optimizer: [Tensor]

  init(
    replica: Replica, momentNames: [String], parameters: UnsafeMutablePointer<Float>,
    moments: UnsafeMutablePointer<Float>, hidden: UnsafeMutablePointer<Float>,
    groupArenas: UnsafeMutablePointer<Float>, groupArenaNames: [String], groups: Int
  ) {
    let table = replica.table
    model = unsafe Self.parameters(of: table, at: parameters)
    optimizer = momentNames.enumerated().flatMap { index, moment in
      table.parameters.map {
        unsafe Tensor(
          name: "\(moment).\($0.name)", shape: $0.shape,
          floats: unsafe moments + index * table.elementCount + $0.offset)
      }
    }
    let shape = [replica.plan.sequences, replica.shape.hiddenSize]
    for (vector, name) in replica.shape.carriedVectorNames.enumerated() {
      unsafe optimizer.append(
        Tensor(name: name, shape: shape, floats: hidden + vector * shape[0] * shape[1]))
    }
    for group in 0..<groups {
      for (index, name) in groupArenaNames.enumerated() {
        let arena =
          unsafe groupArenas + (group * groupArenaNames.count + index) * table.elementCount
        optimizer += table.parameters.map {
          unsafe Tensor(
            name: "\(name).\(group).\($0.name)", shape: $0.shape, floats: unsafe arena + $0.offset)
        }
      }
    }
  }

  /// The parameters of an arena.
  package static func parameters(
    of table: ParameterTable, at arena: UnsafeMutablePointer<Float>
  ) -> [Tensor] {
    table.parameters.map {
      unsafe Tensor(name: $0.name, shape: $0.shape, floats: arena + $0.offset)
    }
  }

  /// - Parameter hasAverage: whether the checkpoint holds a mean of the parameters; where it does
  ///   not, one that is kept from now on begins with the parameters after the next step.
  package func read(
    from checkpoint: Checkpoint, hasAverage: Bool = true
  ) throws(CheckpointError) {
    let modelFile = try checkpoint.tensors(in: Checkpoint.modelFile)
    for tensor in model { try tensor.read(from: modelFile) }
    let optimizerFile = try checkpoint.tensors(in: Checkpoint.optimizerFile)
    let average = "\(UpdateRule.averageName)."
    for tensor in optimizer where hasAverage || !tensor.name.hasPrefix(average) {
      try tensor.read(from: optimizerFile)
    }
  }
}
