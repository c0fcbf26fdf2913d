import Batches
import Corpora
import Datasets
import NumericContract
import Records
import Tasks

/// Sessions in parts that fit in rows: each item but the last goes in, and what follows it is to
/// come out. Items that training has not seen go in as the unknown one, and are never a target.
private struct ReadSessions {
  let set: SequenceSet
  /// The item to predict at each step; -1 where it is unknown.
  let targets: [Int32]
  /// The first part of each session, and after the last one the number of all parts.
  private let firsts: [Int]
  /// Sessions of a single item.
  let shortCount: Int
  /// Sessions of several parts.
  let longCount: Int

  init(_ table: TaggedTable, _ tokenizer: Tokenizer, window: Int) {
    var (set, targets, firsts) = (SequenceSet(columns: []), [Int32](), [0])
    var (shortCount, longCount) = (0, 0)
    table.forEachEncoded(by: tokenizer) { items in
      if items.count < 2 { shortCount += 1 }
      if items.count > window + 1 { longCount += 1 }
      for first in stride(from: 0, to: items.count - 1, by: window) {
        let last = min(first + window, items.count - 1)
        set.tokens += items[first..<last]
        targets += items[first + 1...last].map { $0 == tokenizer.unknown ? -1 : $0 }
        set.starts.append(set.tokens.count)
      }
      firsts.append(set.starts.count - 1)
    }
    (self.set, self.targets, self.firsts) = (set, targets, firsts)
    (self.shortCount, self.longCount) = (shortCount, longCount)
  }

  /// The parts of some sessions that have something to predict.
  func parts(of sessions: [Int]) -> [Int] {
    sessions.flatMap { firsts[$0]..<firsts[$0 + 1] }.filter { part in
      (set.starts[part]..<set.starts[part + 1]).contains { targets[$0] >= 0 }
    }
  }

  /// Targets of some sessions, and the unknown ones among them.
  func count(of sessions: [Int]) -> TokenCount {
    sessions.reduce(into: TokenCount()) { sum, session in
      for part in firsts[session]..<firsts[session + 1] {
        for step in set.starts[part]..<set.starts[part + 1] {
          sum.tokens += 1
          if targets[step] < 0 { sum.unknown += 1 }
        }
      }
    }
  }

  /// How often each item is a target in some parts.
  func targetCounts(_ parts: [Int], vocabularySize: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: vocabularySize)
    for part in parts {
      for step in set.starts[part]..<set.starts[part + 1] where targets[step] >= 0 {
        counts[Int(targets[step])] += 1
      }
    }
    return counts
  }

  func packed(
    _ parts: [Int], _ request: SequenceRequest, shuffle: Philox?, slots: Int?
  ) -> PackedSequences {
    PackedSequences(
      set: set, chosen: parts, target: .everyStep(HostArray(targets)), batchRows: request.rows,
      window: request.window, shuffle: shuffle, slots: slots)
  }
}

extension SequenceData {
  /// Reads the sessions that `request` names.
  ///
  /// - Parameter tokenizer: of a checkpoint; nil learns the items from the sessions that train.
  init(
    readingSessions text: TextRequest, _ request: SequenceRequest, tokenizer known: Tokenizer?
  ) throws {
    let reader = SessionReader(request: request, text: text)
    let table = try reader.read(request.train)
    let isOneFile = request.heldFile == request.train
    let other = isOneFile ? nil : try request.heldFile.map { try reader.read($0) }
    let chosen = try SequenceParts(
      SequenceParts.Source(starts: table.starts, path: request.train), request)
    let tokenizer = try known ?? table.tokenizer(learnt: chosen.training, text.learning)
    let sessions = ReadSessions(table, tokenizer, window: request.window)
    let held = other.map { ReadSessions($0, tokenizer, window: request.window) } ?? sessions
    let heldSessions =
      request.heldFile == nil ? chosen.validation : Array(0..<(other ?? table).count)
    let trained = sessions.parts(of: chosen.training)
    let validated = held.parts(of: heldSessions)
    guard !trained.isEmpty else {
      throw DataFileError(
        path: request.train, place: nil,
        problem: "no session of two known items is left" + (isOneFile ? "" : " to train on"),
        hint: "lower data.valid_fraction or data.minimum_count")
    }
    let rows = sessions.packed(
      trained, request,
      shuffle: Philox(seed: UInt64(truncatingIfNeeded: request.seed), purpose: .task),
      slots: text.mostDocuments)
    let heldRows =
      validated.isEmpty
      ? nil : held.packed(validated, request, shuffle: nil, slots: text.mostDocuments)
    let targets = rows.targetCount(beforeBatch: rows.batchCount)
    self.init(
      training: .sequences(rows), validation: heldRows.map { .sequences($0) },
      outputs: tokenizer.vocabularySize, window: request.window,
      slots: max(rows.slots, heldRows?.slots ?? 1), fingerprint: table.fingerprint,
      words: "\(Format.count(chosen.training.count, "training session")), "
        + "\(Format.count(targets, "item")) to predict in \(Format.count(rows.rowCount, "row")), "
        + "\(Format.fixed(100 * rows.fill, 1)) % filled")
    validationFingerprint = request.heldFile == nil ? nil : (other ?? table).fingerprint
    self.tokenizer = tokenizer
    targetCounts = sessions.targetCounts(trained, vocabularySize: tokenizer.vocabularySize)
    validationTokens = held.count(of: heldSessions)
    summary.say("training", table, called: "session", of: "event")
    if let other { summary.say(request.heldWord, other, called: "session", of: "event") }
    for remark in table.remarks { summary.say("remark", remark) }
    for remark in other?.remarks ?? [] { summary.say("remark", "validation: " + remark) }
    let others = other == nil ? nil : held
    summary.say(
      single: sessions.shortCount + (others?.shortCount ?? 0),
      long: sessions.longCount + (others?.longCount ?? 0), window: request.window)
    summary.say(
      items: tokenizer.vocabularySize - ReadSessions.specials,
      training: sessions.count(of: chosen.training), validation: validationTokens)
    sayParts(
      Format.count(heldSessions.count, "session"), heldSessions.count, chosen.training.count)
    summary.say(splitOf: chosen, request, called: "session", tested: chosen.test.count)
  }
}

extension ReadSessions {
  /// Tokens that are no items.
  fileprivate static let specials = 2
}

extension DataSummary {
  /// Says which sessions are left out or cut.
  fileprivate mutating func say(single: Int, long: Int, window: Int) {
    if single > 0 {
      say("remark", "sessions of a single item, after which nothing comes, are left out: \(single)")
    }
    if long > 0 {
      say(
        "remark",
        "\(Format.count(long, "session")) of more than \(window + 1) items are read in parts of "
          + "batch.window steps, each from the initial state")
    }
    add(["single_item_sessions": .integer(single), "long_sessions": .integer(long)])
  }

  /// Says how many items there are, and how many targets nobody knows.
  fileprivate mutating func say(items: Int, training: TokenCount, validation: TokenCount) {
    var text = "\(Format.count(items, "item")) that training has seen"
    for (use, count) in [("training", training), ("validation", validation)]
    where count.unknown > 0 {
      text +=
        "; of the \(use) targets \(Format.share(count.unknown, of: count.tokens)) are unknown "
        + "items, which do not count"
    }
    say("items", text)
    if validation.tokens > 0, validation.unknown == validation.tokens {
      say("remark", "training has none of the items to predict in validation: nothing is measured")
    }
    add([
      "item_count": .integer(items), "unknown_targets": .integer(training.unknown),
      "unknown_validation_targets": .integer(validation.unknown),
    ])
  }
}
