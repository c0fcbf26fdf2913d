import Collectives
import Configuration
import Corpora
import Datasets
import Engine
import GRUCore
import Kernels
import Records
import Scoring
import Tasks
import TextSequences

/// Lines that are answered as they come, each by the state of its session.
final class FollowedInput {
  /// Where a session stands.
  struct Session {
    /// The state vectors after its last step; none before the first.
    var state: [Float] = []
    var steps = 0
    /// The token that was read last.
    var token: Int32 = 0
    /// The numbers that were read last.
    var row: [Double] = []
  }

  let prediction: Prediction
  let results: Results
  private let source: InputSource
  private let scorer: Scorer
  private let worker: SequenceWorker
  private var sessions: KnownSessions<Session>
  private let tables: TablePredictions?
  private let texts: TextPredictions?
  /// Lines that could not be read, and the first of them.
  private var unread = (count: 0, first: "")

  init(_ prediction: Prediction, _ predictor: Predictor, _ results: Results) throws {
    self.prediction = prediction
    self.results = results
    let model = predictor.model
    source = InputSource(
      path: prediction.files[0], trained: model.config.data.train,
      communicator: SoloCommunicator(), isTable: !model.task.hasTokenizer)
    scorer = try model.scorer(
      kernels: predictor.kernels, window: 1,
      plan: ShardPlan(sequences: 1, shards: 1, ranks: 1, threads: 1), on: SoloCommunicator())
    worker = scorer.replica.workers[0]
    worker.keepsScores = model.shape.adaptiveSoftmax == nil
    sessions = KnownSessions(most: prediction.sessions)
    var own = prediction
    // Sessions of items have names in training too.
    let isOfItems = model.task.outputs == .items
    if let name = prediction.session
      ?? (isOfItems ? model.config.data.task.sequence ?? "session" : nil)
    {
      own.kept = [name] + prediction.kept
    }
    tables = model.task.hasTokenizer ? nil : try TablePredictions(own, predictor, results)
    texts = model.task.hasTokenizer ? try TextPredictions(own, predictor, results) : nil
  }

  /// Throws where such a model cannot answer after each line.
  static func requireSteps(of model: LoadedModel) throws {
    let task = model.task
    func refuse(_ reason: String) -> UsageError { UsageError("--follow: \(reason)") }
    if model.shape.isBidirectional {
      throw refuse(
        "the model is bidirectional and needs whole sequences; train one with "
          + "model.bidirectional false")
    }
    if task.readout == .mean {
      throw refuse("the model reads the mean of all states; train one with output.readout \"last\"")
    }
    let data = model.config.data.task
    guard task.sequences == .windows else { return }
    if data.relative != .none {
      throw refuse("it makes windows relative to their own numbers (data.relative)")
    }
    if data.scale == .series { throw refuse("series have scales of their own (data.scale)") }
    if data.series == .columns { throw refuse("each column is a series (data.series)") }
    if data.known?.isEmpty == false { throw refuse("it needs future values (data.known)") }
  }

  /// Answers lines until there are no more.
  func run() throws {
    try TextPredictions.withoutKeys { try answerAll() }
    if sessions.forgotten > 0 {
      Console.complain(
        "gru-dist: \(Format.count(sessions.forgotten, "session")) dropped, first "
          + "\"\(sessions.firstForgotten ?? "")\": more than \(prediction.sessions) were in use "
          + "(--sessions)")
    }
  }

  /// Throws where lines could not be read, each of which was told, and had no answer.
  func requireAllRead() throws {
    if unread.count == 0 { return }
    throw DataFileError(
      path: source.name, place: nil,
      problem: "\(Format.count(unread.count, "line")) could not be read, first \(unread.first), "
        + "and had no answer")
  }

  private func answerAll() throws {
    let file = try source.openLive { [results] in try results.write { try $0.flush() } }
    file.unread = { [self] error in
      if unread.count == 0 { unread.first = error.place ?? "" }
      unread.count += 1
      Console.complain("gru-dist: \(error.whereNothingIsSet(isLeftOut: true))")
    }
    let remarks: [String]
    if let texts {
      let reader = PredictedTexts(texts.request, texts.text, texts.tokenizer, bytes: 0)
      remarks = try reader.forEachPart(of: file) { [self] part in
        texts.countNotes(part)
        for text in 0..<part.set.count { try answer(text, of: part, texts) }
        results.count += part.set.count
      }
      texts.notes.tell(source.name, remarks)
      if unread.count == 0 { try texts.requireSome(results.count, source.name) }
    } else if let tables {
      var request = tables.request
      request.format = source.format(request.format)
      // Sessions may alternate.
      request.sequenceColumn = nil
      request.parts = PartRequest(
        steps: 1, cutsSequences: true, tellsSteps: true, kept: request.parts?.kept ?? [])
      request.parts?.session = prediction.session
      remarks = try file.forEachPart(request) { [self] table in
        let steps = 0..<table.starts[table.count]
        tables.notes.count(gapsOf: table, in: steps)
        tables.notes.count(unknownOf: table, tables.frame.categories, in: steps)
        try answer(&table, of: file, tables)
        results.count += 1
      }
      let said = source.remark(try file.format(request.format)) + remarks
      tables.notes.tell(source.name, said)
    }
  }

  private func use(_ key: String, _ body: (inout Session) throws -> Void) rethrows {
    let isFirst = sessions.forgotten == 0
    guard let lost = try sessions.use(key, initial: { Session() }, body), isFirst else { return }
    Console.complain(
      "gru-dist: more than \(Format.count(prediction.sessions, "session")): from now on the one "
        + "that was not used for longest is dropped, first \"\(lost)\"; --sessions keeps more")
  }

  /// One time step of a session, whose inputs and target are set.
  private func step(_ session: inout Session) {
    let replica = scorer.replica
    if session.state.isEmpty {
      replica.resetState()
      session.state = [Float](repeating: 0, count: replica.stateCount)
    } else {
      unsafe session.state.withUnsafeBufferPointer {
        unsafe replica.writeState(from: $0.baseAddress!)
      }
    }
    unsafe worker.evaluate(parameters: replica.parameters.pointer, weights: replica.weights)
    unsafe session.state.withUnsafeMutableBufferPointer {
      unsafe replica.readState(into: $0.baseAddress!)
    }
    session.steps += 1
  }

  /// The key of a line: the first of what is kept.
  private func key(_ kept: ArraySlice<OrderedJSON>, isNamed: Bool) -> String {
    guard isNamed, let first = kept.first else { return "" }
    if case .string(let text) = first { return text }
    return first.line
  }

  private var vector: [Float] {
    var vector = [Float](repeating: 0, count: scorer.replica.shape.featureSize)
    unsafe vector.withUnsafeMutableBufferPointer {
      unsafe worker.copyState(ofSlot: 0, isMean: false, into: $0.baseAddress!)
    }
    return vector
  }

  // MARK: - Tables

  private func answer(
    _ table: inout SequenceTable, of file: DataFile, _ tables: TablePredictions
  ) throws {
    let part = table.part
    let count = tables.prediction.kept.count
    let request = tables.request
    if request.task.outputs == .labels {
      try table.requireBinary(tables.frame.columns, path: file.path)
    }
    let key = key(part.kept[0..<count], isNamed: prediction.session != nil)
    try use(key) { session in
      if request.missing == .forward, !session.row.isEmpty {
        table.fill(step: 0, from: session.row)
      }
      let rows = table.starts[table.count]
      let last = table.tail(steps: 1, fillsForward: request.missing == .forward)
      let set = try table.taken(by: tables.frame, missing: request.missing, path: file.path)
      session.row = last.row(0)
      for row in 0..<rows {
        unsafe set.writeInputs(step: row, to: worker.inputValues)
        unsafe worker.targets[0] = 0
        step(&session)
      }
      let head = Array(part.kept[0..<count])
      try results.write { writer in
        try put(writer, tables, head, step: session.steps)
      }
    }
  }

  private func put(
    _ writer: ResultWriter, _ tables: TablePredictions, _ head: [OrderedJSON], step: Int
  ) throws {
    let names = tables.prediction.kept
    if prediction.states != nil {
      return try writer.put(
        names + ["step"], head + [.integer(step)], state: vector, of: 0, among: 1)
    }
    let scores = unsafe worker.scores(ofRow: 0)
    guard tables.request.task.sequences == .windows else {
      return try unsafe tables.put(writer, scores, head: head, names, step: step)
    }
    guard case .values(let numbers) = unsafe tables.decoder.decode(scores) else { return }
    for ahead in numbers {
      tables.notes.count(
        crossing: tables.decoder.crossingQuantiles(of: ahead), at: "after step \(step)")
    }
    try tables.put(writer, numbers, head + [.integer(step)], names + ["step"])
  }

  // MARK: - Texts

  private func answer(_ text: Int, of part: TextPart, _ texts: TextPredictions) throws {
    let count = texts.prediction.kept.count
    var head = Array(part.kept[text * count..<(text + 1) * count])
    let isOfItems = texts.request.task.outputs == .items
    if isOfItems, head.first == .null {
      // A line of items that names no session is one.
      head[0] = .integer(part.lines[text])
      var session = Session()
      return try answer(text, of: part, texts, head, &session)
    }
    let key = key(head[...], isNamed: isOfItems || prediction.session != nil)
    try use(key) { session in
      // A blank line has ended the sequence before.
      if part.beginsSequence { session = Session() }
      try answer(text, of: part, texts, head, &session)
    }
  }

  private func answer(
    _ text: Int, of part: TextPart, _ texts: TextPredictions, _ head: [OrderedJSON],
    _ session: inout Session
  ) throws {
    var tokens = part.set.tokens(of: text)
    if texts.request.task.writesText {
      // Lines of a stream end; those of a session that is one document go on.
      if texts.text.documents == nil { tokens.append(texts.tokenizer.lineEnd) }
      return try score(tokens, head, texts, &session)
    }
    let isTagging = texts.request.task.targets == .everyStep
    for (place, token) in tokens.enumerated() {
      unsafe (worker.inputs[0], worker.targets[0]) = (token, 0)
      step(&session)
      guard isTagging, prediction.states == nil else { continue }
      try results.write { writer in
        let (names, cells) = classes(writer, texts, "tag")
        let word = part.words[part.set.starts[text] + place]
        try writer.put(
          texts.prediction.kept + ["step", "word"] + names,
          head + [.integer(session.steps), .string(word)] + cells)
      }
    }
    if isTagging, prediction.states == nil { return }
    try results.write { writer in
      let (names, cells) = (texts.prediction.kept + ["step"], head + [.integer(session.steps)])
      if prediction.states != nil {
        return try writer.put(
          names, cells, state: vector, of: 0, among: 1, isThere: !tokens.isEmpty)
      }
      let answer = classes(
        writer, texts, texts.request.task.outputs == .items ? "item" : "class",
        isThere: !tokens.isEmpty)
      try writer.put(names + answer.names, cells + answer.cells)
    }
  }

  private func classes(
    _ writer: ResultWriter, _ texts: TextPredictions, _ noun: String, isThere: Bool = true
  ) -> (names: [String], cells: [OrderedJSON]) {
    let scores = unsafe worker.scores(ofRow: 0)
    let count = min(texts.decoder.classCount, prediction.top ?? 1)
    let best = unsafe isThere ? texts.decoder.likeliest(scores, count: count) : []
    return writer.classes(best, isRanked: prediction.top != nil, count: count, called: noun)
  }

  /// How likely a language model finds tokens after those of the session so far.
  private func score(
    _ tokens: [Int32], _ head: [OrderedJSON], _ texts: TextPredictions, _ session: inout Session
  ) throws {
    let reading = Predictor.Reading.losses(isRanked: prediction.ranks != nil)
    var numbers: [Float] = []
    if session.steps == 0 { session.token = texts.tokenizer.lineEnd }
    for token in tokens {
      unsafe (worker.inputs[0], worker.targets[0]) = (session.token, token)
      step(&session)
      session.token = token
      var own = [Float](repeating: 0, count: reading.width)
      unsafe own.withUnsafeMutableBufferPointer {
        unsafe reading.read(worker, 0, $0.baseAddress!)
      }
      numbers += own
    }
    try results.write { writer in
      if prediction.states != nil {
        return try writer.put(
          texts.prediction.kept + ["step"], head + [.integer(session.steps)], state: vector, of: 0,
          among: 1, isThere: !tokens.isEmpty)
      }
      let names = texts.prediction.kept + ["step"]
      let cells = head + [.integer(session.steps)]
      if prediction.unit == .token {
        for place in tokens.indices {
          let own = numbers[place * reading.width..<(place + 1) * reading.width]
          try texts.put(
            token: tokens[place], place, own, names: names, cells, writer)
        }
      } else {
        try texts.put(line: numbers, 0..<tokens.count, reading.width, names: names, cells, writer)
      }
    }
  }
}
