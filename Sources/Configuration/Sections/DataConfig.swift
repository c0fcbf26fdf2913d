package import Corpora
package import Tasks

/// What to train and validate on.
package struct DataConfig: ConfigSection {
  package var train = ""
  /// A text of its own to validate on; nil takes the end of `train`.
  package var valid: String?
  package var validFraction = 0.1
  package var tokenizer = Tokenizer.Kind.byte
  /// Words that occur less often in `train` are unknown, byte pairs that do are not merged.
  package var minimumCount = 1
  /// Most tokens of a vocabulary of words or byte pairs; 0 for no limit of words, and 4,096 of
  /// byte pairs.
  package var vocabularyLimit = 0
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
    ] + tokenKeys + taskKeys + columnKeys

  package mutating func adopt(_ task: TaskName) {
    self.task.adopt(task)
    // Every word that a file has is one token.
    if task == .tagging { tokens.tokenizer = .word }
  }

  package func check(_ place: ConfigPlace, task: TaskName) throws(ConfigError) {
    if let problem = learning.problem { throw place.failure("vocabulary_limit", problem) }
  }

  /// How the tokenizer is learned from `train`.
  package var learning: Tokenizer.Learning {
    Tokenizer.Learning(
      tokens.tokenizer ?? tokenizer, minimumCount: minimumCount, vocabularyLimit: vocabularyLimit)
  }

  /// Whether there is something to validate on.
  package func hasValidation(_ name: TaskName) -> Bool {
    name.description.isGenerated ? task.validSequences > 0 : valid != nil || validFraction > 0
  }
}
