/// An output layer in parts, for large vocabularies (Grave, Joulin, Cissé, Grangier and Jégou,
/// 2017).
///
/// The head scores the most frequent tokens and one entry for each cluster of rarer ones. A cluster
/// scores its tokens from a narrower vector, P h of H / factor^i values for the i-th cluster
/// counted from 1, and only where the token to predict is one of them:
/// ```
/// p(w) = softmax(W h + b)_w                                            w in the head
/// p(w) = softmax(W h + b)_c · softmax(W_c P_c h + b_c)_w               w in cluster c
/// ```
/// The probabilities of all tokens add up to 1. Any order of tokens gives a model; it is fast where
/// frequent tokens come first.
package struct AdaptiveSoftmax: Sendable, Equatable {
  /// The first token of every cluster, ascending; tokens before the first are the head's own.
  package var cutoffs: [Int]
  /// How many times narrower the vectors of a cluster are than those of the one before.
  package var factor: Int

  /// Preconditions: `cutoffs` are ascending and not empty, `factor` is positive.
  package init(cutoffs: [Int], factor: Int) {
    precondition(!cutoffs.isEmpty, "no cutoffs")
    precondition(cutoffs[0] > 0, "cutoff \(cutoffs[0]) < 1")
    precondition(zip(cutoffs, cutoffs.dropFirst()).allSatisfy { $0 < $1 }, "\(cutoffs)")
    precondition(factor > 0, "factor \(factor) < 1")
    self.cutoffs = cutoffs
    self.factor = factor
  }

  /// Rows of the head: tokens, and entries for clusters.
  package var headSize: Int { cutoffs[0] + cutoffs.count }

  /// The clusters in order.
  ///
  /// - Parameters:
  ///   - vocabulary: the number of tokens, above every cutoff.
  ///   - features: the size of the vector that the output layer reads.
  package func clusters(vocabulary: Int, features: Int) -> [TailCluster] {
    precondition(
      cutoffs[cutoffs.count - 1] < vocabulary,
      "cutoff \(cutoffs[cutoffs.count - 1]) >= \(vocabulary) tokens")
    var size = features
    return cutoffs.indices.map { index in
      size = max(1, size / factor)
      let end = index + 1 < cutoffs.count ? cutoffs[index + 1] : vocabulary
      return TailCluster(
        tokens: cutoffs[index]..<end, projectionSize: size, headEntry: cutoffs[0] + index)
    }
  }
}

/// A cluster of an adaptive softmax.
package struct TailCluster: Sendable, Equatable {
  package var tokens: Range<Int>
  /// Values of the vector that it scores its tokens from.
  package var projectionSize: Int
  /// The entry of the head that stands for it.
  package var headEntry: Int

  package init(tokens: Range<Int>, projectionSize: Int, headEntry: Int) {
    (self.tokens, self.projectionSize, self.headEntry) = (tokens, projectionSize, headEntry)
  }
}
