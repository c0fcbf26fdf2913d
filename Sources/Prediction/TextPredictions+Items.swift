import Batches
import Datasets
import GRUCore
import Records
import Scoring
import TextSequences

/// Which items come next in sessions.
extension TextPredictions {
  /// Ranks the items that may follow the last one of each session of a part.
  func putItems(_ part: TextPart, _ head: Head) throws {
    // As long sessions train and are measured: what follows depends on their last part.
    var set = SequenceSet(columns: [])
    for session in 0..<part.set.count {
      let last = part.set.starts[session + 1]
      let first = part.set.starts[session]
      let cut = first + max(0, last - first - 1) / request.window * request.window
      if cut > first {
        notes.count(
          "sessions of more than \(request.window) items, whose last part of batch.window items "
            + "alone is read, as in training", at: "line \(part.lines[session])")
      }
      for place in cut..<last { set.tokens.append(part.set.tokens[place]) }
      set.starts.append(set.tokens.count)
    }
    let zeros = HostArray([Int32](repeating: 0, count: set.tokens.count))
    let items = PredictedItems(
      packed(set, chosen(set), .everyStep(zeros)),
      lastStepsOf: (0..<set.count).map { set.length($0) })
    let count = min(decoder.classCount, prediction.top ?? 1)
    let numbers = try predictor.numbers(of: items, .best(count, by: decoder))
    try results.write { writer in
      for session in 0..<set.count {
        let isEmpty = set.length(session) == 0
        let own = numbers[2 * count * session..<2 * count * (session + (isEmpty ? 0 : 1))]
        let best = stride(from: own.startIndex, to: own.endIndex, by: 2).map { place in
          NamedNumber(
            decoder.name(of: Int(own[place].bitPattern)), Double(own[place + 1]))
        }
        let (names, cells) = writer.classes(
          best, isRanked: prediction.top != nil, count: count, called: "item")
        try writer.put(head.names + names, head.cells(session) + cells)
      }
    }
  }
}

extension Predictor.Reading {
  /// The places of the highest scores, as bits of numbers, each with its probability.
  static func best(_ count: Int, by decoder: OutputDecoder) -> Self {
    unsafe Self(width: 2 * count, needsScores: true) { worker, row, numbers in
      let best = unsafe decoder.best(worker.scores(ofRow: row), count: count)
      for (rank, one) in best.enumerated() {
        unsafe numbers[2 * rank] = Float(bitPattern: UInt32(one.place))
        unsafe numbers[2 * rank + 1] = Float(one.probability)
      }
    }
  }
}
