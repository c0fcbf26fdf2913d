package import Records

/// The least, greatest, mean and root mean square of a run of values.
package struct TensorStatistics: Sendable, Equatable {
  package var least = Float.infinity
  package var greatest = -Float.infinity
  package var mean = 0.0
  package var rootMeanSquare = 0.0

  /// - Parameter divisor: what every value is divided by first.
  package init(_ values: UnsafePointer<Float>, count: Int, divisor: Double = 1) {
    var sum = 0.0
    var squares = 0.0
    for index in 0..<count {
      let value = unsafe values[index]
      least = min(least, value)
      greatest = max(greatest, value)
      sum += Double(value)
      squares += Double(value) * Double(value)
    }
    least = Float(Double(least) / divisor)
    greatest = Float(Double(greatest) / divisor)
    mean = sum / Double(max(1, count)) / divisor
    rootMeanSquare = (squares / Double(max(1, count))).squareRoot() / divisor
  }

  package var json: OrderedJSON {
    [
      "min": .number(Double(least)), "max": .number(Double(greatest)), "mean": .number(mean),
      "rms": .number(rootMeanSquare),
    ]
  }
}
