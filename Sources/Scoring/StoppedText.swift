/// A text that grows until one of some texts stands in it, which is no part of it.
package struct StoppedText: Sendable {
  private let stops: [(text: String, bytes: [UInt8])]
  private let longest: Int
  /// All that was appended, up to what ended it.
  package private(set) var bytes: [UInt8] = []
  /// Bytes that were handed on.
  private var emitted = 0
  /// What ended it; nil so far.
  package private(set) var stop: String?

  /// Preconditions: no text of `stops` is empty.
  package init(stops: [String]) {
    self.stops = stops.map { ($0, Array($0.utf8)) }
    longest = self.stops.map(\.bytes.count).max() ?? 0
  }

  /// Appends bytes, unless the text has ended.
  ///
  /// - Returns: bytes that belong to the text whatever follows.
  package mutating func append(_ more: [UInt8]) -> [UInt8] {
    if stop != nil { return [] }
    let searched = max(0, bytes.count - longest + 1)
    bytes += more
    if let end = firstStop(from: searched) {
      bytes.removeSubrange(end...)
      return finish()
    }
    return emit(upTo: bytes.count - beginningCount)
  }

  /// The bytes of the text that were not handed on yet.
  package mutating func finish() -> [UInt8] { emit(upTo: bytes.count) }

  private mutating func emit(upTo end: Int) -> [UInt8] {
    // What was taken for the beginning of one stop may have become that of another.
    guard end > emitted else { return [] }
    defer { emitted = end }
    return Array(bytes[emitted..<end])
  }

  /// Where the first of the texts begins that stand at or behind a place.
  private mutating func firstStop(from start: Int) -> Int? {
    for place in start..<bytes.count {
      for (text, pattern) in stops where bytes[place...].starts(with: pattern) {
        stop = text
        return place
      }
    }
    return nil
  }

  /// How many of the last bytes may be the beginning of a text to stop at.
  private var beginningCount: Int {
    for count in stride(from: min(longest - 1, bytes.count), to: 0, by: -1) {
      let end = bytes.suffix(count)
      if stops.contains(where: { $0.bytes.count > count && $0.bytes.starts(with: end) }) {
        return count
      }
    }
    return 0
  }
}
