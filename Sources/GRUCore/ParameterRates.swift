/// How fast each part of the parameters learns: frozen tensors keep their bits, and others may have
/// a factor by which their learning rate differs. Does not allocate after `init`.
package final class ParameterRates {
  /// Neighbouring elements that learn alike.
  package struct Run: Equatable, Sendable {
    package var elements: Range<Int>
    /// Of the learning rate; 0 where the elements are frozen.
    package var factor: Double

    package var isFrozen: Bool { factor == 0 }
  }

  /// In order, and all of the arena.
  private let runs: UnsafeMutableBufferPointer<Run>

  /// The factor of a tensor: that of the longest name which names it, 1 where none does.
  private static func factor(
    of parameter: Parameter, frozen: [String], factors: [(name: String, factor: Double)]
  ) -> Double {
    if frozen.contains(where: parameter.isNamed(by:)) { return 0 }
    return factors.filter { parameter.isNamed(by: $0.name) }
      .max { $0.name.utf8.count < $1.name.utf8.count }?.factor ?? 1
  }

  /// - Parameters:
  ///   - frozen: names of tensors, or what these begin with: "layers.0".
  ///   - factors: the same, with the factor of each.
  /// - Returns: nil where all parameters learn alike.
  package init?(
    table: ParameterTable, frozen: [String], factors: [(name: String, factor: Double)]
  ) {
    var found: [Run] = []
    var start = 0
    for (index, parameter) in table.parameters.enumerated() {
      let isLast = index + 1 == table.parameters.count
      let end = isLast ? table.elementCount : table.parameters[index + 1].offset
      let factor = Self.factor(of: parameter, frozen: frozen, factors: factors)
      if let last = found.last, last.factor == factor {
        found[found.count - 1].elements = last.elements.lowerBound..<end
      } else {
        found.append(Run(elements: start..<end, factor: factor))
      }
      start = end
    }
    if found.allSatisfy({ $0.factor == 1 }) { return nil }
    runs = .allocate(capacity: found.count)
    _ = runs.initialize(from: found)
  }

  deinit { runs.deallocate() }

  /// The part of the run that has an element which ends with it, or at `end`.
  package func run(from element: Int, to end: Int) -> Run {
    var index = 0
    while runs[index].elements.upperBound <= element { index += 1 }
    var run = runs[index]
    run.elements = element..<min(end, run.elements.upperBound)
    return run
  }

  /// Makes the gradient of frozen elements +0: it has no part in the norm.
  package func clearFrozen(_ gradient: UnsafeMutablePointer<Float>, in range: Range<Int>) {
    var start = range.lowerBound
    while start < range.upperBound {
      let run = run(from: start, to: range.upperBound)
      if run.isFrozen { (gradient + start).update(repeating: 0, count: run.elements.count) }
      start = run.elements.upperBound
    }
  }

  /// Values of all tensors, and of those that are frozen.
  package static func counts(
    of table: ParameterTable, frozen: [String]
  ) -> (all: Int, frozen: Int) {
    let still = table.parameters.filter { frozen.contains(where: $0.isNamed(by:)) }
    return (table.parameterCount, still.reduce(0) { $0 + $1.count })
  }
}

/// What of a backward pass nobody needs, because all that would learn from it is frozen.
package struct BackwardReach: Equatable, Sendable {
  /// Stages that are computed; those that follow are of frozen layers.
  package var stages: Int
  /// Layers up to this one pass no gradient on to what they read.
  package var floor: Int

  /// - Parameter frozen: names of tensors, or what these begin with.
  package init(_ shape: ModelShape, table: ParameterTable, frozen: [String] = []) {
    let all = BackwardStage.stages(of: shape)
    stages = all.count
    floor = shape.task.readsTokens ? -1 : 0
    func isFrozen(_ group: String) -> Bool {
      let own = table.parameters.filter { $0.group == group }
      return own.allSatisfy { parameter in frozen.contains(where: parameter.isNamed(by:)) }
    }
    if shape.task.readsTokens {
      guard isFrozen("embedding") else { return }
      floor = 0
    }
    let trained = (0..<shape.layerCount).first { !isFrozen("layers.\($0)") }
    floor = trained ?? shape.layerCount
    if floor == 0 { return }
    stages =
      all.lastIndex { stage in
        if case .weights(let direction, _) = stage {
          return shape.layer(ofDirection: direction) >= floor
        }
        return stage == .output
      }.map { $0 + 1 } ?? all.count
  }
}
