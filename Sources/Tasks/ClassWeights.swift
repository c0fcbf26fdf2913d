/// How much the losses of each class count in training.
package enum ClassWeights: Sendable, Equatable {
  /// All the same.
  case equal
  /// As much less as the class is more frequent: n / (k n_c) of n targets, n_c of them of the class
  /// and k classes, so that the targets together count as without weights.
  case balanced
  /// By name; classes that are not named count 1.
  case named([Named])

  /// The weight of a class.
  package struct Named: Sendable, Equatable {
    package var name: String
    package var weight: Double

    package init(_ name: String, _ weight: Double) {
      self.name = name
      self.weight = weight
    }
  }

  /// Names that are none of the classes.
  package func strangers(to classes: [String]) -> [String] {
    guard case .named(let named) = self else { return [] }
    let known = Set(classes)
    return named.map(\.name).filter { !known.contains($0) }
  }

  /// The weight of each class; empty where all count 1.
  ///
  /// - Parameter counts: of each class's targets in the training data.
  package func weights(of classes: [String], counts: [Int]) -> [Float] {
    switch self {
    case .equal: return []
    case .balanced:
      let total = Double(counts.reduce(0, +))
      let occurring = Double(counts.count { $0 > 0 })
      return counts.map { $0 == 0 ? 1 : Float(total / (occurring * Double($0))) }
    case .named(let named):
      let weights = Dictionary(named.map { ($0.name, $0.weight) }) { first, _ in first }
      return classes.map { Float(weights[$0] ?? 1) }
    }
  }
}
