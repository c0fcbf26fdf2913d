import Foundation
import Records

/// The metrics of one run as far as they were read: columns of numbers of training and validation,
/// and the last events and samples.
struct RunMetrics: Sendable {
  /// Records of one kind as columns of equal length.
  struct Series: Sendable {
    private(set) var columns: [(name: String, values: [Double?])] = []
    private(set) var count = 0

    mutating func append(_ members: [OrderedJSON.Member]) {
      for member in members where member.name != "kind" {
        guard let value = member.value.doubleValue else { continue }
        if let index = columns.firstIndex(where: { $0.name == member.name }) {
          if columns[index].values.count == count { columns[index].values.append(value) }
        } else {
          columns.append((member.name, [Double?](repeating: nil, count: count) + [value]))
        }
      }
      count += 1
      for index in columns.indices where columns[index].values.count < count {
        columns[index].values.append(nil)
      }
    }

    /// The last value of a column.
    subscript(name: String) -> Double? {
      columns.first { $0.name == name }?.values.last ?? nil
    }

    func values(_ name: String) -> [Double?] {
      columns.first { $0.name == name }?.values ?? []
    }

    /// All columns, or where they are long a row of every `stride` and the last one.
    func json(mostRows: Int) -> OrderedJSON {
      let stride = max(1, (count + mostRows - 1) / mostRows)
      let rows = (0..<count).filter { $0 % stride == 0 || $0 == count - 1 }
      return .object(
        columns.map { column in
          .init(
            column.name, .array(rows.map { column.values[$0].map { .number($0) } ?? .null }))
        })
    }
  }

  private(set) var train = Series()
  private(set) var valid = Series()
  /// Events, resumes and checkpoints, oldest first.
  private(set) var events: [OrderedJSON] = []
  private(set) var samples: [OrderedJSON] = []

  static let mostEvents = 200
  static let mostSamples = 100

  mutating func append(_ record: OrderedJSON) {
    guard case .object(let members) = record, let kind = record["kind"]?.stringValue else {
      return
    }
    switch kind {
    case "train": train.append(members)
    case "valid": valid.append(members)
    case "sample":
      samples.append(record)
      if samples.count > Self.mostSamples { samples.removeFirst() }
    default:
      events.append(record)
      if events.count > Self.mostEvents { events.removeFirst() }
    }
  }
}
