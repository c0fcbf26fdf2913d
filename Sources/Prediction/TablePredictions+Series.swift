import Batches
import Datasets
import Engine
import GRUCore
import Records
import Scoring
import Tasks

/// Forecasts of series: of every window that lies within one, from its beginning by the stride of
/// evaluation, which measures those whose targets do too; and of the last one, whose forecast lies
/// beyond the end of the data.
extension TablePredictions {
  /// A window: which sequence of the part it is of, and with which step of the part it begins.
  private struct Window {
    var sequence: Int
    var first: Int
    /// The number of its last step in the series, from 1.
    var step: Int
  }

  /// Forecasts what follows the windows of a part.
  func forecast(
    _ table: inout SequenceTable, of file: DataFile, _ identity: Identity
  ) throws {
    let windows = windows(of: table)
    try requireNumbers(table, of: file)
    countNotes(table)
    let (names, part) = (table.sequenceNames, table.part)
    try results.beginPart(windows.count)
    if windows.isEmpty { return }
    var series = request
    (series.rows, series.window) = (predictor.rows, request.window)
    var form = try SeriesShape(frame, series)
    form.plan.looksBeyond = true
    let set = try table.taken(by: frame, missing: request.missing, path: file.path)
    let starts = set.starts
    let formed = form.formed(set)
    let columns = max(1, form.plan.columnsAsSeries)
    let length = request.window + stepsBehind
    let parts = windows.flatMap { window in
      (0..<columns).map { column -> Range<Int> in
        let first =
          formed.starts[window.sequence * columns + column] + window.first
          - starts[window.sequence]
        return first..<first + length
      }
    }
    let batches = form.windows(formed, parts, series, nil)
    let items = PredictedItems(batches, rows: predictor.rows)
    if let states = prediction.states {
      return try putStates(items, windows, states, names, part, identity)
    }
    let width = predictor.model.shape.vocabularySize
    let scores = try predictor.numbers(of: items, .scores(count: width))
    results.count += windows.count
    try results.write { writer in
      var flat: [Double] = []
      for (index, window) in windows.enumerated() {
        if writer.format == .csv, writer.hasHeader {
          flat.removeAll(keepingCapacity: true)
          let items = index * columns..<(index + 1) * columns
          append(items, of: batches, scores, width: width, to: &flat)
          notes.count(
            crossing: decoder.crossingQuantiles(of: flat), at: "after step \(window.step)")
          try writer.put(
            head(of: window, names, part, identity), numbered: flat, rows: request.horizon,
            blocks: columns)
          continue
        }
        var numbers = [[NamedNumber]](repeating: [], count: request.horizon)
        for item in index * columns..<(index + 1) * columns {
          let units = batches.units(batch: item / predictor.rows, row: item % predictor.rows)
          unsafe scores.withUnsafeBufferPointer { scores in
            let row = unsafe UnsafeBufferPointer(
              rebasing: scores[item * width..<(item + 1) * width])
            guard case .values(let steps) = unsafe decoder.decode(row, units: units) else {
              preconditionFailure("forecasts are numbers")
            }
            for (ahead, step) in steps.enumerated() {
              numbers[ahead] += step
              notes.count(
                crossing: decoder.crossingQuantiles(of: step), at: "after step \(window.step)")
            }
          }
        }
        try put(
          writer, numbers, head(of: window, names, part, identity),
          identity.names + prediction.kept + ["step"])
      }
    }
  }

  /// Appends what is forecast of some items, without names.
  private func append(
    _ items: Range<Int>, of batches: SeriesWindows, _ scores: [Float], width: Int,
    to numbers: inout [Double]
  ) {
    for item in items {
      let units = batches.units(batch: item / predictor.rows, row: item % predictor.rows)
      unsafe scores.withUnsafeBufferPointer { scores in
        let row = unsafe UnsafeBufferPointer(rebasing: scores[item * width..<(item + 1) * width])
        unsafe decoder.appendNumbers(of: row, units: units, to: &numbers)
      }
    }
  }

  private func head(
    of window: Window, _ names: [String], _ part: TablePart, _ identity: Identity
  ) -> [OrderedJSON] {
    identity.cells(names[window.sequence])
      + kept(window.sequence, step: window.first + request.window - 1, of: part)
      + [.integer(window.step)]
  }

  /// The states after windows, whose last readers forecasts are.
  private func putStates(
    _ items: PredictedItems, _ windows: [Window], _ states: StateReading, _ names: [String],
    _ part: TablePart, _ identity: Identity
  ) throws {
    let vectors = try predictor.numbers(of: items, predictor.states(states))
    results.count += windows.count
    let columns = items.count / windows.count
    try results.write { writer in
      for item in 0..<items.count {
        let window = windows[item / columns]
        let target: [OrderedJSON] =
          columns == 1 ? [] : [.string((frame.targets ?? [])[item % columns])]
        try writer.put(
          identity.names + prediction.kept + ["step"] + (columns == 1 ? [] : ["series"]),
          head(of: window, names, part, identity) + target, state: vectors, of: item,
          among: items.count)
      }
    }
  }

  func put(
    _ writer: ResultWriter, _ numbers: [[NamedNumber]], _ head: [OrderedJSON], _ names: [String]
  ) throws {
    switch writer.format {
    case .csv:
      if !writer.hasHeader {
        try writer.putHeader(names + ["ahead"] + (numbers.first ?? []).map(\.name))
      }
      try writer.put(
        head, numbered: numbers.flatMap { $0.map(\.number) }, rows: numbers.count, blocks: 1)
    case .jsonl:
      let steps = numbers.map { step in
        OrderedJSON.object(step.map { .init($0.name, .number(ResultWriter.rounded($0.number))) })
      }
      try writer.put(names + ["forecast"], head + [.array(steps)])
    }
  }

  /// The windows of a part, in the order of series and time.
  private func windows(of table: SequenceTable) -> [Window] {
    let length = request.window + stepsBehind
    var windows: [Window] = []
    for sequence in 0..<table.count {
      let (first, end) = (table.starts[sequence], table.starts[sequence + 1])
      let before = sequence == 0 ? table.part.stepsBefore : 0
      let goesOn = sequence == table.count - 1 && table.part.goesOn
      func append(_ start: Int) {
        windows.append(
          Window(sequence: sequence, first: first + start - before, step: start + request.window))
      }
      let last = before + end - first - length
      if last < 0 { continue }
      if !prediction.lastOnly {
        let stride = request.stride
        var start = (before + stride - 1) / stride * stride
        while start <= last {
          append(start)
          start += stride
        }
      }
      if !goesOn, prediction.lastOnly || last % request.stride != 0, last >= before { append(last) }
    }
    return windows
  }

  /// Where series end in the part, their last steps may have nothing but what is known of the
  /// future; all else must be there, unless it is filled in.
  private func requireNumbers(_ table: SequenceTable, of file: DataFile) throws {
    guard request.missing == .error, stepsBehind > 0 else { return }
    func fail(_ gap: (step: Int, column: String)?, _ hint: String) throws {
      guard let gap else { return }
      throw file.failure(
        "\(table.place(ofStep: gap.step)), column \"\(gap.column)\"", "has no number",
        hint: hint)
    }
    for sequence in 0..<table.count {
      let end = table.starts[sequence + 1]
      let present = table.starts[sequence]..<max(table.starts[sequence], end - stepsBehind)
      try fail(
        table.firstGap(in: present, table.columns),
        "only the last \(Format.count(request.horizon, "step")) of a series, which are forecast, "
          + "may lack numbers, and those of columns that are known in the future not even there")
      try fail(
        table.firstGap(in: present.upperBound..<end, request.knownColumns),
        "it is to be known in the future: fill it in, or leave the row out")
    }
  }

  private func countNotes(_ table: SequenceTable) {
    let known = frame.series.map { Set($0) }
    for sequence in 0..<table.count {
      let (first, end) = (table.starts[sequence], table.starts[sequence + 1])
      let name = table.sequenceNames[sequence]
      let goesOn = sequence == table.count - 1 && table.part.goesOn
      let before = sequence == 0 ? table.part.stepsBefore : 0
      let place = "\"\(name)\""
      longestSeries = max(longestSeries, before + end - first)
      if !goesOn, before + end - first < request.window + stepsBehind {
        notes.count(
          "series of fewer than \(Format.count(request.window + stepsBehind, "step")), which are "
            + "not forecast", at: place)
      }
      if let known, !known.contains(name), !goesOn {
        notes.count(
          "series that the model does not know, which are scaled by all of their numbers",
          at: place)
      }
      // Steps of a tail were counted before.
      let fresh = max(first, tailSteps)
      let steps = fresh..<max(fresh, end - (goesOn ? 0 : stepsBehind))
      notes.count(gapsOf: table, in: steps)
      notes.count(unknownOf: table, frame.categories, in: steps)
    }
  }
}
