/// A cell as the layer of another library.
package enum ForeignLayer: Sendable {
  case layer(Layer)
  /// The library has no layer with these equations.
  case missing(Reason)

  /// How the library's layer differs from our cell in form.
  package struct Layer: Sendable {
    /// Its name within the library, "GRU".
    package var name: String
    /// What a sentence puts before it.
    package var article = "a"
    /// The library's blocks of rows in its order, as gates of ours.
    package var rows: [Row]
    /// Attributes of the operator.
    package var attributes: [(name: String, value: Int)] = []
  }

  /// A block of rows.
  package struct Row: Sendable {
    package var gate: Int
    /// Whether its sign changes, since 1 − σ(a) = σ(−a).
    package var isNegated = false

    package static func same(_ gate: Int) -> Row { Row(gate: gate) }
    package static func negated(_ gate: Int) -> Row { Row(gate: gate, isNegated: true) }
  }

  /// Why there is none, and what can be done.
  package struct Reason: Sendable {
    /// Of a model that is to be exported.
    package var export: String
    /// Of a config into whose model a file is to be imported.
    package var importing: String
    /// The override under which another cell takes its place; nil for none.
    package var change: String?
  }

  package var layer: Layer? {
    if case .layer(let layer) = self { layer } else { nil }
  }
}
