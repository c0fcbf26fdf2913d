import Batches
import Configuration
import Datasets
import Engine
import GRUCore
import Records
import Scoring
import Tasks

/// Predictions for sequences of real vectors out of tables and their like, part by part.
final class TablePredictions {
  let prediction: Prediction
  let predictor: Predictor
  let results: Results
  let frame: TaskFrame
  let decoder: OutputDecoder
  var request: SequenceRequest
  /// Of the part before, what the next one goes on from.
  private var tail: SequenceTable?
  /// Steps of the part under way that stood in the part before.
  private(set) var tailSteps = 0
  /// The first file, and the column that tells its items apart.
  private var first: (name: String, column: String?)?
  /// Steps of the longest series that was read.
  var longestSeries = 0
  /// What is to be told of the file.
  var notes = InputNotes()

  /// Numbers of a part at most, where rows are not longer.
  private static let mostNumbers = 1 << 22

  init(_ prediction: Prediction, _ predictor: Predictor, _ results: Results) throws {
    self.prediction = prediction
    self.predictor = predictor
    self.results = results
    let model = predictor.model
    guard let frame = model.frame else { preconditionFailure("the model knows no columns") }
    self.frame = frame
    decoder = try model.decoder()
    request = model.config.sequenceRequest
    request.adopt(frame)
    let rows = predictor.rows
    let isWindows = request.task.sequences == .windows
    let wanted =
      isWindows
      ? max(4096, 4 * rows * request.stride, 4 * request.window)
      : 16 * rows * request.window
    let fits = Self.mostNumbers / max(1, frame.columns.count)
    let least = isWindows ? request.window + request.horizon : rows * request.window
    request.parts = PartRequest(
      steps: max(least, min(wanted, fits)),
      cutsSequences: isWindows && request.scale != .series, tellsSteps: isWindows,
      kept: prediction.kept)
    request.parts?.session = prediction.session
  }

  /// The forms of output that there are.
  private var isWindows: Bool { request.task.sequences == .windows }

  /// Predicts what a file holds.
  func predict(_ path: String) throws {
    let source = InputSource(
      path: path, trained: predictor.model.config.data.train, communicator: predictor.communicator,
      isTable: true)
    notes = InputNotes()
    tail = nil
    try TextPredictions.withoutKeys {
      let file = try source.open()
      var request = request
      request.format = source.format(request.format)
      let format = try file.format(request.format)
      let isTable = format == .csv
      let identity = Identity(
        file: prediction.files.count > 1 ? source.name : nil,
        column: !isTable ? "sequence" : request.sequenceColumn)
      try requireSameColumns(identity, source.name)
      let remarks = try file.forEachPart(request) { [self] table in
        try predict(&table, of: file, identity)
      }
      try results.endFile()
      try results.write { _ in notes.tell(source.name, source.remark(format) + remarks) }
    }
  }

  /// Throws where no series had a window: something has failed before.
  func requireSome() throws {
    guard isWindows, results.count == 0 else { return }
    let others = prediction.files.count - 1
    let names = prediction.files[0] == "-" ? "standard input" : prediction.files[0]
    throw DataFileError(
      path: names + (others > 0 ? " and \(Format.count(others, "other file"))" : ""), place: nil,
      problem: "there is no window to forecast: one takes "
        + "\(Format.count(request.window + stepsBehind, "step")), and no series has more than "
        + "\(longestSeries)",
      hint: "give longer series, with rows of the time before")
  }

  /// Throws where a file tells its items apart by another column than those before it: results are
  /// one table.
  private func requireSameColumns(_ identity: Identity, _ name: String) throws {
    guard let first else {
      first = (name, identity.column)
      return
    }
    if first.column != identity.column {
      throw UsageError(
        "'\(name)' does not tell sequences apart as '\(first.name)' does: predict it by itself")
    }
  }

  /// How the items of a file are told apart: the file, where there are several, and the name or
  /// number of the sequence.
  struct Identity {
    var file: String?
    /// Nil where all rows are one sequence.
    var column: String?

    var names: [String] { (file == nil ? [] : ["file"]) + (column.map { [$0] } ?? []) }

    func cells(_ sequence: String) -> [OrderedJSON] {
      (file.map { [.string($0)] } ?? []) + (column == nil ? [] : [.string(sequence)])
    }
  }

  private func predict(
    _ table: inout SequenceTable, of file: DataFile, _ identity: Identity
  ) throws {
    tailSteps = 0
    if let tail, table.part.stepsBefore > 0 {
      tailSteps = tail.starts[tail.count]
      table.prepend(tail)
    }
    tail = nil
    if request.task.outputs == .labels { try table.requireBinary(frame.columns, path: file.path) }
    if isWindows {
      if table.part.goesOn {
        let steps = request.window + stepsBehind - 1
        tail = table.tail(steps: steps, fillsForward: request.missing == .forward)
      }
      try forecast(&table, of: file, identity)
    } else {
      notes.count(gapsOf: table, in: 0..<table.starts[table.count])
      notes.count(unknownOf: table, frame.categories, in: 0..<table.starts[table.count])
      try results.beginPart(table.count)
      try predictSequences(&table, of: file, identity)
    }
  }

  /// Steps behind a window that must be known.
  var stepsBehind: Int { request.knownColumns.isEmpty ? 0 : request.horizon }

  /// What was kept of a sequence, or of one of its steps where a file tells steps apart.
  func kept(
    _ sequence: Int, step: Int? = nil, of part: TablePart
  ) -> ArraySlice<OrderedJSON> {
    let count = prediction.kept.count
    let place = part.tellsSteps ? step ?? sequence : sequence
    return part.kept[place * count..<(place + 1) * count]
  }
}

extension TablePredictions {
  /// Predicts sequences that are whole.
  private func predictSequences(
    _ table: inout SequenceTable, of file: DataFile, _ identity: Identity
  ) throws {
    let (names, part) = (table.sequenceNames, table.part)
    var set = try table.taken(by: frame, missing: request.missing, path: file.path)
    let starts = set.starts
    // As evaluations and training read them; the states are those of whole sequences.
    if request.isOfSteps, prediction.states == nil {
      let long = (0..<set.count).filter { set.length($0) > request.window }
      if let first = long.first {
        notes.count(
          "longer sequences, read in parts of \(Format.count(request.window, "step"))", long.count,
          at: table.place(ofStep: starts[first]))
      }
      _ = set.cut(to: request.window)
    }
    predictor.makeRoom(forSteps: (0..<set.count).map { set.length($0) }.max() ?? 1)
    let isEveryStep = request.task.readout == .every
    let target: PackedSequences.Target =
      isEveryStep
      ? .everyStep(HostArray([Int32](repeating: 0, count: set.starts[set.count])))
      : .classes(HostArray([Int32](repeating: 0, count: set.count)))
    let packed = PackedSequences(
      set: set, chosen: Array(0..<set.count), target: target, batchRows: predictor.rows,
      window: predictor.window, shuffle: nil)
    if let states = prediction.states {
      let items = PredictedItems(packed, sequences: set.count)
      let vectors = try predictor.numbers(of: items, predictor.states(states))
      results.count += set.count
      return try results.write { writer in
        for sequence in 0..<set.count {
          try writer.put(
            identity.names + prediction.kept,
            identity.cells(names[sequence]) + kept(sequence, of: part),
            state: vectors, of: sequence, among: set.count)
        }
      }
    }
    let items =
      isEveryStep
      ? PredictedItems(packed, starts: set.starts.array)
      : PredictedItems(packed, sequences: set.count)
    let width = predictor.model.shape.vocabularySize
    let scores = try predictor.numbers(of: items, .scores(count: width))
    results.count += names.count
    try results.write { writer in
      let names = (names, identity.names + prediction.kept)
      for sequence in names.0.indices {
        let head = identity.cells(names.0[sequence]) + kept(sequence, of: part)
        let steps =
          isEveryStep
          ? starts[sequence]..<starts[sequence + 1] : sequence..<sequence + 1
        for (number, item) in steps.enumerated() {
          try unsafe scores.withUnsafeBufferPointer { scores in
            let row = unsafe UnsafeBufferPointer(
              rebasing: scores[item * width..<(item + 1) * width])
            try unsafe put(writer, row, head: head, names.1, step: isEveryStep ? number + 1 : nil)
          }
        }
      }
    }
  }

  /// What is said of a sequence, or of the step after one.
  func put(
    _ writer: ResultWriter, _ scores: UnsafeBufferPointer<Float>, head: [OrderedJSON],
    _ names: [String], step: Int?
  ) throws {
    let steps: ([String], [OrderedJSON]) = step.map { (["step"], [.integer($0)]) } ?? ([], [])
    if request.task.outputs == .classes {
      let best = unsafe decoder.likeliest(scores, count: prediction.top ?? 1)
      let (titles, cells) = writer.classes(
        best, isRanked: prediction.top != nil, count: best.count)
      return try writer.put(names + steps.0 + titles, head + steps.1 + cells)
    }
    let (columns, numbers): ([String], [Double])
    switch unsafe decoder.decode(scores) {
    case .labels(let labels):
      (columns, numbers) = (labels.map(\.name), labels.map { ResultWriter.probability($0.number) })
    case .values(let rows):
      let values = rows.flatMap { $0 }
      notes.count(
        crossing: decoder.crossingQuantiles(of: values),
        at: step.map { "step \($0)" } ?? "sequence \(head.first?.line ?? "1")")
      (columns, numbers) = (values.map(\.name), values.map { ResultWriter.rounded($0.number) })
    case .token, .symbol, .category: preconditionFailure("such outputs are not predicted")
    }
    try writer.put(
      names + steps.0 + columns, head + steps.1 + numbers.map { .number($0) })
  }
}
