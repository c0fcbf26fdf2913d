/// Numbers names in the order in which they come up. Records mostly have the same ones in the same
/// order, so that a name is as a rule the one after the last.
package struct NameIndex: Sendable {
  package private(set) var names: [[UInt8]] = []
  private var numbers: [[UInt8]: Int] = [:]
  private var expected = 0

  package init() {}

  /// Says that the names of another record follow.
  package mutating func beginRecord() { expected = 0 }

  /// The number of the name that stands in a line; nil where it is not known.
  package mutating func number(_ line: Span<UInt8>, _ range: Range<Int>) -> Int? {
    if expected < names.count, line.holds(names[expected], at: range) {
      defer { expected += 1 }
      return expected
    }
    return number(line.bytes(range))
  }

  package mutating func number(_ name: [UInt8]) -> Int? {
    guard let number = numbers[name] else { return nil }
    expected = number + 1
    return number
  }

  /// Gives a name that is not known the next number.
  package mutating func add(_ name: [UInt8]) -> Int {
    let number = names.count
    names.append(name)
    numbers[name] = number
    expected = number + 1
    return number
  }
}
