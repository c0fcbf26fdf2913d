import Batches
import Corpora
import Datasets
import Engine
import GRUCore
import NumericContract
import Records
import Scoring
import TextSequences

/// How likely a language model finds texts: each begins after a line end, and ends with one.
extension TextPredictions {
  /// Texts between line ends, and the first sequence of each, which has several where a text is
  /// longer than the rows that the model read documents in.
  struct Documents {
    var set: SequenceSet
    var firsts = [0]
  }

  /// - Parameter window: most targets of a sequence; nil for any number.
  func documents(_ texts: SequenceSet, splitting window: Int?) -> Documents {
    var documents = Documents(set: SequenceSet(columns: []))
    let end = tokenizer.lineEnd
    for text in 0..<texts.count {
      let tokens = [end] + texts.tokens(of: text) + [end]
      let targets = tokens.count - 1
      for first in stride(from: 0, to: targets, by: window ?? targets) {
        // The last token of a sequence is the first one of the next, so that each is scored once.
        let last = min(first + (window ?? targets) + 1, tokens.count)
        documents.set.tokens += tokens[first..<last]
        documents.set.starts.append(documents.set.tokens.count)
      }
      documents.firsts.append(documents.set.starts.count - 1)
    }
    return documents
  }

  /// Scores the texts of a part.
  func putScores(_ part: TextPart, _ head: Head) throws {
    let documents = documents(
      part.set, splitting: text.documents == nil ? nil : request.window)
    let set = documents.set
    for text in 0..<part.set.count
    where documents.firsts[text + 1] - documents.firsts[text] > 1 {
      notes.count(
        "longer documents, read in parts of \(Format.count(request.window, "step")), each from the "
          + "initial state", at: place(text, part))
    }
    let texts = (0..<part.set.count).filter { part.set.length($0) > 0 }
    let chosen = texts.flatMap { documents.firsts[$0]..<documents.firsts[$0 + 1] }
    // A target less than tokens of each sequence.
    let starts = set.starts.indices.map { set.starts[$0] - $0 }
    let items = PredictedItems(packed(set, chosen, .nextStep), starts: starts)
    let isRanked = prediction.ranks != nil
    let numbers = try predictor.numbers(of: items, .losses(isRanked: isRanked))
    let width = isRanked ? 2 : 1
    try results.write { writer in
      for text in 0..<part.set.count {
        let sequences = documents.firsts[text]..<documents.firsts[text + 1]
        let range = starts[sequences.lowerBound]..<starts[sequences.upperBound]
        let isThere = part.set.length(text) > 0
        guard prediction.unit == .token else {
          try put(
            line: numbers, isThere ? range : 0..<0, width, names: head.names, head.cells(text),
            writer)
          continue
        }
        if !isThere { continue }
        let tokens = part.set.tokens(of: text) + [tokenizer.lineEnd]
        for (place, item) in range.enumerated() {
          try put(
            token: tokens[place], place, numbers[item * width..<(item + 1) * width],
            names: head.names, head.cells(text), writer)
        }
      }
    }
  }

  func put(
    line numbers: [Float], _ range: Range<Int>, _ width: Int, names first: [String],
    _ head: [OrderedJSON], _ writer: ResultWriter
  ) throws {
    let loss = range.reduce(0.0) { $0 + Double(numbers[$1 * width]) }
    let mean = loss / Double(range.count)
    var names = ["tokens", "log_likelihood", "perplexity"]
    var cells: [OrderedJSON] = [.integer(range.count)]
    if range.isEmpty {
      cells += [.null, .null]
    } else {
      cells += [
        .number(ResultWriter.rounded(-loss)),
        .number(mean < 700 ? ResultWriter.rounded(Elementary.exp(mean)) : .infinity),
      ]
    }
    if let most = prediction.ranks {
      names.append("unlikely")
      cells.append(.integer(range.count { numbers[$0 * width + 1] > Float(most) }))
    }
    try writer.put(first + names, head + cells)
  }

  func put(
    token: Int32, _ place: Int, _ numbers: ArraySlice<Float>, names first: [String],
    _ head: [OrderedJSON], _ writer: ResultWriter
  ) throws {
    var names = ["token", "text", "log_likelihood"]
    var bytes = decoder.bytes(of: token)
    // What a word is written with, and no part of it.
    if tokenizer.kind == .word, bytes.last == 0x20 { bytes.removeLast() }
    var cells: [OrderedJSON] = [
      .integer(place + 1), .string(String(decoding: bytes, as: UTF8.self)),
      .number(ResultWriter.shortest(-numbers[numbers.startIndex])),
    ]
    if let most = prediction.ranks {
      let rank = Int(numbers[numbers.startIndex + 1])
      names += ["rank", "likely"]
      cells += [.integer(rank), .bool(rank <= most)]
    }
    try writer.put(first + names, head + cells)
  }
}

extension SequenceSet {
  /// The tokens of a sequence.
  func tokens(of sequence: Int) -> [Int32] {
    (starts[sequence]..<starts[sequence + 1]).map { tokens[$0] }
  }
}

/// How many numbers are higher than one.
private func higher(_ numbers: UnsafeBufferPointer<Float>, than number: Float) -> Int {
  let (bytes, limit) = (UnsafeRawBufferPointer(numbers), SIMD8<Float>(repeating: number))
  var counts = SIMD8<Int32>()
  var place = 0
  while place + 8 <= numbers.count {
    let eight = unsafe bytes.loadUnaligned(fromByteOffset: 4 * place, as: SIMD8<Float>.self)
    counts.replace(with: counts &+ 1, where: eight .> limit)
    place += 8
  }
  var rest = 0
  while place < numbers.count {
    if unsafe numbers[place] > number { rest += 1 }
    place += 1
  }
  return Int(counts.wrappedSum()) + rest
}

extension Predictor.Reading {
  /// The loss of each target, in nats, and its place among all tokens by their scores.
  static func losses(isRanked: Bool) -> Self {
    unsafe Self(width: isRanked ? 2 : 1, needsScores: isRanked) { worker, row, numbers in
      unsafe numbers[0] = worker.loss(ofRow: row)
      guard isRanked else { return }
      let scores = unsafe worker.scores(ofRow: row)
      let score = unsafe scores[Int(worker.targets[row])]
      unsafe numbers[1] = Float(1 + higher(scores, than: score))
    }
  }
}
