package import Records
package import Tasks

/// The declaration of one key of a section, or of a section within it.
package struct ConfigKey<Section: ConfigSection>: Sendable {
  /// The name within the section, such as "hidden".
  let name: String
  /// The tasks whose configs have the key.
  let tasks: [TaskName]
  /// Whether the key is a part of a run's config.
  let isWritten: Bool

  /// Takes a value from JSON, or leaves the default where there is none.
  let read:
    @Sendable (inout Section, OrderedJSON?, ConfigPlace, TaskName) throws(ConfigError) -> Void
  /// The value as JSON.
  let write: @Sendable (Section, TaskName) -> OrderedJSON
  /// What is declared for some tasks of the key at a path, or of all keys of the section there.
  let declarations: @Sendable (_ path: String, [TaskName]) -> [KeyDeclaration]

  /// Declares a value.
  ///
  /// - Parameters:
  ///   - property: what holds the value; its initial value is the default.
  ///   - kind: the values that the key takes.
  ///   - tasks: the tasks whose configs have the key.
  ///   - taskKind: the kind as an error about a config of one task names it; nil for `kind`.
  ///   - hint: for a key without a default: what to set it to.
  ///   - resume: whether a resumed run may change the value; it may not unless this says so.
  ///   - meaning: what the value is for, as the documentation says it.
  init<Value>(
    _ name: String, _ property: any WritableKeyPath<Section, Value> & Sendable,
    _ kind: ValueKind<Value>, tasks: [TaskName] = .all,
    of taskKind: (@Sendable (TaskName) -> ValueKind<Value>)? = nil, required hint: String? = nil,
    resume: ResumeRule = .fixed, _ meaning: String
  ) {
    self.name = name
    self.tasks = tasks
    isWritten = true
    read = { section, value, place, task throws(ConfigError) in
      guard let value else {
        if let hint { throw place.failure("is missing, and has no default", hint: hint) }
        return
      }
      if kind.takesNull, value == .null {
        // What is optional may have another default.
        if let optional = Value.self as? any ExpressibleByNilLiteral.Type,
          let none = optional.init(nilLiteral: ()) as? Value
        {
          section[keyPath: property] = none
        }
        return
      }
      section[keyPath: property] = try (taskKind?(task) ?? kind).parse(value, place)
    }
    write = { section, _ in kind.json(section[keyPath: property]) }
    declarations = { path, wanted in
      var found: [KeyDeclaration] = []
      for task in wanted where tasks.contains(task) {
        let fallback =
          hint == nil ? kind.json(Section(defaultsOf: task)[keyPath: property]) : nil
        if let index = found.firstIndex(where: { $0.fallback == fallback }) {
          found[index].tasks.append(task)
        } else {
          found.append(
            KeyDeclaration(
              path: path, values: kind.words, fallback: fallback, tasks: [task], resume: resume,
              meaning: meaning))
        }
      }
      return found
    }
  }

  /// Declares a section within the section.
  ///
  /// - Parameter isWritten: whether it is a part of a run's config.
  init<Inner: ConfigSection>(
    section name: String, _ property: any WritableKeyPath<Section, Inner> & Sendable,
    tasks: [TaskName] = .all, isWritten: Bool = true
  ) {
    self.name = name
    self.tasks = tasks
    self.isWritten = isWritten
    read = { section, value, place, task throws(ConfigError) in
      section[keyPath: property] = try Inner(value, at: place, task: task)
    }
    write = { section, task in section[keyPath: property].json(of: task) }
    declarations = { path, wanted in
      Inner.declarations(below: path, of: wanted.filter { tasks.contains($0) })
    }
  }
}

/// Whether a resumed run may change the value of a key.
package enum ResumeRule: Sendable {
  /// It may not: the steps so far depend on the value.
  case fixed
  /// It may. The steps to come depend on the value, and the run says that it changed.
  case changesTrajectory
  /// It may only switch SGD's averaging of parameters on or off: from sgd to asgd, and back. The
  /// steps to come depend on the value, and the run says that it changed.
  case switchesAveraging
  /// It may. The steps to come depend on the value where they depend on validations, and the run
  /// says then that it changed.
  case changesValidations
  /// It may: no step depends on the value.
  case free
}

/// What is declared of one key.
package struct KeyDeclaration: Sendable {
  /// With its sections, such as "model.hidden".
  package var path: String
  /// The values it takes, in words.
  package var values: String
  /// Nil where the key is required.
  package var fallback: OrderedJSON?
  /// The tasks for which all this holds.
  package var tasks: [TaskName]
  /// Whether a resumed run may change the value.
  package var resume: ResumeRule
  /// What the value is for.
  package var meaning: String
}
