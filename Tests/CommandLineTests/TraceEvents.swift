import Foundation
import Records

/// The trace events of a file, as viewers read them.
struct TraceEvents {
  struct Event {
    var name: String
    var category: String
    /// Microseconds.
    var start: Double
    var end: Double
    var rank: Int
    var lane: Int
    var step: Int
    var pass: String?
    var duration: Double { end - start }
  }

  var events: [Event] = []
  var about: OrderedJSON
  /// By rank.
  var processes: [Int: String] = [:]
  /// By rank and place.
  var threads: [Int: [Int: String]] = [:]

  init(_ path: String) throws {
    let file = try OrderedJSON(parsing: Array(try Data(contentsOf: URL(fileURLWithPath: path))))
    about = file["otherData"] ?? [:]
    guard file["displayTimeUnit"] == "ms", case .array(let all) = file["traceEvents"] else {
      throw Malformed(words: "no trace: \(path)")
    }
    for event in all {
      let rank = try Self.integer(event, "pid")
      let lane = try Self.integer(event, "tid")
      switch (event["ph"]?.stringValue, event["name"]?.stringValue) {
      case ("M", "process_name"): processes[rank] = event["args"]?["name"]?.stringValue
      case ("M", "thread_name"):
        threads[rank, default: [:]][lane] = event["args"]?["name"]?.stringValue
      case ("M", "process_sort_index"), ("M", "thread_sort_index"): break
      case ("X", let name?):
        guard let start = event["ts"]?.doubleValue, let duration = event["dur"]?.doubleValue,
          start >= 0, duration >= 0, let category = event["cat"]?.stringValue,
          let step = event["args"]?["step"]?.integerValue
        else { throw Malformed(words: event.line) }
        events.append(
          Event(
            name: name, category: category, start: start, end: start + duration, rank: rank,
            lane: lane, step: step, pass: event["args"]?["pass"]?.stringValue))
      default: throw Malformed(words: event.line)
      }
    }
  }

  private static func integer(_ event: OrderedJSON, _ key: String) throws -> Int {
    guard let value = event[key]?.integerValue else { throw Malformed(words: event.line) }
    return value
  }

  struct Malformed: Error { var words: String }

  /// The events of one thread, those around others first.
  func lane(_ rank: Int, _ lane: Int) -> [Event] {
    events.filter { $0.rank == rank && $0.lane == lane }
      .sorted { ($0.start, $1.end) < ($1.start, $0.end) }
  }

  /// An event that lies across the end of another one of its thread; nil where there is none.
  var crossing: Event? {
    for (rank, lanes) in threads {
      for place in lanes.keys {
        var around: [Event] = []
        for event in lane(rank, place) {
          // Times have three decimals.
          while let last = around.last, last.end <= event.start + 0.0005 { around.removeLast() }
          if let last = around.last, event.end > last.end + 0.0015 { return event }
          around.append(event)
        }
      }
    }
    return nil
  }

  /// The steps that a rank's first thread tells of.
  func steps(_ rank: Int) -> [Int] {
    lane(rank, 0).filter { $0.name.hasPrefix("step ") }.map(\.step)
  }

  /// What part of a step the first thread of a rank is at something that has a name.
  func coverage(_ rank: Int) -> [Double] {
    lane(rank, 0).filter { $0.name.hasPrefix("step ") }.map { step in
      let parts = lane(rank, 0).filter {
        $0.category != "step" && $0.start >= step.start - 0.0015 && $0.end <= step.end + 0.0015
      }
      return parts.reduce(0) { $0 + $1.duration } / step.duration
    }
  }
}
