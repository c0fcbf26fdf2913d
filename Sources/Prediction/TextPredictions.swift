import Batches
import Configuration
import Corpora
import Datasets
import Engine
import GRUCore
import Records
import Scoring
import Tasks
import TextSequences

/// Predictions for texts, part by part: their classes, those of their words, or how likely they
/// are.
final class TextPredictions {
  let prediction: Prediction
  let predictor: Predictor
  let results: Results
  let decoder: OutputDecoder
  let tokenizer: Tokenizer
  let request: SequenceRequest
  let text: TextRequest
  var notes = InputNotes()

  init(_ prediction: Prediction, _ predictor: Predictor, _ results: Results) throws {
    self.prediction = prediction
    self.predictor = predictor
    self.results = results
    let model = predictor.model
    decoder = try model.decoder()
    tokenizer = model.tokenizer
    var request = model.config.sequenceRequest
    guard let text = request.text else { preconditionFailure("the model reads no texts") }
    var kept = prediction.kept
    if request.task.outputs == .items {
      request.sequenceColumn = prediction.session ?? request.sequenceColumn
      // The session is handed on in any case.
      if prediction.follows { kept.removeFirst() }
    }
    request.parts = PartRequest(
      steps: 0, cutsSequences: false, tellsSteps: false, kept: kept)
    request.parts?.session = prediction.session
    (self.request, self.text) = (request, text)
  }

  /// Bytes of a part: some batches of tokens.
  private var partBytes: Int {
    let tokens = 16 * predictor.rows * predictor.window
    let bytes = tokenizer.kind == .word || tokenizer.kind == .bytePair ? 4 * tokens : tokens
    return max(1 << 12, min(1 << 22, bytes))
  }

  /// Predicts what a file holds.
  func predict(_ path: String) throws {
    let source = InputSource(
      path: path, trained: predictor.model.config.data.train, communicator: predictor.communicator)
    notes = InputNotes()
    let file = try source.open()
    let name = prediction.files.count > 1 ? source.name : nil
    let texts = PredictedTexts(request, text, tokenizer, bytes: partBytes)
    let before = results.count
    let form = path == "-" ? [] : texts.remark(on: file)
    let remarks = try Self.withoutKeys {
      try form + texts.forEachPart(of: file) { [self] part in try predict(part, of: name) }
    }
    try requireSome(results.count - before, source.name)
    try results.endFile()
    try results.write { _ in notes.tell(source.name, remarks) }
  }

  private func predict(_ part: TextPart, of name: String?) throws {
    countNotes(part)
    try results.beginPart(part.set.count)
    let head = Head(
      file: name, kept: prediction.kept, part: part,
      session: request.task.outputs == .items ? request.sequenceColumn ?? "session" : nil)
    if let states = prediction.states {
      try putStates(part, head, states)
    } else if request.task.outputs == .items {
      try putItems(part, head)
    } else if request.task.writesText {
      try putScores(part, head)
    } else if request.task.targets == .everyStep {
      try putTags(part, head)
    } else {
      try putClasses(part, head)
    }
    results.count += part.set.count
  }

  /// Reads a file; keys of the config cannot be set where it is read.
  static func withoutKeys<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as DataFileError { throw error.whereNothingIsSet() }
  }

  /// Throws where a file has nothing to predict: something has failed before.
  func requireSome(_ count: Int, _ name: String) throws {
    if count > 0 { return }
    throw DataFileError(
      path: name, place: nil,
      problem: "there is no \(request.task.outputs == .items ? "session" : "text") in it")
  }

  /// What stands before a result: the file, where there are several, the line or session, and what
  /// is kept.
  struct Head {
    var file: String?
    var kept: [String]
    var part: TextPart
    /// What tells sessions apart, which are named by the first of what is kept; nil of texts.
    var session: String?

    var names: [String] { (file == nil ? [] : ["file"]) + [session ?? "line"] + kept }

    func cells(_ text: Int) -> [OrderedJSON] {
      let count = kept.count + (session == nil ? 0 : 1)
      var own = Array(part.kept[text * count..<(text + 1) * count])
      let line = OrderedJSON.integer(part.lines[text])
      if session == nil { own.insert(line, at: 0) } else if own[0] == .null { own[0] = line }
      return (file.map { [.string($0)] } ?? []) + own
    }
  }

  func countNotes(_ part: TextPart) {
    let set = part.set
    for text in 0..<set.count where set.length(text) == 0 {
      notes.count(
        request.task.outputs == .items
          ? "lines without an item, of which nothing can be said"
          : "texts without a token, of which nothing can be said", at: place(text, part))
    }
    if part.cut.texts > 0 {
      notes.count(
        "texts of more than \(request.window) tokens, of which the \(text.truncation.rawValue) is "
          + "left out as in training", part.cut.texts, at: "among those from line \(part.lines[0])")
    }
    guard let unknown = tokenizer.unknown else { return }
    for text in 0..<set.count {
      let count = (set.starts[text]..<set.starts[text + 1]).count {
        set.tokens[$0] == unknown
      }
      if count == 0 { continue }
      notes.count(
        request.task.outputs == .items
          ? "items that the model does not know" : "tokens that the model does not know", count,
        at: place(text, part))
    }
  }

  func place(_ text: Int, _ part: TextPart) -> String { "line \(part.lines[text])" }

  /// The texts of a part that have tokens.
  func chosen(_ set: SequenceSet) -> [Int] { (0..<set.count).filter { set.length($0) > 0 } }

  /// Lays the texts of a part into rows.
  func packed(_ set: SequenceSet, _ chosen: [Int], _ target: PackedSequences.Target)
    -> PackedSequences
  {
    let dropped = if case .nextStep = target { 1 } else { 0 }
    predictor.makeRoom(forSteps: (chosen.map { set.length($0) }.max() ?? 1) - dropped)
    return PackedSequences(
      set: set, chosen: chosen, target: target, batchRows: predictor.rows,
      window: predictor.window, shuffle: nil, slots: text.mostDocuments)
  }

  private func putStates(_ part: TextPart, _ head: Head, _ states: StateReading) throws {
    var set = part.set
    if request.task.writesText { set = documents(set, splitting: nil).set }
    let isEveryStep = request.task.readout == .every
    let target: PackedSequences.Target =
      request.task.writesText
      ? .nextStep
      : isEveryStep
        ? .everyStep(HostArray([Int32](repeating: 0, count: set.tokens.count)))
        : .classes(HostArray([Int32](repeating: 0, count: set.count)))
    let chosen = chosen(part.set)
    let items = PredictedItems(packed(set, chosen, target), sequences: set.count)
    let vectors = try predictor.numbers(of: items, predictor.states(states))
    try results.write { writer in
      for text in 0..<set.count {
        try writer.put(
          head.names, head.cells(text), state: vectors, of: text, among: set.count,
          isThere: part.set.length(text) > 0)
      }
    }
  }

  private func putClasses(_ part: TextPart, _ head: Head) throws {
    let set = part.set
    let zeros = [Int32](repeating: 0, count: set.count)
    let items = PredictedItems(
      packed(set, chosen(set), .classes(HostArray(zeros))), sequences: set.count)
    let width = predictor.model.shape.vocabularySize
    let scores = try predictor.numbers(of: items, .scores(count: width))
    try results.write { writer in
      for text in 0..<set.count {
        let best = set.length(text) == 0 ? [] : likeliest(scores, text, width)
        let (names, cells) = writer.classes(
          best, isRanked: prediction.top != nil, count: min(width, prediction.top ?? 1))
        try writer.put(head.names + names, head.cells(text) + cells)
      }
    }
  }

  func likeliest(_ scores: [Float], _ item: Int, _ width: Int) -> [NamedNumber] {
    unsafe scores.withUnsafeBufferPointer { scores in
      let row = unsafe UnsafeBufferPointer(
        rebasing: scores[item * width..<(item + 1) * width])
      return unsafe decoder.likeliest(row, count: prediction.top ?? 1)
    }
  }

  private func putTags(_ part: TextPart, _ head: Head) throws {
    let set = part.set
    let zeros = [Int32](repeating: 0, count: set.tokens.count)
    let items = PredictedItems(
      packed(set, chosen(set), .everyStep(HostArray(zeros))), starts: set.starts.array)
    let width = predictor.model.shape.vocabularySize
    let scores = try predictor.numbers(of: items, .scores(count: width))
    try results.write { writer in
      for text in 0..<set.count {
        let steps = set.starts[text]..<set.starts[text + 1]
        switch writer.format {
        case .csv:
          for (number, step) in steps.enumerated() {
            let (names, cells) = writer.classes(
              likeliest(scores, step, width), isRanked: prediction.top != nil,
              count: min(width, prediction.top ?? 1), called: "tag")
            try writer.put(
              head.names + ["token", "word"] + names,
              head.cells(text) + [.integer(number + 1), .string(part.words[step])] + cells)
          }
        case .jsonl:
          let tags = steps.map { likeliest(scores, $0, width) }
          try writer.put(
            head.names + ["tokens"] + writer.tagNames(isRanked: prediction.top != nil),
            head.cells(text) + [.array(steps.map { .string(part.words[$0]) })]
              + writer.tags(tags, isRanked: prediction.top != nil))
        }
      }
    }
  }
}
