import Records

extension SequenceTable {
  /// Throws where one of these columns has a number other than 0 and 1.
  package func requireBinary(_ names: [String], path: String) throws {
    let places = try places(of: names, path: path, key: "data.columns")
    for sequence in 0..<count {
      for step in starts[sequence]..<starts[sequence + 1] {
        guard let place = places.first(where: { !Self.isBinary(numbers[step, $0]) }) else {
          continue
        }
        throw DataFileError(
          path: path,
          place: part.lines.isEmpty
            ? "sequence \(sequence + 1), step \(step - starts[sequence] + 1)"
            : self.place(ofStep: step),
          problem: "expected 0 or 1 in column \"\(columns[place])\", found "
            + "\(numbers[step, place])")
      }
    }
  }

  /// Where a step of a part of a file stands.
  package func place(ofStep step: Int) -> String {
    if part.tellsSteps { return "line \(part.lines[step])" }
    let sequence = starts.lastIndex { $0 <= step } ?? 0
    return sequence < part.lines.count
      ? "the sequence that begins in line \(part.lines[sequence])"
      : "sequence \(sequenceNames[sequence])"
  }

  private static func isBinary(_ number: Double) -> Bool { number == 0 || number == 1 }

  /// Those of some columns that have missing numbers.
  package func columnsWithGaps(_ places: [Int]) -> [Int] {
    var hasGaps = [Bool](repeating: false, count: places.count)
    numbers.forEach(in: 0..<starts[count], places) { column, number in
      if number.isNaN { hasGaps[column] = true }
    }
    return places.indices.filter { hasGaps[$0] }
  }

  /// Throws where a column that is to have one number a sequence has two.
  package func requireOneNumber(_ names: [String], path: String) throws {
    let places = try places(of: names, path: path, key: "data.static")
    for sequence in 0..<count {
      for (name, place) in zip(names, places) {
        let steps = starts[sequence]..<starts[sequence + 1]
        let known = steps.lazy.map { numbers[$0, place] }.filter { !$0.isNaN }
        guard let first = known.first, let other = known.first(where: { $0 != first }) else {
          continue
        }
        throw DataFileError(
          path: path, place: "sequence \"\(sequenceNames[sequence])\", column \"\(name)\"",
          problem: "data.static expects one number a sequence, found \(first) and \(other)",
          hint: "leave the column out of data.static")
      }
    }
  }

  /// Throws where a column has no number at all over some steps.
  package func requireNumbers(_ places: [Int], in parts: [Range<Int>], path: String) throws {
    let firsts = numbers.first(in: parts, places)
    guard let empty = firsts.firstIndex(where: { $0 == nil }) else { return }
    throw DataFileError(
      path: path, place: "column \"\(columns[places[empty]])\"",
      problem: "has no number in the part to train on, so that nothing can be filled in",
      hint: "leave it out: name others in data.columns")
  }

  /// What to say of columns whose numbers never change over some steps; nil where all do.
  package func remark(
    ofConstants names: [String], in parts: [Range<Int>], path: String
  ) throws -> String? {
    let places = try places(of: names, path: path, key: "data.columns")
    let firsts = numbers.first(in: parts, places)
    var varies = [Bool](repeating: false, count: places.count)
    for part in parts {
      numbers.forEach(in: part, places) { column, number in
        if !number.isNaN, number != firsts[column] { varies[column] = true }
      }
    }
    let constant = places.indices.filter { !varies[$0] && firsts[$0] != nil }
    guard !constant.isEmpty, parts.reduce(0, { $0 + $1.count }) > 1 else { return nil }
    // Above 2^53 double precision has no odd numbers any more.
    let isLost = constant.contains { abs(firsts[$0] ?? 0) >= 0x1p53 }
    return "the numbers of \(DataFileError.list(constant.map { names[$0] })) never change in the "
      + "part to train on, so that they tell a model nothing"
      + (isLost ? "; of numbers beyond 2^53 the last digits are lost: take their offset away" : "")
  }

  /// Throws where a column varies over some steps, and no longer does once its numbers are rounded
  /// to single precision, as those that nothing normalizes are.
  package func requireSinglePrecision(
    _ places: [Int], in parts: [Range<Int>], path: String
  ) throws {
    let firsts = numbers.first(in: parts, places).map { $0 ?? 0 }
    var varies = [Bool](repeating: false, count: places.count)
    var keeps = varies
    for part in parts {
      numbers.forEach(in: part, places) { column, number in
        if number.isNaN { return }
        if number != firsts[column] { varies[column] = true }
        if Float(number) != Float(firsts[column]) { keeps[column] = true }
      }
    }
    guard let lost = places.indices.first(where: { varies[$0] && !keeps[$0] }) else { return }
    throw DataFileError(
      path: path, place: "column \"\(columns[places[lost]])\"",
      problem: "its numbers are all \(Float(firsts[lost])) once rounded to single precision, as "
        + "data.normalize=false takes them",
      hint: "set data.normalize to true, or take their offset away")
  }
}
