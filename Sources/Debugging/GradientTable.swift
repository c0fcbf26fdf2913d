package import Kernels
package import Records

/// The outcome of a gradient check.
package struct GradientTable: Sendable {
  /// One element of one tensor.
  package struct Row: Sendable {
    package var tensor: String
    /// Indices within the tensor.
    package var place: String
    /// By the fast path, in single precision; a sum over tokens.
    package var computed: Double
    /// By central differences in double precision.
    package var difference: Double
    /// The root mean square of the tensor's gradient: elements far below it cannot be exact.
    package var tensorScale: Double

    package var relativeError: Double {
      // The slice may have nothing to do with a tensor, such as a cluster of rare tokens. What is
      // left then is the rounding of two losses, of some 1e-14, over their distance.
      let least = tensorScale == 0 ? 1e-5 : 1e-12
      let scale = max(abs(difference), abs(computed), tensorScale, least)
      return abs(computed - difference) / scale
    }
    /// Largest relative error that rounding explains.
    package var tolerance = GradientTable.tolerance(of: .fp32)
    package var isGood: Bool { relativeError <= tolerance }
  }

  /// Single precision over some thousand additions leaves about 1e-5, products of numbers of eight
  /// bits some 1e-3; a wrong formula leaves 1e-1 and more.
  package static func tolerance(of precision: Precision) -> Double {
    switch precision {
    case .fp32: 1e-3
    case .bf16: 5e-2
    }
  }

  package var rows: [Row]
  /// Sizes of the slice that was checked.
  package var sequences: Int
  package var window: Int

  /// The table for people.
  package var text: String {
    let header = ["tensor", "element", "computed", "central difference", "relative error", ""]
    let cells = rows.map { row in
      [
        row.tensor, row.place, Self.digits(row.computed), Self.digits(row.difference),
        Self.digits(row.relativeError), row.isGood ? "ok" : "WRONG",
      ]
    }
    let widths = header.indices.map { column in
      ([header] + cells).map { $0[column].count }.max() ?? 0
    }
    let lines = ([header] + cells).map { line in
      line.indices.map { column in
        line[column] + String(repeating: " ", count: widths[column] - line[column].count)
      }.joined(separator: "  ")
    }
    return "gradient check on \(sequences) sequences x \(window) time steps\n"
      + lines.joined(separator: "\n")
  }

  /// The rows as records of the metrics.
  package func records(step: Int) -> [OrderedJSON] {
    rows.map { row in
      [
        "kind": "gradient_check", "step": .integer(step), "tensor": .string(row.tensor),
        "element": .string(row.place), "computed": .number(row.computed),
        "central_difference": .number(row.difference),
        "relative_error": .number(row.relativeError), "ok": .bool(row.isGood),
      ]
    }
  }

  /// Throws when an element is wrong.
  package func requirePassed() throws {
    let wrong = rows.filter { !$0.isGood }
    guard let first = wrong.first else { return }
    throw GradientCheckError(
      description: "the gradient check failed for \(wrong.count) of \(rows.count) elements, first "
        + "\(first.tensor) \(first.place): computed \(first.computed), central difference "
        + "\(first.difference)")
  }

  private static func digits(_ value: Double) -> String {
    Format.scientific(value)
  }
}

/// Gradients that central differences contradict.
package struct GradientCheckError: Error, CustomStringConvertible {
  package let description: String
}
