import Cells
import Kernels

/// The first values of all parameters, a pure function of shape and seed.
///
/// Embedding: uniform of unit variance. Input weights: uniform on ±√(6 / (I + H)) (Glorot and
/// Bengio, 2010). Recurrent weights: each H × H block orthogonal, as a product of random plane
/// rotations. Output weights, and a table tied to them: uniform on ±1/√(D H); matrices of an
/// adaptive softmax by the columns they have instead of D H. Biases and states: 0, but for the bias
/// of one gate where the shape gives another value. Gains: 1.
package enum Initialization {
  package static func initialize(
    _ parameters: UnsafeMutablePointer<Float>, table: ParameterTable, shape: ModelShape,
    seed: UInt64
  ) {
    let random = Philox(seed: seed, purpose: .initialization)
    parameters.update(repeating: 0, count: table.elementCount)
    let hidden = shape.hiddenSize
    var tensor: UInt32 = 0
    func uniform(_ name: String, _ bound: Double) {
      random.fillUniform(
        parameters + table[name].offset, count: table[name].count, bound: Float(bound),
        tensor: tensor)
      tensor += 1
    }
    // A table that also scores tokens starts as output weights do.
    let outputBound = 1 / Double(shape.featureSize).squareRoot()
    if shape.task.readsTokens {
      uniform("embedding.weight", shape.tiesWeights ? outputBound : 3.0.squareRoot())
    }
    let prefixes = (0..<shape.layerDirectionCount).map(shape.prefix(ofDirection:))
    for (direction, prefix) in prefixes.enumerated() {
      let inputs = shape.inputSize(ofLayer: shape.layer(ofDirection: direction))
      uniform("\(prefix).input.weight", (6 / Double(inputs + hidden)).squareRoot())
      guard let recurrent = table.tensors(ofDirection: direction).recurrentWeight else { continue }
      for gate in 0..<shape.cell.recurrentGateCount {
        random.fillOrthogonal(
          parameters + recurrent + gate * hidden * hidden, size: hidden, tensor: tensor)
        tensor += 1
      }
    }
    if shape.normalizesGates {
      for prefix in prefixes {
        let gain = table["\(prefix).norm.weight"]
        (parameters + gain.offset).update(repeating: 1, count: gain.count)
      }
    }
    if let gate = shape.cell.biasedGate {
      for prefix in prefixes {
        // A bias before the normalisation would be taken off with the mean.
        let name = shape.normalizesGates ? "norm.bias" : "bias"
        (parameters + table["\(prefix).\(name)"].offset + gate * hidden)
          .update(repeating: shape.initialUpdateBias, count: hidden)
      }
    }
    if !shape.tiesWeights { uniform("output.weight", outputBound) }
    for (index, cluster) in shape.tailClusters.enumerated() {
      let bound = 1 / Double(cluster.projectionSize).squareRoot()
      uniform("output.tails.\(index).projection.weight", outputBound)
      uniform("output.tails.\(index).weight", bound)
    }
  }
}
