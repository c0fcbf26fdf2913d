package import Corpora
import Records

/// What to train and validate on.
package struct DataConfig: Sendable, Equatable {
  package var train: String
  /// A text of its own to validate on; nil takes the end of `train`.
  package var valid: String?
  package var validFraction: Double
  package var tokenizer: Tokenizer.Kind
  /// Words that occur less often in `train` are unknown, byte pairs that do are not merged.
  package var minimumCount: Int
  /// Most tokens of a vocabulary of words or byte pairs; 0 for no limit of words, and 4,096 of
  /// byte pairs.
  package var vocabularyLimit: Int
  /// What only other tasks than a language model read.
  package var task = TaskDataConfig()

  init(_ reader: consuming ConfigReader, task name: TaskName) throws(ConfigError) {
    if name.isGenerated {
      task = try TaskDataConfig(&reader, task: name)
      (train, valid, validFraction) = ("", nil, 0)
      (tokenizer, minimumCount, vocabularyLimit) = (.byte, 1, 0)
      try reader.finish()
      return
    }
    train = try reader.string("train", default: nil)
    valid = try reader.optionalString("valid")
    validFraction = try reader.number(
      "valid_fraction", default: 0.1, expected: "a number from 0 to 0.9"
    ) { 0...0.9 ~= $0 }
    if name != .language {
      task = try TaskDataConfig(&reader, task: name)
      (tokenizer, minimumCount, vocabularyLimit) = (.byte, 1, 0)
      try reader.finish()
      return
    }
    tokenizer = try reader.choice("tokenizer", default: .byte, aliases: ["char": .character])
    minimumCount = try reader.integer("minimum_count", default: 1, in: 1...Int.max)
    vocabularyLimit = try reader.integer("vocabulary_limit", default: 0, in: 0...Int(Int32.max))
    try reader.finish()
    if let problem = learning.problem { throw reader.failure("vocabulary_limit", problem) }
  }

  /// How the tokenizer is learned from `train`.
  package var learning: Tokenizer.Learning {
    Tokenizer.Learning(tokenizer, minimumCount: minimumCount, vocabularyLimit: vocabularyLimit)
  }

  /// Whether there is something to validate on.
  package func hasValidation(_ name: TaskName) -> Bool {
    name.isGenerated ? task.validSequences > 0 : valid != nil || validFraction > 0
  }

  func json(_ name: TaskName) -> OrderedJSON {
    name == .language ? languageJSON : task.json(name, self)
  }

  private var languageJSON: OrderedJSON {
    [
      "train": .string(train), "valid": valid.map { .string($0) } ?? .null,
      "valid_fraction": .number(validFraction), "tokenizer": .string(tokenizer.rawValue),
      "minimum_count": .integer(minimumCount), "vocabulary_limit": .integer(vocabularyLimit),
    ]
  }
}
