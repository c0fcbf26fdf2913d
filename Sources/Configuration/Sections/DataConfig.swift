package import Corpora
package import Tasks

/// What to train and validate on.
package struct DataConfig: ConfigSection {
  package var train = ""
  /// A text of its own to validate on; nil takes the end of `train`.
  package var valid: String?
  package var validFraction = 0.1
  /// A file of its own to test on, or the part of `train`.
  package var test: String?
  package var testFraction = 0.0
  package var split = SplitConfig()
  package var tokenizer = Tokenizer.Kind.byte
  /// Words that occur less often in `train` are unknown, byte pairs that do are not merged.
  package var minimumCount = 1
  /// Most tokens of a vocabulary of words or byte pairs; 0 for no limit of words, and 4,096 of
  /// byte pairs.
  package var vocabularyLimit = 0
  /// A text file of vectors of words that the embedding begins with; nil for random numbers.
  package var embeddings: String?
  /// What only other tasks than a language model read.
  package var task = TaskDataConfig()
  /// What only tasks read that make tokens of texts.
  package var tokens = TokenDataConfig()

  package init() {}

  /// The content of `train` is compared at a resume, so that the file may have another name;
  /// another text in `valid` is found too, and only changes what losses are compared with.
  package static let keys: [ConfigKey<DataConfig>] =
    [
      ConfigKey(
        "train", \.train, .path, tasks: .fromFiles, required: "name a text file to train on",
        resume: .free,
        "The text to train on, or a token file that `gru-dist prepare` made. Other tasks: a file "
          + "of sequences, or a directory of texts by class."),
      ConfigKey(
        "valid", \.valid, .optionalPath, tasks: .fromFiles, resume: .free,
        "A text of its own to validate on; null takes the end of `train`."),
      ConfigKey(
        "valid_fraction", \.validFraction, .number(.from(0, to: 0.9)), tasks: .fromFiles,
        "The part at the end of `train` that is set aside for validation where `valid` is null: of "
          + "a text by bytes, so that the vocabulary is learnt from the rest, of a token file by "
          + "tokens."),
      ConfigKey(
        "test", \.test, .optionalPath, tasks: .fromFiles, resume: .free,
        "A file of its own for `gru-dist evaluate --test`, which training does not read."),
      ConfigKey(
        "test_fraction", \.testFraction, .number(.from(0, to: 0.9)), tasks: .fromFiles,
        "The part of `train` that is set aside for `evaluate --test`: of texts and series the end, "
          + "after the part to validate on, and else sequences at random."),
      ConfigKey(section: "split", \.split, tasks: .fromSequences),
      ConfigKey(
        "tokenizer", \.tokenizer, .choice(aliases: ["char": .character]), tasks: [.language],
        "How text becomes tokens: bytes, Unicode characters, words (a line end is `<eos>`), or "
          + "byte pairs that are learned from `train`."),
      ConfigKey(
        "minimum_count", \.minimumCount, .integer(1...Int.max), tasks: .withTokenizer,
        "Words that occur less often are unknown, byte pairs that do are not merged."),
      ConfigKey(
        "vocabulary_limit", \.vocabularyLimit, .integer(0...Int(Int32.max)), tasks: .withTokenizer,
        "Most tokens of a vocabulary of words or byte pairs; 0 is no limit of words, and 4,096 of "
          + "byte pairs."),
      ConfigKey(
        "embeddings", \.embeddings, .optionalPath, tasks: .withTokenizer, resume: .free,
        "A text file of word2vec, GloVe or fastText, of whose vectors a new run makes its "
          + "embedding; see [fine-tuning.md](fine-tuning.md#vectors-of-words)."),
    ] + tokenKeys + taskKeys + columnKeys

  package mutating func adopt(_ task: TaskName) {
    self.task.adopt(task)
    // Every word that a file has is one token.
    if task == .tagging || task == .recommendation { tokens.tokenizer = .word }
  }

  package func check(_ place: ConfigPlace, task: TaskName) throws(ConfigError) {
    if let problem = learning.problem { throw place.failure("vocabulary_limit", problem) }
    try checkParts(place)
    if self.task.missing == .drop, task != .classification || tokens.tokenizer == nil {
      throw place.failure(
        "missing", "is \"drop\", which is for texts that have a class",
        hint: "set it to \"forward\", \"mean\" or \"mask\"")
    }
  }

  /// Checks that each part comes from one place.
  private func checkParts(_ place: ConfigPlace) throws(ConfigError) {
    let rule = split.rule
    if test != nil, testFraction > 0 || rule.test != .none {
      throw place.failure(
        "test", "names a file, and "
          + (testFraction > 0 ? "data.test_fraction" : "data.split.test")
          + " a part of data.train: there is one test", hint: "leave one of them out")
    }
    if valid != nil, rule.valid != .none {
      throw place.failure(
        "valid", "names a file, and data.split.valid a part of data.train",
        hint: "leave one of them out")
    }
    if !rule.by.takesFractions, testFraction > 0 {
      throw place.failure(
        "test_fraction", "is not used where data.split is by \"\(rule.by.rawValue)\"",
        hint: "set it to 0, or data.split.by to \"fraction\"")
    }
    if valid == nil, validFraction + testFraction > 0.95 {
      throw place.failure(
        "test_fraction",
        "leaves hardly anything to train on beside data.valid_fraction \(validFraction)",
        hint: "lower one of them")
    }
    guard hasTest, test.map({ $0 == train || $0 == valid }) ?? (valid == train) else { return }
    throw place.failure(
      test == nil ? "valid" : "test", "names a file that another part has too",
      hint: "name a file of its own")
  }

  /// Whether something is set aside to test on.
  package var hasTest: Bool {
    let rule = split.rule
    return test != nil || (rule.by.takesFractions ? testFraction > 0 : rule.test != .none)
  }

  /// How the tokenizer is learned from `train`.
  package var learning: Tokenizer.Learning {
    Tokenizer.Learning(
      tokens.tokenizer ?? tokenizer, minimumCount: minimumCount, vocabularyLimit: vocabularyLimit)
  }

  /// Whether there is something to validate on.
  package func hasValidation(_ name: TaskName) -> Bool {
    if name.description.isGenerated { return task.validSequences > 0 }
    let rule = split.rule
    return valid != nil || (rule.by.takesFractions ? validFraction > 0 : rule.valid != .none)
  }
}
