import Kernels
import Testing

/// The distance of `found` from the exact `value`, in units of the last place of a float there.
/// Infinity counts as 2^128, the number that rounds to it.
func ulps(_ found: Float, from value: Double) -> Double {
  if found.isNaN || value.isNaN { return found.isNaN && value.isNaN ? 0 : .infinity }
  let size = value.magnitude
  let nearest = Float(size)
  if nearest.isInfinite, found.isInfinite {
    return (found < 0) == (value < 0) ? 0 : .infinity
  }
  let unit = Double(nearest) > size ? nearest.nextDown.ulp : nearest.ulp
  let number =
    found.isInfinite ? Double(sign: found.sign, exponent: 128, significand: 1) : Double(found)
  return (number - value).magnitude / Double(unit)
}

/// Half a unit in the last place of 1: the relative error of one rounding.
let roundingError = 0x1p-24

/// Whether `found` is within `roundings` rounding errors of numbers of size `scale`, or of the
/// smallest float.
func isClose(_ found: Float, _ expected: Double, scale: Double, roundings: Double) -> Bool {
  (Double(found) - expected).magnitude <= roundings * (roundingError * scale.magnitude + 0x1p-150)
}

/// Runs `body` with the kernels of every instruction set that this machine has and expects the same
/// bits from all; returns them.
func onEveryInstructionSet(
  _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation,
  _ body: (Kernels) -> [Float]
) -> [Float] {
  let sets = InstructionSet.available
  let first = body(Kernels(sets[0]))
  for set in sets.dropFirst() {
    let difference = firstDifference(body(Kernels(set)), first)
    if let difference {
      Issue.record(
        "\(set.rawValue) differs from \(sets[0].rawValue): \(difference) \(comment())",
        sourceLocation: sourceLocation)
    }
  }
  return first
}
