import Corpora
import Tables
import Tasks

/// Where the parts of series begin and end.
struct SeriesBounds {
  private let source: SequenceParts.Source
  private let split: DataSplit
  private let valid: Double
  private let test: Double
  private let times: [CalendarTime]
  /// Bounds of a split by time.
  private var bounds: [CalendarTime?] = [nil, nil, nil]

  /// - Parameter valid: the fraction to validate on.
  init(_ source: SequenceParts.Source, _ request: SequenceRequest, valid: Double) throws {
    self.source = source
    split = request.split
    (self.valid, test) = (valid, request.testFraction)
    times = source.times ?? []
    guard split.by == .time else { return }
    guard source.times != nil else {
      throw DataFileError(
        path: source.path, place: nil,
        problem: "it has no column of times, which data.split.by \"time\" needs",
        hint: "only tables have; split by \"row\" or \"fraction\"")
    }
    let named = [("valid", split.valid), ("test", split.test), ("end", split.end)]
    for (index, (key, bound)) in named.enumerated() {
      guard case .time(let text) = bound else { continue }
      guard let time = CalendarTime(text.utf8) else {
        throw DataFileError(
          path: source.path, place: nil,
          problem: "data.split.\(key) is \"\(text)\", expected a date or time such as 2017-06-26 "
            + "or 2017-06-26 08:30 (ISO 8601)")
      }
      bounds[index] = time
    }
    let given = bounds.compactMap { $0 }
    if zip(given, given.dropFirst()).contains(where: { $0 >= $1 }) {
      throw DataFileError(
        path: source.path, place: nil,
        problem: "the times of data.split do not rise: expected valid < test < end")
    }
  }

  /// The parts of one series, one after the other.
  func parts(
    of whole: Range<Int>
  ) throws -> (training: Range<Int>, validation: Range<Int>, test: Range<Int>) {
    let cuts = try cuts(of: whole)
    return (whole.lowerBound..<cuts.valid, cuts.valid..<cuts.test, cuts.test..<cuts.end)
  }

  private func cuts(of whole: Range<Int>) throws -> (valid: Int, test: Int, end: Int) {
    switch split.by {
    case .fraction, .classes, .sequence:
      let test = max(whole.lowerBound, whole.upperBound - HeldOut.size(of: whole.count, self.test))
      let validated = HeldOut.size(of: whole.count, valid)
      return (max(whole.lowerBound, test - validated), test, whole.upperBound)
    case .row:
      func row(_ bound: DataSplit.Bound, else other: Int) -> Int {
        guard case .row(let row) = bound else { return other }
        return whole.lowerBound + min(row, whole.count)
      }
      let end = row(split.end, else: whole.upperBound)
      let test = row(split.test, else: end)
      return (row(split.valid, else: test), test, end)
    case .time:
      for step in whole.dropFirst() where times[step] < times[step - 1] {
        throw DataFileError(
          path: source.path, place: nil,
          problem: "row \(step - whole.lowerBound + 1)"
            + (source.names.isEmpty ? "" : " of a series")
            + " is earlier than the row before it, so that times do not split it",
          hint: "sort the rows by time, or split by \"row\"")
      }
      func place(_ bound: CalendarTime?, else other: Int) -> Int {
        guard let bound else { return other }
        return whole.first { times[$0] >= bound } ?? whole.upperBound
      }
      let end = place(bounds[2], else: whole.upperBound)
      let test = place(bounds[1], else: end)
      return (place(bounds[0], else: test), test, end)
    }
  }
}
