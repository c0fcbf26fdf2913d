import Cells
import GRUCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// An adaptive softmax.
extension ReferenceModel {
  /// The logits of all tokens [V] for those of the head: a token of a cluster has that of the
  /// cluster's entry plus the logarithm of its share in the cluster, so that the softmax over all
  /// of them gives every token its probability. Without clusters the head's are all.
  func withTails(
    _ head: [Double], _ parameters: [Double], _ vectors: [Double], at start: Int
  ) -> [Double] {
    guard let first = shape.tailClusters.first else { return head }
    return shape.tailClusters.enumerated().reduce(Array(head[..<first.tokens.lowerBound])) {
      logits, item in
      let scores = tailScores(item.offset, parameters, vectors, at: start).scores
      let normalizer = logSumExp(scores)
      return logits + scores.map { head[item.element.headEntry] + $0 - normalizer }
    }
  }

  /// P h, and W P h + b, of a cluster.
  private func tailScores(
    _ cluster: Int, _ parameters: [Double], _ vectors: [Double], at start: Int
  ) -> (projected: [Double], scores: [Double]) {
    let tail = table.tail(cluster)
    var projected = [Double](repeating: 0, count: tail.projection.shape[0])
    addProduct(
      parameters, at: tail.projection.offset, columns: shape.featureSize, vectors, at: start,
      to: &projected)
    var scores = Array(parameters[tail.bias.range])
    addProduct(
      parameters, at: tail.weight.offset, columns: projected.count, projected, at: 0, to: &scores)
    return (projected, scores)
  }

  /// With e the errors of the head and ê those of the target's cluster, where it has one:
  /// dW += e ⊗ h, dŴ += ê ⊗ P h, dP += Ŵᵀ ê ⊗ h, dh = Wᵀ e + Pᵀ Ŵᵀ ê.
  ///
  /// - Returns: the gradient of what the output layer read, [T, B, H].
  func adaptiveBackward(
    _ parameters: [Double], _ window: Window, _ top: [Double], _ gradient: inout [Double]
  ) -> [Double] {
    let hidden = shape.featureSize
    var above = [Double](repeating: 0, count: top.count)
    for (row, target) in window.targets.enumerated() where target >= 0 {
      let start = row * hidden
      let cluster = shape.tailClusters.firstIndex { $0.tokens.contains(Int(target)) }
      var scores = Array(parameters[table.outputBias.range])
      addProduct(
        parameters, at: table.outputWeight.offset, columns: hidden, top, at: start, to: &scores)
      let entry = cluster.map { shape.tailClusters[$0].headEntry } ?? Int(target)
      let head = softmaxErrors(scores, target: entry)
      addOuter(
        head, top, at: start, columns: hidden, to: &gradient, at: table.outputWeight.offset)
      for i in head.indices { gradient[table.outputBias.offset + i] += head[i] }
      addTransposed(
        parameters, at: table.outputWeight.offset, columns: hidden, head, to: &above, at: start)
      guard let cluster else { continue }
      let tail = table.tail(cluster)
      let found = tailScores(cluster, parameters, top, at: start)
      let errors = softmaxErrors(
        found.scores, target: Int(target) - shape.tailClusters[cluster].tokens.lowerBound)
      let size = found.projected.count
      addOuter(
        errors, found.projected, at: 0, columns: size, to: &gradient, at: tail.weight.offset)
      for i in errors.indices { gradient[tail.bias.offset + i] += errors[i] }
      var below = [Double](repeating: 0, count: size)
      addTransposed(
        parameters, at: tail.weight.offset, columns: size, errors, to: &below, at: 0)
      addOuter(
        below, top, at: start, columns: hidden, to: &gradient, at: tail.projection.offset)
      addTransposed(
        parameters, at: tail.projection.offset, columns: hidden, below, to: &above, at: start)
    }
    return above
  }
}
