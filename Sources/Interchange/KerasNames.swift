/// The names that Keras itself gives to weights, by `weight.path`:
/// "sequential/gru_1/gru_cell/kernel".
enum KerasNames {
  /// Gives the tensors of a file the names of `KerasLayout`, where they have Keras' own.
  ///
  /// - Returns: the tensors, and the names of recurrent layers in the order they were taken in;
  ///   what is not known keeps its name.
  static func renamed(_ tensors: [NamedTensor]) -> (tensors: [NamedTensor], layers: [String]) {
    let names = tensors.map(\.name)
    guard !names.contains("embedding.embeddings") else { return (tensors, []) }
    let cells = names.filter { $0.hasSuffix("/recurrent_kernel") }
      .map { String($0.dropLast("/recurrent_kernel".count)) }
      .sorted { naturalOrder($0).lexicographicallyPrecedes(naturalOrder($1)) }
    guard !cells.isEmpty else { return (tensors, []) }
    var renamed = tensors
    for index in renamed.indices {
      let parts = renamed[index].name.split(separator: "/").map(String.init)
      guard parts.count > 1, let last = parts.last else { continue }
      let module = parts.dropLast().joined(separator: "/")
      if let place = cells.firstIndex(of: module) {
        renamed[index].name = "layers.\(place).\(last)"
      } else if last == "embeddings" {
        renamed[index].name = "embedding.embeddings"
      } else if last == "kernel" || last == "bias" {
        renamed[index].name = "output.\(last)"
      }
    }
    // Two of a name are two dense layers, or embeddings: an error later, under their own names.
    let counts = Dictionary(grouping: renamed, by: \.name).mapValues(\.count)
    for index in renamed.indices where counts[renamed[index].name] != 1 {
      renamed[index].name = names[index]
    }
    return (renamed, cells.map(layerName))
  }

  /// "gru_1" of "sequential/gru_1/gru_cell".
  private static func layerName(_ module: String) -> String {
    let parts = module.split(separator: "/")
    return String(parts.count > 1 ? parts[parts.count - 2] : parts.last ?? "")
  }

  /// Puts "gru_2" before "gru_10", and "gru" before both.
  private static func naturalOrder(_ name: String) -> [String] {
    var parts: [String] = []
    for character in name.utf8.map({ Character(UnicodeScalar($0)) }) {
      let isDigit = character.isASCII && character.isNumber
      if isDigit, let last = parts.last, last.first?.isNumber == true {
        parts[parts.count - 1].append(character)
      } else {
        parts.append(String(character))
      }
    }
    // A longer number is a larger one.
    return parts.map { $0.first?.isNumber == true ? "\($0.count)".padded + $0 : $0 }
  }
}

extension String {
  /// Three digits wide.
  fileprivate var padded: String { String(repeating: "0", count: max(0, 3 - count)) + self }
}
