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
    differences(from: stored) { $0 == .fixed }
  }

  /// What a resumed run has changed, and the steps to come depend on.
  package func changes(from stored: Config) -> [ConfigChange] {
    let needsValidation = keyThatNeedsValidation != nil
    return differences(from: stored) { rule in
      switch rule {
      case .changesTrajectory: true
      case .changesValidations: needsValidation
      case .fixed, .free: false
      }
    }.sorted { $0.key < $1.key }
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
