import Collectives
package import GRUCore
import Kernels

/// Where a value that is not finite stands.
extension Engine {
  /// The first value that is not finite among what this rank's workers computed.
  package func firstNonFinite() -> NonFiniteSite? {
    if replica.use == .inTurn { replica.repack() }
    for worker in replica.workers {
      if let site = unsafe worker.firstNonFinite(
        parameters: replica.parameters.pointer, weights: replica.weights)
      {
        return site
      }
    }
    return nil
  }

  /// The first summed element that is not finite, among those this rank owns; `words` say what the
  /// sums are.
  func nonFiniteSum(_ words: String) -> String? {
    for parameter in replica.table.parameters {
      for slice in optimizer.slices {
        let range = parameter.range.clamped(to: slice.elements)
        for element in range {
          let sum = unsafe sums.total[element]
          if sum.isFinite { continue }
          return "\(words) \(parameter.name), element "
            + "\(parameter.place(of: element - parameter.offset)): \(sum)"
        }
      }
    }
    return nil
  }

  /// Throws where the last update left a value that is not finite, as a learning rate beyond all
  /// bounds does: on every rank alike, because all hold the same parameters.
  package func requireFiniteParameters() throws(NonFiniteFinding) {
    try unsafe requireFinite(UnsafePointer(replica.parameters.pointer), of: "")
  }

  /// Throws for the first value of an arena that is not finite; `prefix` says whose values they
  /// are.
  package func requireFinite(
    _ arena: UnsafePointer<Float>, of prefix: String
  ) throws(NonFiniteFinding) {
    for parameter in replica.table.parameters {
      let values = unsafe UnsafeBufferPointer(
        start: arena + parameter.offset, count: parameter.count)
      guard let index = unsafe values.firstIndex(where: { !$0.isFinite }) else { continue }
      let value = unsafe values[index]
      throw NonFiniteFinding(
        step: state.step,
        place: "\(prefix)\(parameter.name), element \(parameter.place(of: index)): "
          + "\(value)")
    }
  }
}

extension Parameter {
  /// The indices of an element, as [row, column].
  package func place(of element: Int) -> String {
    var rest = element
    var indices: [Int] = []
    for size in shape.reversed() {
      indices.insert(rest % size, at: 0)
      rest /= size
    }
    return "[" + indices.map(String.init).joined(separator: ", ") + "]"
  }
}
