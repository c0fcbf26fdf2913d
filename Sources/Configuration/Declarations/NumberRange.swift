/// A set of numbers, and what an error calls them.
struct NumberRange: Sendable {
  /// Such as "a number above 0".
  let words: String
  /// Whether a number is one of them.
  let contains: @Sendable (Double) -> Bool

  init(_ words: String, where contains: @escaping @Sendable (Double) -> Bool) {
    self.words = words
    self.contains = contains
  }

  /// What of a number that is none of them one would not see: it is rounded before it is used.
  static func rounding(of number: Double) -> String? {
    let rounded = Float(number)
    let isHidden =
      rounded == 0 && number != 0 || rounded == 1 && number != 1
      || !rounded.isFinite && number.isFinite
    if !isHidden { return nil }
    return "single precision, in which training computes, makes it "
      + (rounded.isFinite ? "\(Int(rounded))" : "infinite")
  }

  /// From one number to another, both included.
  static func from(_ first: Double, to last: Double) -> Self {
    func digits(_ value: Double) -> String {
      value == value.rounded() ? "\(Int(value))" : "\(value)"
    }
    return Self("a number from \(digits(first)) to \(digits(last))") { first...last ~= $0 }
  }

  /// What is rounded to single precision, and stays above 0.
  static let positive = Self("a number above 0") {
    $0 > 0 && Float($0).isFinite && Float($0) > 0
  }

  /// What is rounded to single precision; `remark` says what 0 is.
  static func notNegative(_ remark: String? = nil) -> Self {
    Self("a number of at least 0" + (remark.map { " (\($0))" } ?? "")) {
      $0 >= 0 && Float($0).isFinite
    }
  }

  /// Probabilities that leave something.
  static let probability = Self(belowOne) { 0..<1 ~= $0 }

  /// What is rounded to single precision, and stays below 1.
  static let fraction = Self(belowOne) { $0 >= 0 && Float($0) < 1 }

  private static let belowOne = "a number from 0 up to, but not, 1"
}
