package import Records

/// A value of the config that a resumed run changes.
package struct ConfigChange: Sendable, Equatable, CustomStringConvertible {
  package var key: String
  package var before: String
  package var now: String

  package var description: String { "\(key) \(before) -> \(now)" }
}

extension Config {
  /// What is fixed for a run, and was another value in the config that a checkpoint has.
  package func fixedDifferences(from stored: Config) -> [ConfigChange] {
    let switched = [optimizer.name, stored.optimizer.name]
    let switchesAveraging = switched.contains(.sgd) && switched.contains(.asgd)
    return differences(from: stored) { rule in
      switch rule {
      case .fixed: true
      case .switchesAveraging: !switchesAveraging
      case .changesTrajectory, .changesValidations, .free: false
      }
    }
  }

  /// What a resumed run has changed, and the steps to come depend on.
  package func changes(from stored: Config) -> [ConfigChange] {
    let needsValidation = keyThatNeedsValidation != nil
    return differences(from: stored) { rule in
      switch rule {
      case .changesTrajectory, .switchesAveraging: true
      case .changesValidations: needsValidation
      case .fixed, .free: false
      }
    }.sorted { $0.key < $1.key }
  }

  /// Whether the mean of parameters that a run with the config `stored` has kept goes on: not where
  /// there is none any more, or where it begins after another rule.
  package func continuesAverage(of stored: Config) -> Bool {
    optimizer.averages && stored.optimizer.averages
      && (optimizer.name == .asgd) == (stored.optimizer.name == .asgd)
  }

  /// The keys under some rules whose values differ, in the order of the config.
  private func differences(
    from stored: Config, where isMeant: (ResumeRule) -> Bool
  ) -> [ConfigChange] {
    let before = stored.json.leaves
    let now = json.leaves
    return Self.declarations(below: "", of: [task]).compactMap { key in
      guard isMeant(key.resume) else { return nil }
      let (old, new) = (before[key.path], now[key.path])
      guard old != new else { return nil }
      return ConfigChange(
        key: key.path, before: old?.line ?? "missing", now: new?.line ?? "missing")
    }
  }
}

extension OrderedJSON {
  /// All values that are no objects, by dotted path.
  package var leaves: [String: OrderedJSON] {
    guard case .object(let members) = self else { return ["": self] }
    var leaves: [String: OrderedJSON] = [:]
    for member in members {
      for (path, value) in member.value.leaves {
        leaves[path.isEmpty ? member.name : "\(member.name).\(path)"] = value
      }
    }
    return leaves
  }
}
