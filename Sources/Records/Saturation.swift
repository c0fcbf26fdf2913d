/// Arithmetic on numbers from outside, of which nobody knows how large they are.
extension Int {
  /// The whole part of a number; the nearest integer where there is no such, and 0 for NaN.
  package init(saturating value: Double) {
    if value.isNaN {
      self = 0
    } else {
      self = Int(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max)
    }
  }

  /// The product, or the greatest integer where that is too large.
  ///
  /// Preconditions: no factor is negative.
  package static func saturatedProduct(_ factors: Int...) -> Int {
    factors.reduce(1) { product, factor in
      precondition(factor >= 0, "factor \(factor) < 0")
      let (result, overflow) = product.multipliedReportingOverflow(by: factor)
      return overflow ? .max : result
    }
  }

  /// The sum, or the greatest integer where that is too large.
  ///
  /// Preconditions: no term is negative.
  package static func saturatedSum(_ terms: Int...) -> Int {
    terms.reduce(0) { sum, term in
      precondition(term >= 0, "term \(term) < 0")
      let (result, overflow) = sum.addingReportingOverflow(term)
      return overflow ? .max : result
    }
  }
}
