import Checkpoints
import Configuration
import Corpora
package import Records

/// Two configs, runs or checkpoints side by side: only what differs.
package struct RunComparison {
  private let first: ComparedSubject
  private let second: ComparedSubject

  /// A value that differs.
  fileprivate struct Difference {
    var key: String
    var a: OrderedJSON?
    var b: OrderedJSON?
    var isDefaultOfA = false
    var isDefaultOfB = false
    /// What the difference is, where that is not told by the values.
    var words: String?
  }

  /// - Throws: where a path leads to neither a config nor a run nor a checkpoint.
  package init(_ first: String, _ second: String) throws {
    self.first = try ComparedSubject(first)
    self.second = try ComparedSubject(second)
  }

  /// Prints what differs.
  ///
  /// - Returns: whether anything does.
  package func run(console: Console) -> Bool {
    let differences = configDifferences + factDifferences
    for (subject, name) in [(first, "A"), (second, "B")] {
      console.say("\(name)  \(subject.path)" + (subject.words.map { ", \($0)" } ?? ""))
    }
    if (first.state == nil) != (second.state == nil) {
      console.say("one has trained and the other has not: only their configs are compared")
    }
    if differences.isEmpty { console.say("nothing differs") }
    let rows = differences.map { [$0.key, $0.text(of: \.a), $0.text(of: \.b)] }
    if !rows.isEmpty {
      console.say("")
      TextTable.lines([["", "A", "B"]] + rows).forEach(console.say)
      for difference in differences {
        if let words = difference.words { console.say("\(difference.key): \(words)") }
      }
    }
    console.record([
      "kind": "comparison", "a": .string(first.path), "b": .string(second.path),
      "differ": .bool(!differences.isEmpty),
      "differences": .array(differences.map(\.json)),
    ])
    return !differences.isEmpty
  }

  private var configDifferences: [Difference] {
    let (defaultsOfA, defaultsOfB) = (first.defaults, second.defaults)
    // Where a run is kept says nothing of what it is.
    let isOfRun = first.state != nil || second.state != nil
    return Self.differences(first.configValues, second.configValues).compactMap {
      if isOfRun, $0.key == "run.directory" { return nil }
      var difference = $0
      difference.isDefaultOfA = $0.a != nil && defaultsOfA[$0.key] == $0.a
      difference.isDefaultOfB = $0.b != nil && defaultsOfB[$0.key] == $0.b
      return difference
    }
  }

  private var factDifferences: [Difference] {
    guard let a = first.state, let b = second.state else { return [] }
    return Self.differences(first.facts, second.facts).map {
      var difference = $0
      if $0.key == "vocabulary, content" {
        difference.words = a.tokenizer.difference(own: "A", from: b.tokenizer, of: "B")
      }
      return difference
    }
  }

  /// What differs of two lists, in the order of the first and then that of the second.
  private static func differences(
    _ a: [(key: String, value: OrderedJSON)], _ b: [(key: String, value: OrderedJSON)]
  ) -> [Difference] {
    let valuesOfA = Dictionary(a, uniquingKeysWith: { first, _ in first })
    let valuesOfB = Dictionary(b, uniquingKeysWith: { first, _ in first })
    let keys = a.map(\.key) + b.map(\.key).filter { valuesOfA[$0] == nil }
    return keys.compactMap { key in
      let (mine, theirs) = (valuesOfA[key], valuesOfB[key])
      return mine == theirs ? nil : Difference(key: key, a: mine, b: theirs)
    }
  }
}

extension ComparedSubject {
  /// What speaks for a run; nil of a config.
  fileprivate var words: String? {
    checkpointStep.map { "by its checkpoint of step \($0)" }
  }
}

extension RunComparison.Difference {
  /// Characters of a value that people see.
  private static let longest = 44

  /// A side's value for people.
  fileprivate func text(of side: KeyPath<Self, OrderedJSON?>) -> String {
    guard let value = self[keyPath: side] else { return "-" }
    let line = value.stringValue ?? value.line
    let isDefault = side == \.a ? isDefaultOfA : isDefaultOfB
    let short = line.count > Self.longest ? String(line.prefix(Self.longest - 3)) + "..." : line
    return short + (isDefault ? " (default)" : "")
  }

  fileprivate var json: OrderedJSON {
    let record: OrderedJSON = [
      "key": .string(key), "a": a ?? .null, "b": b ?? .null, "a_is_default": .bool(isDefaultOfA),
      "b_is_default": .bool(isDefaultOfB),
    ]
    return words.map { record.merging(["words": .string($0)]) } ?? record
  }
}
