package import Corpora
import Records

extension Config {
  /// Checks what the tokens decide: clusters need some tokens each, and rare ones to come last.
  package func validate(_ tokenizer: Tokenizer, place: String) throws(ConfigError) {
    guard let last = model.adaptiveSoftmax.last else { return }
    let key = "model.adaptive_softmax"
    let size = tokenizer.vocabularySize
    guard tokenizer.kind == .word || tokenizer.kind == .bytePair else {
      throw ConfigError(
        place: place, key: key,
        problem: "needs tokens that are numbered by how often they occur, and those of tokenizer "
          + "\"\(tokenizer.kind.rawValue)\" are not",
        hint: "set it to null, or data.tokenizer to \"word\" or \"bpe\"")
    }
    guard last < size else {
      throw ConfigError(
        place: place, key: key,
        problem: "a cluster begins with token \(last), and the vocabulary has \(size) tokens",
        hint: "every cutoff must be less than \(size)")
    }
  }

  /// Checks that a token file has no other vocabulary than the one that is asked for.
  package func validateVocabulary(of corpus: TokenCorpus, place: String) throws(ConfigError) {
    let size = corpus.tokenizer.vocabularySize
    guard corpus.isPrepared, ![0, size].contains(data.vocabularyLimit) else { return }
    throw ConfigError(
      place: place, key: "data.vocabulary_limit",
      problem: "is \(data.vocabularyLimit), and the token file '\(corpus.path)' was made with "
        + "\(size) tokens, which stay",
      hint: "leave it out, or prepare the text again with --vocabulary-limit "
        + "\(data.vocabularyLimit)")
  }

  /// The most threads of each of `ranks` ranks that gain something: as many as it has shards, and
  /// where time steps are long enough for several to share one, those besides. A thread's part of a
  /// product with recurrent weights is at least 65,536 multiply-adds and 32 columns.
  package func usefulThreads(ranks: Int) -> Int {
    let size = Double(model.hidden)
    let products = size * size * Double(batch.sequences / batch.shards)
    let sharing = min(Int(min(products / 65_536, 1024)), model.hidden / 32)
    return max(1, batch.shards / ranks) * (exchange.isLocal ? 1 : max(1, sharing))
  }

  /// Checks that every rank gets a shard; threads may share one.
  ///
  /// - Parameter canReshard: whether the number of shards may still be chosen, as it may not for a
  ///   checkpoint.
  package func validate(
    ranks: Int, place: String, canReshard: Bool = true
  ) throws(ConfigError) {
    guard ranks <= batch.shards else {
      throw ConfigError(
        place: place, key: "batch.shards",
        problem: "\(Format.count(ranks, "rank")) need a shard each, "
          + "but there are \(batch.shards) shards",
        hint: "start fewer ranks, each with more threads (--threads)"
          + (canReshard ? ", or raise batch.shards (which changes the trajectory)" : ""))
    }
    let (key, groups) =
      exchange.isLocal
      ? ("exchange.local_groups", exchange.localGroups)
      : ("exchange.compression_groups", exchange.compressionGroups)
    if exchange.isLocal || exchange.compression != .none, !groups.isMultiple(of: ranks) {
      let possible = (1...groups).filter { groups.isMultiple(of: $0) }
      throw ConfigError(
        place: place, key: key,
        problem: "\(groups) groups cannot be dealt to \(Format.count(ranks, "rank")) as wholes",
        hint: "possible numbers of ranks are \(shortList(possible))")
    }
  }
}
