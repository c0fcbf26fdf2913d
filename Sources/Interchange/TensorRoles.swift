/// What a tensor is for, as far as the words of its name say.
enum TensorRole {
  case embedding, output

  /// Whole words: "member_head" is no embedding.
  private var words: Set<String> {
    switch self {
    case .embedding:
      ["emb", "embed", "embedder", "embedding", "embeddings", "embeds", "encoder", "wte", "lookup"]
    case .output:
      [
        "output", "out", "decoder", "head", "fc", "linear", "dense", "proj", "projection", "logits",
        "classifier", "softmax",
      ]
    }
  }

  func isNamed(by name: String) -> Bool {
    !words.isDisjoint(with: Self.words(of: name))
  }

  /// The words of a name such as "wordEmbedding.weight" or "lm_head2.weight".
  static func words(of name: String) -> Set<String> {
    var words: Set<String> = []
    var word = ""
    var wasLower = false
    func end() {
      if !word.isEmpty { words.insert(word.lowercased()) }
      word = ""
    }
    for scalar in name.unicodeScalars {
      let isLetter = scalar.properties.isAlphabetic
      let isUpper = scalar.properties.isUppercase
      if !isLetter || (isUpper && wasLower) { end() }
      if isLetter { word.unicodeScalars.append(scalar) }
      wasLower = isLetter && !isUpper
    }
    end()
    return words
  }
}

extension TensorFile {
  /// The matrices that are left.
  var matrices: [String] { names.filter { shape(of: $0)?.count == 2 } }

  /// The one name of a list that is for a role: by its words, else by the shape that the role asks
  /// for, else by the bias that a linear layer has; nil where none of it leaves one.
  func only(_ role: TensorRole, of names: [String], shapes: [[Int]]) -> String? {
    func fits(_ name: String) -> Bool { shape(of: name).map(shapes.contains) ?? false }
    func one(_ found: [String]) -> String? { found.count == 1 ? found[0] : nil }
    let named = names.filter { role.isNamed(by: $0) }
    if let found = one(named) ?? one(named.filter(fits)) { return found }
    let other: TensorRole = role == .embedding ? .output : .embedding
    let fitting = names.filter(fits)
    return one(fitting) ?? one(fitting.filter { !other.isNamed(by: $0) })
      ?? one(fitting.filter { hasBias($0) == (role == .output) })
  }
}
