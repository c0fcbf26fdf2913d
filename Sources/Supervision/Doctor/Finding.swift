package import Records

/// One thing that was looked at, and what is wrong with it.
package struct Finding: Sendable, Equatable {
  /// What was looked at, as in the JSON lines: `launcher`, `shared_memory`.
  package var name: String
  /// One line for people.
  package var found: String
  /// What will go wrong; nil where nothing will.
  package var problem: String?
  /// How to mend it.
  package var remedy: String?
  /// Figures for programs.
  package var values: OrderedJSON

  package init(
    _ name: String, _ found: String, values: OrderedJSON = [:], problem: String? = nil,
    remedy: String? = nil
  ) {
    self.name = name
    self.found = found
    self.values = values
    self.problem = problem
    self.remedy = remedy
  }

  package var json: OrderedJSON {
    [
      "check": .string(name), "found": .string(found),
      "problem": problem.map { .string($0) } ?? .null,
      "remedy": remedy.map { .string($0) } ?? .null, "values": values,
    ]
  }

  /// Nil where `json` is no finding.
  package init?(_ json: OrderedJSON) {
    guard let name = json["check"]?.stringValue, let found = json["found"]?.stringValue else {
      return nil
    }
    self.init(
      name, found, values: json["values"] ?? [:], problem: json["problem"]?.stringValue,
      remedy: json["remedy"]?.stringValue)
  }
}
