import Records

/// Records of one kind as columns of numbers: all of them as long as they are few, then a selection
/// of about `mostRows` of them that loses no first, last, least or greatest value.
///
/// Rows are thinned by buckets of as many records each. Of a bucket those rows stay that are its
/// first, its last, and the first to have the least or the greatest value of a column, so that what
/// stays can be thinned again, and so that every row is one of the file's.
struct MetricsSeries: Sendable {
  static let mostRows = 4000
  static let mostColumns = 64

  /// A value of a row, by its column's number.
  private typealias Field = (column: Int, value: Double)

  private var index = NameIndex()
  private(set) var names: [String] = []
  /// Not a number where a record has none.
  private var columns: [[Double]] = []
  /// Which record of the file each row is.
  private var numbers: [Int] = []
  /// Records so far.
  private(set) var recordCount = 0
  /// How often rows have been left out.
  private(set) var thinnings = 0
  private var bucketRecords = 1
  /// Whether names are left out because there are too many.
  private(set) var hasOtherColumns = false
  private var fields: [Field] = []
  /// The record that last had the column.
  private var marks: [Int] = []

  var rowCount: Int { numbers.count }

  /// Takes the numbers of a record.
  ///
  /// - Returns: false where one is infinite or stands twice; such a record is left out.
  mutating func append(
    _ line: Span<UInt8>, _ members: [RecordScanner.Member]
  ) -> Bool {
    begin()
    for member in members where member.kind == .number {
      guard let column = column(line, member.name) else { continue }
      guard put(line.number(member.value), column) else { return false }
    }
    end()
    return true
  }

  /// As for a line.
  mutating func append(_ members: [OrderedJSON.Member]) -> Bool {
    begin()
    for member in members {
      guard let value = member.value.doubleValue,
        let column = column(Array(member.name.utf8))
      else { continue }
      guard put(value, column) else { return false }
    }
    end()
    return true
  }

  /// What the last record has in a column.
  mutating func last(_ name: [UInt8]) -> Double? {
    guard let value = index.number(name).flatMap({ columns[$0].last }), !value.isNaN else {
      return nil
    }
    return value
  }

  /// Adds a value to the last record.
  mutating func setLast(_ name: [UInt8], _ value: Double) {
    guard rowCount > 0, let column = column(name) else { return }
    columns[column][rowCount - 1] = value
  }

  private mutating func column(_ name: [UInt8]) -> Int? { index.number(name) ?? add(name) }

  private mutating func column(_ line: Span<UInt8>, _ name: Range<Int>) -> Int? {
    index.number(line, name) ?? add(line.bytes(name))
  }

  private mutating func add(_ name: [UInt8]) -> Int? {
    guard names.count < Self.mostColumns else {
      hasOtherColumns = true
      return nil
    }
    names.append(String(decoding: name, as: UTF8.self))
    columns.append([Double](repeating: .nan, count: rowCount))
    marks.append(0)
    return index.add(name)
  }

  private mutating func begin() {
    index.beginRecord()
    fields.removeAll(keepingCapacity: true)
  }

  private mutating func put(_ value: Double, _ column: Int) -> Bool {
    // Marks count records from 1, and one that is refused leaves none of the next.
    let mark = recordCount + 1
    let isTwice = marks[column] == mark && fields.contains { $0.column == column }
    guard value.isFinite, !isTwice else { return false }
    marks[column] = mark
    fields.append((column, value))
    return true
  }

  private mutating func end() {
    for column in columns.indices { columns[column].append(.nan) }
    for field in fields { columns[field.column][rowCount] = field.value }
    numbers.append(recordCount)
    recordCount += 1
    if rowCount > Self.mostRows { thin() }
  }

  /// The last value of a column.
  subscript(name: String) -> Double? { values(name).last ?? nil }

  func values(_ name: String) -> [Double?] {
    guard let column = names.firstIndex(of: name) else { return [] }
    return columns[column].map { $0.isNaN ? nil : $0 }
  }

  /// The columns from a row on.
  func json(from row: Int = 0) -> OrderedJSON {
    .object(
      zip(names, columns).map { name, values in
        .init(name, .array(values[row...].map { $0.isNaN ? .null : .number($0) }))
      })
  }
}

extension MetricsSeries {
  /// Leaves out rows until half of those that may be there are left.
  private mutating func thin() {
    // Those that have come since the last time are all still there.
    var kept = rowsOfBuckets()
    while kept.count > Self.mostRows / 2 {
      bucketRecords *= 2
      kept = rowsOfBuckets()
    }
    for column in columns.indices {
      let values = columns[column]
      columns[column] = kept.map { values[$0] }
    }
    numbers = kept.map { numbers[$0] }
    thinnings += 1
  }

  private func rowsOfBuckets() -> [Int] {
    var isKept = [Bool](repeating: false, count: rowCount)
    var start = 0
    while start < rowCount {
      let bucket = numbers[start] / bucketRecords
      var end = start + 1
      while end < rowCount, numbers[end] / bucketRecords == bucket { end += 1 }
      isKept[start] = true
      isKept[end - 1] = true
      for values in columns {
        var least: Int?
        var greatest: Int?
        for row in start..<end where !values[row].isNaN {
          if least.map({ values[row] < values[$0] }) ?? true { least = row }
          if greatest.map({ values[row] > values[$0] }) ?? true { greatest = row }
        }
        if let least { isKept[least] = true }
        if let greatest { isKept[greatest] = true }
      }
      start = end
    }
    return isKept.indices.filter { isKept[$0] }
  }
}
