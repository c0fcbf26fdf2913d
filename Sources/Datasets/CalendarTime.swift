import NumericContract

/// A date, or a date and a time of day, as a clock on the wall shows it.
struct CalendarTime: Equatable, Sendable {
  /// Since midnight.
  var seconds: Int32
  /// 0 is Monday, and January.
  var weekday: UInt8
  var month: UInt8

  /// Numbers that go in for one: sine and cosine of hour, weekday and month.
  static let inputs = 6

  /// Reads ISO 8601: 2016-07-01, with a time of day after a T or blanks (08, 08:30, 08:30:00.5),
  /// and with a zone after that (Z, +02:00, +0200), which counts for nothing; nil for anything
  /// else.
  init?(_ text: some Sequence<UInt8>) {
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
    seconds = Int32((hour * 3600 + minute * 60 + second) % 86_400)
    if bytes.isEmpty || take(UInt8(ascii: "Z")) && bytes.isEmpty { return }
    guard take(0x2B) || take(0x2D), digits(2) != nil else { return nil }
    _ = take(0x3A)
    guard bytes.isEmpty || digits(2) != nil && bytes.isEmpty else { return nil }
  }

  private static func days(of month: Int, _ year: Int) -> Int {
    let isLeap = year.isMultiple(of: 4) && !year.isMultiple(of: 100) || year.isMultiple(of: 400)
    return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
  }

  /// 0 is Monday: by Zeller's congruence.
  private static func weekday(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let (y, m) = month < 3 ? (year - 1, month + 12) : (year, month)
    let saturday = (day + 13 * (m + 1) / 5 + y + y / 4 - y / 100 + y / 400) % 7
    return (saturday + 5) % 7
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
struct TimeColumn: Sendable {
  var name: String
  var times: [CalendarTime] = []

  /// What goes in for some columns, [steps, columns, `CalendarTime.inputs`].
  static func inputs(of columns: [TimeColumn]) -> [Float] {
    guard let first = columns.first else { return [] }
    var inputs: [Float] = []
    inputs.reserveCapacity(first.times.count * columns.count * CalendarTime.inputs)
    for step in first.times.indices {
      for column in columns { inputs += column.times[step].inputs }
    }
    return inputs
  }
}
