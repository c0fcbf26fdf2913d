
package import Records
package import Tables

/// Examples of classes that a model lacks, which are left out.
package struct UnknownClasses: Sendable, Equatable {
  package private(set) var count = 0
  private var labels: Set<String> = []

  package init() {}

  package mutating func add(_ label: String) {
    count += 1
    labels.insert(label)
  }

  package var names: [String] { ClassNames.ordered(Array(labels)) }
}

extension DataFileError {
  /// What is wrong with a file that has nothing to train or to measure on.
  ///
  /// - Parameters:
  ///   - noun: what it lacks: "text".
  ///   - unknown: what was left out of it.
  package init(nothingIn path: String, _ noun: String, leftOut unknown: UnknownClasses) {
    guard unknown.count > 0 else {
      self.init(
        path: path, place: nil, problem: "no \(noun) is left to train on",
        hint: "lower data.valid_fraction")
      return
    }
    self.init(
      path: path, place: nil,
      problem: "no \(noun) is left: the model lacks all classes that it has, "
        + DataFileError.list(unknown.names))
  }
}

extension DataSummary {
  /// Says which examples are left out since the model lacks their class, if any.
  ///
  /// - Parameters:
  ///   - trained: of those to train on.
  ///   - held: of those to measure on; nil where they are the same.
  ///   - noun: what one is called.
  package mutating func say(
    unknownClasses trained: UnknownClasses, held: UnknownClasses?, of noun: String
  ) {
    let count = trained.count + (held?.count ?? 0)
    if count == 0 { return }
    let names = Set(trained.names + (held?.names ?? []))
    let ordered = ClassNames.ordered(Array(names))
    say(
      Self.unknownLabel,
      "\(Format.count(count, noun)) of "
        + Format.count(names.count, "class", plural: "classes")
        + " that the model lacks (\(DataFileError.list(ordered))): left out, and not measured")
    add([
      "unknown_class_examples": .integer(count),
      "unknown_classes": .array(ordered.prefix(1000).map { .string($0) }),
    ])
  }

  private static let unknownLabel = "unknown"

  /// What was left out since the model lacks its class: a line for people, and members of a record;
  /// nil for nothing.
  package var unknownClasses: (words: String, json: OrderedJSON)? {
    guard let line = lines.first(where: { $0.label == Self.unknownLabel }),
      let count = json["unknown_class_examples"], let names = json["unknown_classes"]
    else { return nil }
    return (line.text, ["unknown_class_examples": count, "unknown_classes": names])
  }
}
