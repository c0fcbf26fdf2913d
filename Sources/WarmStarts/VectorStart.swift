import Configuration
import Corpora
import GRUCore
import Records
import Tasks

/// An embedding that begins with the vectors of a file.
struct VectorStart {
  let vectors: VectorFile.Vectors
  private let size: Int
  /// What rows that the file lacks are multiplied by: they keep their random direction, at the
  /// spread of those that it has.
  let factor: Float
  /// The root of the mean square of the numbers taken.
  let spread: Double

  /// - Throws: `DataFileError`; `UsageError` where the model has no such embedding, or the file has
  ///   none of its tokens.
  init(path: String, for target: ModelTarget) throws {
    guard let tokenizer = target.tokenizer else {
      throw UsageError(
        "data.embeddings is for texts, and the task \"\(target.config.task.rawValue)\" reads "
          + "numbers; leave it out")
    }
    size = target.shape.embeddingSize
    var file = try VectorFile(path: path, size: size)
    vectors = try file.vectors(of: tokenizer)
    let found = vectors.foundCount
    guard found > 0 else {
      throw UsageError(
        "data.embeddings '\(path)' has none of the \(tokenizer.vocabularySize) tokens of "
          + "\(target.config.data.train) (\(tokenizer.kind.rawValue)) among its \(vectors.count) "
          + "words; take vectors of the language and spelling of the text")
    }
    // Rows that are not there are 0.
    guard vectors.values.contains(where: { $0 != 0 }) else {
      throw UsageError(
        "data.embeddings '\(path)' has nothing but zeros for the \(found) tokens that it knows; "
          + "take other vectors")
    }
    let squares = vectors.values.reduce(0.0) { $0 + Double($1) * Double($1) }
    spread = (squares / Double(found * size)).squareRoot()
    // A table that also scores tokens begins narrower than with unit variance.
    let first =
      target.shape.tiesWeights ? (1 / (3 * Double(target.shape.featureSize))).squareRoot() : 1
    factor = Float(spread / first)
  }

  /// Puts the vectors in the place of the first values.
  func write(to parameters: UnsafeMutablePointer<Float>, table: ParameterTable) {
    let rows = unsafe parameters + table.embeddingWeight.offset
    for (token, isFound) in vectors.isFound.enumerated() {
      for column in 0..<size {
        let place = token * size + column
        unsafe rows[place] = isFound ? vectors.values[place] : rows[place] * factor
      }
    }
  }
}

extension StartReport {
  /// What is said of vectors.
  ///
  /// - Parameter counts: how often each token goes in during training.
  init(_ start: VectorStart, path: String, counts: [Int]) {
    let vectors = start.vectors
    let (found, all) = (vectors.foundCount, vectors.isFound.count)
    let known = zip(vectors.isFound, counts).reduce(0) { $1.0 ? $0 + $1.1 : $0 }
    let tokens = counts.reduce(0, +)
    self.init(
      head: "embeddings  '\(path)': \(Format.grouped(vectors.count)) vectors",
      notes: [
        "of \(Format.grouped(found)) of the \(Format.grouped(all)) tokens of the vocabulary "
          + "(\(Format.share(found, of: all))), which are \(Format.share(known, of: tokens)) of "
          + "the training text",
        "the other rows begin at random, at the spread of those (\(Format.small(start.spread)))",
      ]
        + (vectors.repeated > 0
          ? ["words that have several vectors: the first counts, \(vectors.repeated) do not"] : []))
    add("embeddings", .string(path))
    add("vectors", .integer(vectors.count))
    add("tokens_found", .integer(found))
    add("vocabulary", .integer(all))
    add("vocabulary_share", .number(Double(found) / Double(max(1, all))))
    add("token_share", .number(Double(known) / Double(max(1, tokens))))
    add("spread", .number(start.spread))
    add("repeated", .integer(vectors.repeated))
  }
}
