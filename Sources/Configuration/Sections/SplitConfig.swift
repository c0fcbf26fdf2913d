import Records
package import Tasks

/// How `data.train` is split into parts.
package struct SplitConfig: ConfigSection {
  package var rule = DataSplit()

  package init() {}

  package static let keys: [ConfigKey<SplitConfig>] = [
    ConfigKey(
      "by", \.rule.by, .choice(), tasks: .fromSequences,
      "What splits `train`: fractions; fractions of each class by itself (`classification`); of "
        + "`forecasting` the time or the number of rows; the names of sequences."),
    ConfigKey(
      "column", \.rule.column, .optionalText, tasks: [.forecasting],
      "The column with the date or time of each row, in ISO form, for \"time\"."),
    ConfigKey(
      "valid", \.rule.valid, .splitBound, tasks: .fromSequences,
      "Where the part to validate on begins: a time, the rows of each series before it, or the "
        + "names of its sequences; null for none."),
    ConfigKey(
      "test", \.rule.test, .splitBound, tasks: .fromSequences, "The same of the part to test on."),
    ConfigKey(
      "end", \.rule.end, .splitBound, tasks: [.forecasting],
      "The time, or the number of rows of each series, from which on nothing is used."),
  ]

  package func check(_ place: ConfigPlace, task: TaskName) throws(ConfigError) {
    let allowed = Self.rules(of: task)
    guard allowed.contains(rule.by) else {
      throw place.failure(
        "by", "task \"\(task.rawValue)\" is not split by \"\(rule.by.rawValue)\"",
        hint: "possible are \(allowed.quoted)")
    }
    if (rule.column != nil) != (rule.by == .time) {
      throw place.failure(
        "column",
        rule.by == .time
          ? "is missing: a split by time needs the column with the times"
          : "is for a split by \"time\", and this one is by \"\(rule.by.rawValue)\"")
    }
    for (key, bound) in [("valid", rule.valid), ("test", rule.test), ("end", rule.end)] {
      try check(bound, key, place)
    }
    if !rule.by.takesFractions, rule.valid == .none, rule.test == .none {
      throw place.failure("valid", "is missing, and so is \"test\": nothing would be split")
    }
    let rows = [rule.valid, rule.test, rule.end].compactMap { bound in
      if case .row(let row) = bound { row } else { nil }
    }
    if zip(rows, rows.dropFirst()).contains(where: { $0 >= $1 }) {
      throw place.failure("valid", "expected valid < test < end, found \(rows)")
    }
    if case .names(let names) = rule.valid, case .names(let others) = rule.test,
      let both = names.first(where: others.contains)
    {
      throw place.failure("test", "has sequence \"\(both)\", which \"valid\" has too")
    }
  }

  /// Throws where a bound is not of the kind that the rule needs.
  private func check(
    _ bound: DataSplit.Bound, _ key: String, _ place: ConfigPlace
  ) throws(ConfigError) {
    let name = "a split by \"\(rule.by.rawValue)\""
    switch (rule.by, bound) {
    case (_, .none), (.row, .row), (.time, .time): return
    case (.sequence, .names) where key != "end": return
    case (.fraction, _), (.classes, _):
      throw place.failure(
        key, "means nothing to \(name)",
        hint: "set data.valid_fraction and data.test_fraction, or split.by")
    case (.row, _):
      throw place.failure(key, "expected the number of rows before it, of \(name)")
    case (.time, _):
      throw place.failure(key, "expected a time such as \"2017-06-26\", of \(name)")
    case (.sequence, _):
      throw place.failure(
        key,
        key == "end"
          ? "means nothing to \(name)" : "expected a list of names of sequences, of \(name)")
    }
  }

  private static func rules(of task: TaskName) -> [DataSplit.Rule] {
    let description = task.description
    if description.sequences == .windows { return [.fraction, .time, .row, .sequence] }
    var rules: [DataSplit.Rule] = [.fraction]
    if description.outputs == .classes, description.targets == .onePerSequence {
      rules.append(.classes)
    }
    if description.readsValues { rules.append(.sequence) }
    return rules
  }
}

extension ValueKind where Value == DataSplit.Bound {
  /// Where a part of the data begins; null for nowhere.
  static var splitBound: Self {
    let words = "null, a time, a number of rows, or a list of names"
    return Self(
      words: words, takesNull: true,
      parse: { value, place throws(ConfigError) in
        switch value {
        case .integer(let rows) where rows >= 1: return .row(rows)
        case .string(let time) where !time.isEmpty: return .time(time)
        case .array(let items) where !items.isEmpty:
          var names: [String] = []
          for item in items {
            guard let name = item.stringValue, !names.contains(name) else {
              throw place.failure(
                "expected names of sequences, each once, found \(item.found) in the list")
            }
            names.append(name)
          }
          return .names(names)
        default: throw place.failure("expected \(words), found \(value.found)")
        }
      },
      json: { bound in
        switch bound {
        case .none: .null
        case .row(let rows): .integer(rows)
        case .time(let time): .string(time)
        case .names(let names): .array(names.map { .string($0) })
        }
      })
  }
}
