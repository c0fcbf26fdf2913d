import Records

/// Data that cannot be used: which file, where in it, why, and how to mend it.
package struct DataFileError: StatusError, CustomStringConvertible {
  package var path: String
  /// "line 12", "row 3, column \"x\"".
  package var place: String?
  package var problem: String
  package var hint: String?

  package init(path: String, place: String?, problem: String, hint: String? = nil) {
    self.path = path
    self.place = place
    self.problem = problem
    self.hint = hint
  }

  package var exitStatus: Int32 { ExitStatus.badUsage }

  package var description: String {
    "data '\(path)'" + (place.map { ", \($0)" } ?? "") + ": \(problem)"
      + (hint.map { "; \($0)" } ?? "")
  }

  /// Names, quoted, the first few of them.
  package static func list(_ names: [String]) -> String {
    let shown = names.prefix(12).map { "\"\($0)\"" }.joined(separator: ", ")
    return names.count > 12 ? shown + ", ..." : shown
  }
}
