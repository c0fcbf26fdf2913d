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
      fillUniform(
        parameters + table[name].offset, count: table[name].count, bound: Float(bound),
        random: random, tensor: tensor)
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
        fillOrthogonal(
          parameters + recurrent + gate * hidden * hidden, size: hidden, random: random,
          tensor: tensor)
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

  private static func fillUniform(
    _ values: UnsafeMutablePointer<Float>, count: Int, bound: Float, random: Philox, tensor: UInt32
  ) {
    var i = 0
    while i < count {
      let words = random.block(
        step: 0, stream: tensor, layer: UInt32(truncatingIfNeeded: (i / 4) >> 32),
        element: UInt32(truncatingIfNeeded: i / 4))
      for lane in 0..<min(4, count - i) {
        values[i + lane] = (2 * Philox.unit(words[lane]) - 1) * bound
      }
      i += 4
    }
  }

  /// Rounds of rotations in random disjoint planes, begun from the identity: a parallel form of
  /// Kac's walk on the rotations, which approaches the uniform distribution in O(log n) such rounds
  /// and costs O(n² log n) where an orthogonal decomposition costs O(n³).
  private static func fillOrthogonal(
    _ matrix: UnsafeMutablePointer<Float>, size: Int, random: Philox, tensor: UInt32
  ) {
    matrix.update(repeating: 0, count: size * size)
    for i in 0..<size { matrix[i * size + i] = 1 }
    if size < 2 { return }
    var order = Array(0..<size)
    let rounds = 2 * (Int.bitWidth - (size - 1).leadingZeroBitCount) + 4
    for round in 0..<rounds {
      for i in stride(from: size - 1, to: 0, by: -1) {
        let word = random.block(
          step: UInt32(1 + round), stream: tensor, layer: 0, element: UInt32(i))[0]
        order.swapAt(i, Int((UInt64(word) * UInt64(i + 1)) >> 32))
      }
      for pair in 0..<size / 2 {
        let word = random.block(
          step: UInt32(1 + round), stream: tensor, layer: 1, element: UInt32(pair))[0]
        let angle = Double(word) * 0x1p-32 * 6.283_185_307_179_586
        rotate(
          matrix + order[2 * pair] * size, matrix + order[2 * pair + 1] * size, count: size,
          cosine: Float(Elementary.cos(angle)), sine: Float(Elementary.sin(angle)))
      }
    }
  }

  private static func rotate(
    _ a: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>, count: Int,
    cosine: Float, sine: Float
  ) {
    for i in 0..<count {
      let x = a[i]
      let y = b[i]
      a[i] = x * cosine - y * sine
      b[i] = x * sine + y * cosine
    }
  }
}
