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

  /// Checks that every worker gets a shard.
  ///
  /// - Parameter canReshard: whether the number of shards may still be chosen, as it may not for a
  ///   checkpoint.
  package func validate(
    ranks: Int, threads: Int, place: String, canReshard: Bool = true
  ) throws(ConfigError) {
    let workers = ranks * threads
    guard workers <= batch.shards else {
      throw ConfigError(
        place: place, key: "batch.shards",
        problem: "\(workers) workers (\(Format.count(ranks, "rank")) x "
          + "\(Format.count(threads, "thread"))) need a shard each, "
          + "but there are \(batch.shards) shards",
        hint: "start fewer ranks or threads"
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
