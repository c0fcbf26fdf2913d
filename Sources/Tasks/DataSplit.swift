/// How what one file holds is split into parts that train, validate and test.
package struct DataSplit: Sendable, Equatable {
  /// What decides to which part something belongs.
  package enum Rule: String, CaseIterable, Sendable {
    /// Sequences at random, of series and texts the last parts, as fractions say.
    case fraction
    /// The same fractions of each class by itself.
    case classes = "class"
    /// Rows of every series by the time that a column has.
    case time
    /// Rows of every series by their number.
    case row
    /// Sequences by name.
    case sequence

    /// Whether fractions say how much is held out.
    package var takesFractions: Bool { self == .fraction || self == .classes }
  }

  /// Where a part begins, or what it is.
  package enum Bound: Sendable, Equatable {
    case none
    /// Rows before it.
    case row(Int)
    /// In ISO form.
    case time(String)
    case names([String])
  }

  package var by = Rule.fraction
  /// The column with the time of each row.
  package var column: String?
  package var valid = Bound.none
  package var test = Bound.none
  /// What nothing after it is used of.
  package var end = Bound.none

  package init() {}
}
