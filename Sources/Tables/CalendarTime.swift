import NumericContract
import Records

/// A date, or a date and a time of day, as a clock on the wall shows it.
package struct CalendarTime: Equatable, Sendable, Comparable {
  /// Days since the first of March of year 0, and seconds since midnight.
  var day: Int32
  var seconds: Int32
  /// 0 is Monday, and January.
  var weekday: UInt8
  var month: UInt8

  /// Numbers that go in for one: sine and cosine of hour, weekday and month.
  package static let inputs = 6

  /// Reads ISO 8601: 2016-07-01, with a time of day after a T or blanks (08, 08:30, 08:30:00.5),
  /// and with a zone after that (Z, +02:00, +0200), which counts for nothing; nil for anything
  /// else.
  package init?(_ text: some Sequence<UInt8>) {
    var bytes = Array(text)[...]
    func isBlank(_ byte: UInt8?) -> Bool { byte == 0x20 || byte == 0x09 }
    while isBlank(bytes.first) { bytes.removeFirst() }
    while isBlank(bytes.last) { bytes.removeLast() }
    func digits(_ count: Int) -> Int? {
      guard bytes.count >= count, bytes.prefix(count).allSatisfy({ 0x30...0x39 ~= $0 }) else {
        return nil
      }
      defer { bytes = bytes.dropFirst(count) }
      return bytes.prefix(count).reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
    func take(_ byte: UInt8) -> Bool {
      guard bytes.first == byte else { return false }
      bytes.removeFirst()
      return true
    }
    guard let year = digits(4), take(0x2D), let month = digits(2), take(0x2D),
      let day = digits(2), 1...12 ~= month, 1...Self.days(of: month, year) ~= day
    else { return nil }
    self.month = UInt8(month - 1)
    self.day = Self.day(year, month, day)
    weekday = UInt8(Self.weekday(year, month, day))
    seconds = 0
    if bytes.isEmpty { return }
    if !take(UInt8(ascii: "T")) {
      guard isBlank(bytes.first) else { return nil }
      while isBlank(bytes.first) { bytes.removeFirst() }
    }
    guard let hour = digits(2), hour <= 24 else { return nil }
    var (minute, second) = (0, 0)
    if take(0x3A) {
      guard let number = digits(2), number < 60 else { return nil }
      minute = number
      if take(0x3A) {
        guard let number = digits(2), number <= 60 else { return nil }
        second = number
        if take(0x2E) || take(0x2C) {
          while let digit = bytes.first, 0x30...0x39 ~= digit { bytes.removeFirst() }
        }
      }
    }
    let total = hour * 3600 + minute * 60 + second
    self.day += Int32(total / 86_400)
    seconds = Int32(total % 86_400)
    if bytes.isEmpty || take(UInt8(ascii: "Z")) && bytes.isEmpty { return }
    guard take(0x2B) || take(0x2D), digits(2) != nil else { return nil }
    _ = take(0x3A)
    guard bytes.isEmpty || digits(2) != nil && bytes.isEmpty else { return nil }
  }

  private static func days(of month: Int, _ year: Int) -> Int {
    let isLeap = year.isMultiple(of: 4) && !year.isMultiple(of: 100) || year.isMultiple(of: 400)
    return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
  }

  /// Of the Gregorian calendar, whose leap days end years that begin in March.
  private static func day(_ year: Int, _ month: Int, _ day: Int) -> Int32 {
    let (y, m) = month < 3 ? (year - 1, month + 9) : (year, month - 3)
    return Int32(365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1)
  }

  /// 0 is Monday: by Zeller's congruence.
  private static func weekday(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let (y, m) = month < 3 ? (year - 1, month + 12) : (year, month)
    let saturday = (day + 13 * (m + 1) / 5 + y + y / 4 - y / 100 + y / 400) % 7
    return (saturday + 5) % 7
  }

  package static func < (a: CalendarTime, b: CalendarTime) -> Bool {
    (a.day, a.seconds) < (b.day, b.seconds)
  }

  /// Sine and cosine of hour, weekday and month, [`inputs`].
  var inputs: [Float] {
    let turns: [Double] = [Double(seconds) / 86_400, Double(weekday) / 7, Double(month) / 12]
    return turns.flatMap { (part: Double) -> [Float] in
      let angle = 2 * Double.pi * part
      return [Float(Elementary.sin(angle)), Float(Elementary.cos(angle))]
    }
  }
}

/// A column of dates and times.
package struct TimeColumn: Sendable {
  package var name: String
  package private(set) var times: [CalendarTime] = []
  /// Of rows of a sequence but its first: those that are earlier than the row before, as late as
  /// it, and otherwise later than the first one of all.
  private var rows = 0
  private var earlier = 0
  private var repeated = 0
  private var uneven = 0
  private var step: Int?

  package init(name: String) { self.name = name }

  /// - Parameter isFirst: whether the row is the first of its sequence.
  mutating func append(_ time: CalendarTime, isFirst: Bool) {
    if let last = times.last, !isFirst {
      let days = Int(time.day - last.day)
      let difference = 86_400 * days + Int(time.seconds - last.seconds)
      rows += 1
      if difference < 0 { earlier += 1 }
      if difference == 0 { repeated += 1 }
      if difference > 0 {
        if step == nil { step = difference }
        if step != difference { uneven += 1 }
      }
    }
    times.append(time)
  }

  /// What is odd about the times of rows, which count as steps of one length in the order of the
  /// file.
  var remarks: [String] {
    if earlier > 0, earlier + repeated == rows {
      return [
        "column \"\(name)\": the newest rows come first, so that the past is read as the future; "
          + "sort the rows by time"
      ]
    }
    let step = step ?? 0
    return [
      (earlier, "rows earlier than the row before", "; sort the rows by time"),
      (repeated, "rows with the time of the row before", ""),
      (uneven, "steps of another length than the first, \(step) s", "; all count as one step"),
    ]
    .filter { $0.0 > 0 }
    .map { "column \"\(name)\": \($0.1): \(Format.grouped($0.0))\($0.2)" }
  }

  /// What goes in for some columns, [steps, columns, `CalendarTime.inputs`].
  package static func inputs(of columns: [TimeColumn]) -> [Float] {
    guard let first = columns.first else { return [] }
    var inputs: [Float] = []
    inputs.reserveCapacity(first.times.count * columns.count * CalendarTime.inputs)
    for step in first.times.indices {
      for column in columns { inputs += column.times[step].inputs }
    }
    return inputs
  }
}
