/// Appends the records of a run to its metrics. What the disk does not take waits for the next
/// ones; what is given up in the end is told in its place.
package final class MetricsWriter {
  private let path: String
  private let log: any MetricsTarget
  private let mostWaiting: Int
  /// Records that the disk has not taken yet, the oldest first.
  private var waiting: [OrderedJSON] = []
  private var lost: LostRecords?
  private var isDiskFailing = false

  /// Opens the metrics.
  package convenience init(path: String) throws(MetricsError) {
    self.init(try MetricsLog(path: path), path: path)
  }

  /// - Parameter mostWaiting: records that wait before the oldest are given up, at least 2.
  package init(_ log: any MetricsTarget, path: String, mostWaiting: Int = 100_000) {
    self.log = log
    self.path = path
    self.mostWaiting = mostWaiting
  }

  /// Appends records, after those that wait.
  ///
  /// - Returns: what a person should know, once for each outage.
  package func append(_ records: [OrderedJSON]) -> String? {
    let earlier = waiting.count
    waiting += records
    let wasFailing = isDiskFailing
    do {
      var written = 0
      defer { waiting.removeFirst(written) }
      while written < waiting.count {
        try log.append(waiting[written])
        written += 1
      }
      isDiskFailing = false
      defer { lost = nil }
      return wasFailing
        ? "\(path): written again, with \(Format.count(earlier, "record")) that waited"
          + (lost.map { "; \($0.words)" } ?? "") : nil
    } catch {
      isDiskFailing = true
      giveUpOldest()
      return wasFailing
        ? nil : "\(error); training goes on, and up to \(mostWaiting) records wait"
    }
  }

  /// Throws where records are lost, or the last ones may not be on the disk.
  package func finish() throws {
    _ = append([])
    if !waiting.isEmpty {
      throw RunDirectoryError(
        "\(path): the last \(Format.count(waiting.count, "record")) of the run could not be "
          + "written; the checkpoints are whole")
    }
    try log.synchronize()
  }

  /// Makes everything appended so far survive a crash of the machine; on any thread.
  package func synchronize() throws(MetricsError) { try log.synchronize() }

  /// Gives up the oldest records where too many wait. One in their place says so.
  private func giveUpOldest() {
    guard waiting.count > mostWaiting else { return }
    let count = waiting.count - mostWaiting + 1
    for record in waiting.prefix(count) { lost.add(record) }
    if let lost { waiting.replaceSubrange(0..<count, with: [lost.json]) }
  }
}

/// Where records go, one at a time.
package protocol MetricsTarget {
  /// Appends a record as a whole or not at all.
  func append(_ record: OrderedJSON) throws(MetricsError)
  /// Makes everything appended so far survive a crash of the machine.
  func synchronize() throws(MetricsError)
}

extension MetricsLog: MetricsTarget {}

/// Records that are not written any more.
private struct LostRecords {
  var count = 0
  var first: Int
  var last: Int

  static let event = "records_lost"

  var words: String { "\(Format.count(count, "record")) of steps \(first) to \(last) are lost" }

  var json: OrderedJSON {
    [
      "kind": "event", "event": .string(Self.event), "step": .integer(last),
      "records": .integer(count), "from_step": .integer(first),
      "reason": .string("the disk took no records for too long: \(words)"),
    ]
  }
}

extension LostRecords? {
  fileprivate mutating func add(_ record: OrderedJSON) {
    // Its own word for those before.
    if record["event"]?.stringValue == LostRecords.event { return }
    let step = record["step"]?.integerValue ?? 0
    var all = self ?? LostRecords(first: step, last: step)
    all.count += 1
    all.last = max(all.last, step)
    self = all
  }
}
