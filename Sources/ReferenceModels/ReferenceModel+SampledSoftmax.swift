import GRUCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A sampled softmax.
extension ReferenceModel {
  /// The scores of a row by which a step of training has its loss: where outputs are drawn, all
  /// others than these and the target have no part in it.
  func trainedScores(_ scores: [Double], target: Int, _ window: Window) -> [Double] {
    guard let sampling = shape.sampledSoftmax, let step = window.trainingStep else {
      return scores
    }
    var times = [Int](repeating: 0, count: scores.count)
    for draw in 0..<sampling.draws {
      times[sampling.output(ofDraw: draw, step: UInt32(step))] += 1
    }
    return scores.indices.map { output in
      if output == target { return scores[output] }
      if times[output] == 0 { return -.infinity }
      return scores[output] + sampling.correction(ofOutput: output, drawn: times[output])
    }
  }
}
