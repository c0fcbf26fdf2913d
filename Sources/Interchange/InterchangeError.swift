/// A model that a format cannot hold, or a file that holds no model of ours.
package struct InterchangeError: Error, Equatable, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}
