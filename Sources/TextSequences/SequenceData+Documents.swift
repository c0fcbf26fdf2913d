import Batches
import Corpora
import Datasets
import NumericContract
import Records
import Tasks

/// Documents in parts that fit in rows.
private struct ReadDocuments {
  let table: TextTable
  let set: SequenceSet
  /// The first part of each document, and after the last one the number of all parts.
  private let firsts: [Int]
  /// Documents that have several parts.
  let longCount: Int

  init(_ table: TextTable, _ tokenizer: Tokenizer, window: Int) {
    self.table = table
    var (set, firsts, longCount) = (SequenceSet(columns: []), [0], 0)
    let end = tokenizer.lineEnd
    table.forEachEncoded(by: tokenizer) { tokens in
      let document = [end] + tokens + [end]
      let targets = document.count - 1
      if targets > window { longCount += 1 }
      for first in stride(from: 0, to: targets, by: window) {
        // The last token of a part is the first one of the next, so that each is predicted once.
        set.tokens += document[first..<min(first + window + 1, document.count)]
        set.starts.append(set.tokens.count)
      }
      firsts.append(set.starts.count - 1)
    }
    (self.set, self.firsts, self.longCount) = (set, firsts, longCount)
  }

  /// The parts of some documents.
  func parts(of documents: [Int]) -> [Int] { documents.flatMap { firsts[$0]..<firsts[$0 + 1] } }

  /// How often each token is a target in some parts.
  func targetCounts(_ parts: [Int], vocabularySize: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: vocabularySize)
    for part in parts {
      for step in set.starts[part] + 1..<set.starts[part + 1] { counts[Int(set.tokens[step])] += 1 }
    }
    return counts
  }

  /// What is to be known of some documents.
  ///
  /// - Parameter training: how often each token is a target in training; nil for what nobody knows.
  func counts(
    of documents: [Int], _ tokenizer: Tokenizer, training: [Int]?
  ) -> DocumentCounts {
    let counts = targetCounts(parts(of: documents), vocabularySize: tokenizer.vocabularySize)
    let sizes = table.sizes(of: documents)
    var unigramLoss: Double?
    if let training {
      let total = Double(training.reduce(training.count, +))
      let sum = zip(counts, training).reduce(0.0) { sum, pair in
        pair.0 == 0 ? sum : sum - Double(pair.0) * Elementary.log(Double(pair.1 + 1) / total)
      }
      unigramLoss = sum / Double(max(1, counts.reduce(0, +)))
    }
    return DocumentCounts(
      bytes: sizes.bytes + documents.count, characters: sizes.characters + documents.count,
      unknown: tokenizer.unknown.map { counts[Int($0)] } ?? 0, unigramLoss: unigramLoss)
  }
}

/// Documents of a language model: each begins after the token of a line end, with the initial
/// state, and ends with that token.
extension SequenceData {
  /// Reads the documents that `request` names.
  ///
  /// - Parameter tokenizer: of a checkpoint; nil learns it from the documents that train.
  init(
    readingDocuments text: TextRequest, _ request: SequenceRequest, tokenizer known: Tokenizer?
  ) throws {
    let reader = TextReader(request: request, text: text)
    let table = try reader.read(request.train)
    let isOneFile = request.heldFile == request.train
    let other = isOneFile ? nil : try request.heldFile.map { try reader.read($0) }
    let parts = try SequenceParts(
      SequenceParts.Source(starts: table.starts, path: request.train), request)
    guard !parts.training.isEmpty else {
      throw DataFileError(
        path: request.train, place: nil, problem: "no document is left to train on",
        hint: "lower data.valid_fraction")
    }
    let tokenizer =
      try known ?? table.tokenizer(learnt: parts.training, text.learning, withLineEnds: true)
    let documents = ReadDocuments(table, tokenizer, window: request.window)
    let held = other.map { ReadDocuments($0, tokenizer, window: request.window) } ?? documents
    let heldDocuments =
      request.heldFile == nil ? parts.validation : Array(0..<(other ?? table).count)
    let trained = documents.parts(of: parts.training)
    let rows = PackedSequences(
      set: documents.set, chosen: trained, target: .nextStep, batchRows: request.rows,
      window: request.window,
      shuffle: Philox(seed: UInt64(truncatingIfNeeded: request.seed), purpose: .task),
      slots: text.mostDocuments)
    var heldRows: PackedSequences?
    var heldCounts: DocumentCounts?
    if !heldDocuments.isEmpty {
      // What is measured on alone was not trained on.
      let known =
        isOneFile
        ? text.trainedCounts
        : documents.targetCounts(trained, vocabularySize: tokenizer.vocabularySize)
      heldCounts = held.counts(of: heldDocuments, tokenizer, training: known)
      heldRows = PackedSequences(
        set: held.set, chosen: held.parts(of: heldDocuments), target: .nextStep,
        batchRows: request.rows, window: request.window, shuffle: nil, slots: text.mostDocuments,
        documents: heldCounts)
    }
    let targets = rows.targetCount(beforeBatch: rows.batchCount)
    self.init(
      training: .sequences(rows), validation: heldRows.map { .sequences($0) },
      outputs: tokenizer.vocabularySize, window: request.window,
      slots: max(rows.slots, heldRows?.slots ?? 1), fingerprint: table.fingerprint,
      words: "\(Format.count(parts.training.count, "training document")), "
        + "\(Format.count(targets, "token")) in \(Format.count(rows.rowCount, "row")), "
        + "\(Format.fixed(100 * rows.fill, 1)) % filled")
    validationFingerprint = request.heldFile == nil ? nil : (other ?? table).fingerprint
    self.tokenizer = tokenizer
    targetCounts = documents.targetCounts(trained, vocabularySize: tokenizer.vocabularySize)
    let heldTargets = heldRows.map { $0.targetCount(beforeBatch: $0.batchCount) } ?? 0
    validationTokens = TokenCount(tokens: heldTargets, unknown: heldCounts?.unknown ?? 0)
    summary.say("training", request.train, table, called: "document")
    if let other, let path = request.heldFile {
      summary.say(request.heldWord, path, other, called: "document")
    }
    for remark in table.remarks { summary.say("remark", remark) }
    for remark in other?.remarks ?? [] { summary.say("remark", "validation: " + remark) }
    summary.say(
      longDocuments: documents.longCount + (other == nil ? 0 : held.longCount),
      window: request.window, isAlone: text.mostDocuments == 1)
    let unknown = documents.counts(of: parts.training, tokenizer, training: nil).unknown
    summary.say(
      tokens: TokenCount(tokens: targets, unknown: unknown), validation: validationTokens,
      tokenizer)
    sayParts(
      Format.count(heldDocuments.count, "document"), heldDocuments.count, parts.training.count)
    summary.say(splitOf: parts, request, called: "document", tested: parts.test.count)
  }
}

extension DataSummary {
  /// Says how many documents do not fit in a row.
  ///
  /// - Parameter isAlone: whether a row holds one document.
  fileprivate mutating func say(longDocuments count: Int, window: Int, isAlone: Bool) {
    if isAlone {
      say("remark", "with model.tie_weights a row holds one document, or one part of it")
    }
    if count == 0 { return }
    say(
      "remark",
      "\(Format.count(count, "document")) of more than \(window) tokens are read in parts "
        + "of batch.window steps, each from the initial state")
    add(["long_documents": .integer(count)])
  }
}
