/// A value of the config that a resumed run changes.
package struct ConfigChange: Sendable, Equatable, CustomStringConvertible {
  package var key: String
  package var before: String
  package var now: String

  package var description: String { "\(key) \(before) -> \(now)" }
}
