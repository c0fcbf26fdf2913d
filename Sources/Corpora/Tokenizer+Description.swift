package import Records

extension Tokenizer {
  /// The description that checkpoints and token files carry.
  package var json: OrderedJSON {
    var members = [OrderedJSON.Member("kind", .string(kind.rawValue))]
    // Programs that knew one version of the rules did not write which.
    if let rules, rules != .one { members.append(.init("rules", .integer(rules.rawValue))) }
    switch self {
    case .byte: break
    case .character(let vocabulary):
      members.append(.init("scalars", .string(vocabulary.description)))
    case .word(let vocabulary): members.append(.init("words", .string(vocabulary.description)))
    case .bytePair(let vocabulary):
      members.append(.init("merges", .string(vocabulary.description)))
    }
    return .object(members)
  }

  /// Rebuilds a tokenizer from its description.
  package init(json fields: JSONFields) throws(JSONFieldError) {
    let number = try fields.integer(ifPresent: "rules") ?? 1
    guard let rules = TextRules(rawValue: number) else {
      let known = TextRules.allCases.map { "\($0.rawValue)" }.joined(separator: " and ")
      throw fields.error(
        "rules", "is \(number), and this program knows versions \(known) of the rules")
    }
    func vocabulary<Vocabulary>(
      _ name: String, _ form: String, _ make: (String, TextRules) -> Vocabulary?
    ) throws(JSONFieldError) -> Vocabulary {
      guard let vocabulary = make(try fields.string(name), rules) else {
        throw fields.error(name, "is damaged: \(form)")
      }
      return vocabulary
    }
    let name = try fields.string("kind")
    switch Kind(rawValue: name) {
    case .byte: self = .byte
    case .character:
      self = .character(
        try vocabulary(
          "scalars", CharacterVocabulary.form, CharacterVocabulary.init(description:rules:)))
    case .word:
      self = .word(
        try vocabulary("words", WordVocabulary.form, WordVocabulary.init(description:rules:)))
    case .bytePair:
      self = .bytePair(
        try vocabulary(
          "merges", BytePairVocabulary.form, BytePairVocabulary.init(description:rules:)))
    case nil: throw fields.error("kind", "is '\(name)', which no tokenizer has")
    }
  }
}

extension Tokenizer: Codable {
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(json.line)
  }

  package init(from decoder: any Decoder) throws {
    let line = try decoder.singleValueContainer().decode(String.self)
    try self.init(json: JSONFields(OrderedJSON(parsing: Array(line.utf8))))
  }
}
