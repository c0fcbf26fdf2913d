/// A value of the config that a resumed run changes.
package struct ConfigChange: Sendable, Equatable, CustomStringConvertible {
  package var key: String
  package var before: String
  package var now: String

  package init(key: String, before: String, now: String) {
    self.key = key
    self.before = before
    self.now = now
  }

  package var description: String { "\(key) \(before) -> \(now)" }
}
