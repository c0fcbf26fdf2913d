import Configuration
import GRUCore
import Records

/// What of a model trains.
extension Config {
  /// Throws where what is frozen, or learns at a rate of its own, is no part of the model, or
  /// nothing is left to train.
  func requireParts(of shape: ModelShape, place: String) throws(ConfigError) {
    let table = ParameterTable(shape: shape)
    let named =
      (model.freeze ?? []).map { ("model.freeze", $0) }
      + optimizer.rates.named.map { ("optimizer.rates", $0.name) }
    for (key, name) in named where !table.parameters.contains(where: { $0.isNamed(by: name) }) {
      var groups: [String] = []
      for parameter in table.parameters where groups.last != parameter.group {
        groups.append(parameter.group)
      }
      throw ConfigError(
        place: place, key: key, problem: "the model has no \"\(name)\"",
        hint: "its parts are \(groups.joined(separator: ", ")), and of each its tensors such as "
          + "\(table.parameters.last?.name ?? "output.bias")")
    }
    let counts = ParameterRates.counts(of: table, frozen: model.freeze ?? [])
    guard counts.all == counts.frozen else { return }
    throw ConfigError(
      place: place, key: "model.freeze", problem: "leaves nothing to train",
      hint: "leave a part out of it")
  }

  /// What is frozen, and what learns at a rate of its own, in words; nil where all learns alike.
  func partsInWords(of shape: ModelShape) -> String? {
    let frozen = model.freeze ?? []
    var words: [String] = []
    if !frozen.isEmpty {
      let counts = ParameterRates.counts(of: ParameterTable(shape: shape), frozen: frozen)
      words.append(
        "\(frozen.joined(separator: ", ")) frozen, \(Format.grouped(counts.all - counts.frozen)) "
          + "of \(Format.grouped(counts.all)) parameters train")
    }
    if !optimizer.rates.named.isEmpty {
      let factors = optimizer.rates.named.map { "\($0.name) x \(Format.small($0.factor))" }
      words.append("learning rates: \(factors.joined(separator: ", "))")
    }
    return words.isEmpty ? nil : words.joined(separator: "; ")
  }
}
