/// The order in which classes are numbered.
package enum ClassNames {
  /// Each name once: by value where all are numbers, and else by Unicode scalars. The same for any
  /// order of `names`.
  package static func ordered(_ names: [String]) -> [String] {
    let distinct = Array(Set(names))
    let integers = distinct.compactMap { Int($0) }
    if integers.count == distinct.count { return sorted(distinct, by: integers) }
    let numbers = distinct.compactMap { Double($0) }.filter(\.isFinite)
    if numbers.count == distinct.count { return sorted(distinct, by: numbers) }
    return distinct.sorted(by: precedes)
  }

  /// Names by their values; those of one value, such as "1" and "01", by text.
  private static func sorted(_ names: [String], by values: [some Comparable]) -> [String] {
    zip(names, values).sorted { $0.1 == $1.1 ? precedes($0.0, $1.0) : $0.1 < $1.1 }.map(\.0)
  }

  private static func precedes(_ a: String, _ b: String) -> Bool {
    a.unicodeScalars.lexicographicallyPrecedes(b.unicodeScalars)
  }

  /// Names that differ by case or white space alone, in groups.
  package static func alike(_ names: [String]) -> [[String]] {
    let groups = Dictionary(grouping: names.indices) { place in
      String(names[place].lowercased().filter { !$0.isWhitespace })
    }
    return groups.values.filter { $0.count > 1 }.sorted { $0[0] < $1[0] }
      .map { $0.map { names[$0] } }
  }
}
