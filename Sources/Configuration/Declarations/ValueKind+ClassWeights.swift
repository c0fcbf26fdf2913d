import Records
import Tasks

extension ValueKind where Value == ClassWeights {
  /// Weights of classes: null for none, "balanced", or a number by the name of each class. They are
  /// written as a list of pairs, which is one value where configs are compared.
  static var classWeights: Self {
    let words = "null, \"balanced\", or weights by class such as {\"a\": 1, \"b\": 2.5}"
    return Self(
      words: words, takesNull: true,
      parse: { value, place throws(ConfigError) in
        if value == "balanced" { return .balanced }
        var named: [ClassWeights.Named] = []
        for (name, number) in try pairs(of: value, words, place) {
          guard let weight = number.doubleValue, weight > 0, weight <= 1e6 else {
            throw place.failure(
              "class \"\(name)\": expected a number above 0 and up to 1e6, found \(number.found)")
          }
          if named.contains(where: { $0.name == name }) {
            throw place.failure("has class \"\(name)\" twice")
          }
          named.append(ClassWeights.Named(name, weight))
        }
        if named.isEmpty { throw place.failure("expected \(words), found no class") }
        return .named(named)
      },
      json: { weights in
        switch weights {
        case .equal: .null
        case .balanced: "balanced"
        case .named(let named):
          .array(named.map { .array([.string($0.name), .number($0.weight)]) })
        }
      })
  }
}

extension ValueKind {
  /// Names and values of an object, or of the list of pairs that it is written as.
  static func pairs(
    of value: OrderedJSON, _ words: String, _ place: ConfigPlace
  ) throws(ConfigError) -> [(String, OrderedJSON)] {
    switch value {
    case .object(let members): return members.map { ($0.name, $0.value) }
    case .array(let items):
      var pairs: [(String, OrderedJSON)] = []
      for item in items {
        guard case .array(let pair) = item, pair.count == 2, let name = pair[0].stringValue else {
          throw place.failure("expected \(words), found \(item.found) in a list")
        }
        pairs.append((name, pair[1]))
      }
      return pairs
    default: throw place.failure("expected \(words), found \(value.found)")
    }
  }
}
