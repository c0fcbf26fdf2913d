import Collectives
import Records
package import Timeline

/// What a rank has recorded, as it travels to rank 0.
package struct RankRecord: Sendable {
  package struct Lane: Sendable {
    package var name: String
    /// Each as it ended.
    package var spans: [Span]
    /// Spans for which there was no room.
    package var lostCount: Int

    package init(name: String, spans: [Span], lostCount: Int = 0) {
      self.name = name
      self.spans = spans
      self.lostCount = lostCount
    }
  }

  package var host: String
  package var lanes: [Lane]

  package init(host: String, lanes: [Lane]) {
    self.host = host
    self.lanes = lanes
  }

  init(of timeline: Timeline, on host: String) {
    self.init(
      host: host,
      lanes: (0..<timeline.laneCount).map {
        Lane(
          name: timeline.name(ofLane: $0), spans: timeline.spans(ofLane: $0),
          lostCount: timeline.lostCount(ofLane: $0))
      })
  }

  package var spanCount: Int { lanes.reduce(0) { $0 + $1.spans.count } }
  package var lostCount: Int { lanes.reduce(0) { $0 + $1.lostCount } }

  /// Sends all of it to rank 0, which calls `receive`.
  func send(on communicator: any Communicator) throws {
    let head: OrderedJSON = [
      "host": .string(host),
      "lanes": .array(
        lanes.map {
          [
            "name": .string($0.name), "spans": .integer($0.spans.count),
            "lost": .integer($0.lostCount),
          ]
        }),
    ]
    let text = Array(head.line.utf8)
    try communicator.sendWord(UInt64(text.count), to: 0)
    try communicator.sendBytes(of: text, to: 0)
    for lane in lanes where !lane.spans.isEmpty {
      try communicator.sendBytes(of: lane.spans, to: 0)
    }
  }

  /// Receives what a rank sends.
  static func receive(from peer: Int, on communicator: any Communicator) throws -> RankRecord {
    let count = Int(try communicator.receiveWord(from: peer))
    let text = try communicator.receiveValues(count: count, filledWith: UInt8(0), from: peer)
    let head = try OrderedJSON(parsing: text)
    var record = RankRecord(host: head["host"]?.stringValue ?? "", lanes: [])
    guard case .array(let lanes) = head["lanes"] else { return record }
    for lane in lanes {
      let count = lane["spans"]?.integerValue ?? 0
      let spans =
        count == 0
        ? []
        : try communicator.receiveValues(
          count: count, filledWith: Span(.other, start: 0, end: 0), from: peer)
      record.lanes.append(
        Lane(
          name: lane["name"]?.stringValue ?? "", spans: spans,
          lostCount: lane["lost"]?.integerValue ?? 0))
    }
    return record
  }
}
