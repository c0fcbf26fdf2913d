import Records

/// What the learning rate of some parts of a model is multiplied by.
package struct LearningRateFactors: Sendable, Equatable {
  package struct Named: Sendable, Equatable {
    /// Of a tensor, or what the names of several begin with.
    package var name: String
    package var factor: Double
  }

  /// In the order of the config.
  package var named: [Named] = []

  package init() {}
}

extension ValueKind where Value == LearningRateFactors {
  /// Factors of the learning rate: null for none, or a number by name. They are written as a list
  /// of pairs, which is one value where configs are compared.
  static var learningRateFactors: Self {
    let words = "null, or factors by part of the model such as {\"embedding\": 0.1}"
    return Self(
      words: words, takesNull: true,
      parse: { value, place throws(ConfigError) in
        var factors = LearningRateFactors()
        for (name, number) in try pairs(of: value, words, place) {
          guard let factor = number.doubleValue, factor > 0, factor <= 1e6, Float(factor) > 0 else {
            throw place.failure(
              "\"\(name)\": expected a number above 0 and up to 1e6, found \(number.found)",
              hint: number.doubleValue == 0 ? "model.freeze names what is not trained" : nil)
          }
          if factors.named.contains(where: { $0.name == name }) {
            throw place.failure("has \"\(name)\" twice")
          }
          factors.named.append(LearningRateFactors.Named(name: name, factor: factor))
        }
        if factors.named.isEmpty { throw place.failure("expected \(words), found no part") }
        return factors
      },
      json: { factors in
        factors.named.isEmpty
          ? .null : .array(factors.named.map { .array([.string($0.name), .number($0.factor)]) })
      })
  }
}
