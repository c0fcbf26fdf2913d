import Batches
import Records

/// Sequences that go on from one part of a file to the next.
extension SequenceTable {
  /// The last steps of the last sequence, which the next part goes on from.
  ///
  /// - Parameter fillsForward: whether a number that is missing in the first of them is that of the
  ///   step before.
  package func tail(steps: Int, fillsForward: Bool) -> SequenceTable {
    var tail = SequenceTable(columns: columns)
    let end = numbers.rows
    let own = starts[count - 1]
    let first = max(own, end - steps)
    (tail.starts, tail.names) = ([0, end - first], names.suffix(1))
    for step in first..<end {
      for place in columns.indices {
        var number = numbers[step, place]
        if number.isNaN, step == first, fillsForward {
          let known = (own..<step).last { !numbers[$0, place].isNaN }
          if let known { number = numbers[known, place] }
        }
        tail.numbers.append(number)
      }
    }
    tail.times = times.map { $0.suffix(end - first) }
    tail.categories = categories?.suffix(end - first)
    tail.part.lines = Array(part.lines.suffix(end - first))
    let keeps = part.kept.count / max(1, part.lines.count)
    tail.part.kept = Array(part.kept.suffix(keeps * (end - first)))
    return tail
  }

  /// Puts steps before those of the first sequence, which they belong to.
  package mutating func prepend(_ tail: SequenceTable) {
    let count = tail.numbers.rows
    if count == 0 { return }
    let places = Array(columns.indices)
    var joined = NumberBlocks(width: features)
    for block in [tail.numbers, numbers] {
      var row = [Double](repeating: 0, count: features)
      for step in 0..<block.rows {
        for place in places { row[place] = block[step, place] }
        joined.append(row, places)
      }
    }
    numbers = joined
    starts = [0] + starts.dropFirst().map { $0 + count }
    times = zip(tail.times, times).map { $0.appending($1) }
    // The names go on from part to part.
    if let before = tail.categories { categories?.codes.insert(contentsOf: before.codes, at: 0) }
    part.stepsBefore -= count
    part.lines = tail.part.lines + part.lines
    part.kept = tail.part.kept + part.kept
  }

  /// The numbers of a step.
  package func row(_ step: Int) -> [Double] { columns.indices.map { numbers[step, $0] } }

  /// Puts what `row` has in the place of what is missing in a step.
  package mutating func fill(step: Int, from row: [Double]) {
    var place = 0
    let range = step * features..<(step + 1) * features
    numbers.replace { column, number in
      defer { place += 1 }
      return number.isNaN && range.contains(place) ? row[column] : number
    }
  }

  /// The first number that is missing in some steps, of these columns.
  package func firstGap(in steps: Range<Int>, _ names: [String]) -> (step: Int, column: String)? {
    let places = SequenceSet.places(of: columns)
    for step in steps {
      for name in names {
        if let place = places[name], numbers[step, place].isNaN { return (step, name) }
      }
    }
    return nil
  }

  /// Calls `body` with the step and the column of each number that is missing in some steps.
  package func forEachGap(in steps: Range<Int>, _ body: (_ step: Int, _ column: Int) -> Void) {
    var number = steps.lowerBound * features
    numbers.forEach(in: steps, Array(columns.indices)) { place, value in
      if value.isNaN { body(number / features, place) }
      number += 1
    }
  }
}

extension TimeColumn {
  /// The last times alone.
  fileprivate func suffix(_ count: Int) -> TimeColumn {
    var other = TimeColumn(name: name)
    for time in times.suffix(count) { other.append(time, isFirst: true) }
    return other
  }

  fileprivate func appending(_ next: TimeColumn) -> TimeColumn {
    var joined = self
    for time in next.times { joined.append(time, isFirst: true) }
    return joined
  }
}
