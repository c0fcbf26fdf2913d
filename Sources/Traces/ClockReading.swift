package import Collectives
import Timeline

/// How far the clock of a rank's host is ahead of that of rank 0, measured by messages.
package struct ClockReading: Sendable, Equatable {
  /// When it was measured, in nanoseconds of rank 0's clock.
  package var time: UInt64
  /// Nanoseconds that the rank's clock shows more.
  package var offset: Int64
  /// The most by which that may be wrong, in nanoseconds: half of the quickest answer's time.
  package var accuracy: UInt64

  package init(time: UInt64, offset: Int64, accuracy: UInt64) {
    self.time = time
    self.offset = offset
    self.accuracy = accuracy
  }

  /// The reading of a question sent at `sent` and answered, by an answer that came at `received`,
  /// with what the other clock showed in between: it is ahead by what it shows beyond the middle.
  package init(sent: UInt64, answer: UInt64, received: UInt64) {
    let middle = sent + (received - sent) / 2
    self.init(
      time: middle, offset: Int64(bitPattern: answer &- middle),
      accuracy: (received - sent + 1) / 2)
  }

  /// Questions to each rank: at most so many, and where answers are slow at least.
  private static let most = 32
  private static let least = 4
  private static let nanosecondsAllowed: UInt64 = 50_000_000

  /// Asks every rank for its clock, one after the other. Every rank calls it, and nothing but
  /// transfers that are started already is under way.
  ///
  /// - Parameter trustsHosts: takes ranks of one host to have one clock, where the answers allow
  ///   for that.
  /// - Returns: on rank 0 the best reading of each rank; elsewhere nothing.
  package static func measure(
    on communicator: any Communicator, trustsHosts: Bool = true
  ) throws(CollectiveError) -> [ClockReading] {
    let hosts = try communicator.allGather([communicator.hostNumber])
    if communicator.rank > 0 {
      try answer(on: communicator)
      return []
    }
    var readings = [ClockReading(time: nanoseconds(), offset: 0, accuracy: 0)]
    for peer in 1..<max(1, communicator.worldSize) {
      var reading = try ask(peer, on: communicator)
      if trustsHosts, hosts[peer] == hosts[0], reading.offset.magnitude <= reading.accuracy {
        (reading.offset, reading.accuracy) = (0, 0)
      }
      readings.append(reading)
    }
    return readings
  }

  /// (Cristian, 1989: of several answers the quickest says most.)
  private static func ask(
    _ peer: Int, on communicator: any Communicator
  ) throws(CollectiveError) -> ClockReading {
    let deadline = nanoseconds() + nanosecondsAllowed
    var best: ClockReading?
    for round in 1... {
      let sent = nanoseconds()
      // The first answer opens the connection.
      let isLast = round == most || round > least && sent > deadline
      try communicator.sendWord(isLast ? 0 : 1, to: peer)
      let answer = try communicator.receiveWord(from: peer)
      let reading = ClockReading(sent: sent, answer: answer, received: nanoseconds())
      if best.map({ reading.accuracy < $0.accuracy }) ?? true { best = reading }
      if isLast { break }
    }
    return best ?? ClockReading(time: deadline, offset: 0, accuracy: .max)
  }

  private static func answer(on communicator: any Communicator) throws(CollectiveError) {
    repeat {
      let isLast = try communicator.receiveWord(from: 0) == 0
      try communicator.sendWord(nanoseconds(), to: 0)
      if isLast { return }
    } while true
  }
}

/// A rank's clock beside that of rank 0 over some time, drift included.
package struct ClockAlignment: Sendable {
  private let first: ClockReading
  private let last: ClockReading

  package init(_ first: ClockReading, _ last: ClockReading) {
    self.first = first
    self.last = last
  }

  /// The most by which a time may be wrong, in nanoseconds.
  package var accuracy: UInt64 { max(first.accuracy, last.accuracy) }

  /// How much further ahead the clock was in the end, in nanoseconds: at most a tenth of the time
  /// between. No clock is so wrong; two measurements close to each other are, and times taken right
  /// by them would run backwards.
  package var drift: Int64 {
    let most = Int64(clamping: (last.time &- first.time) / 10)
    return min(most, max(-most, last.offset - first.offset))
  }

  /// What rank 0's clock shows when the rank's shows `time`.
  package func rankZeroTime(_ time: UInt64) -> UInt64 {
    let elapsed = Double(Int64(bitPattern: time &- UInt64(bitPattern: first.offset) &- first.time))
    let whole = Double(max(1, last.time &- first.time))
    let share = min(1, max(0, elapsed / whole))
    let offset = first.offset + Int64((Double(drift) * share).rounded())
    return time &- UInt64(bitPattern: offset)
  }
}

extension Communicator {
  func sendWord(_ word: UInt64, to peer: Int) throws(CollectiveError) {
    try sendBytes(of: [word], to: peer)
  }

  func receiveWord(from peer: Int) throws(CollectiveError) -> UInt64 {
    try receiveValues(count: 1, filledWith: UInt64(0), from: peer)[0]
  }

  /// Sends values to a rank, which calls `receiveValues` for as many.
  func sendBytes<Value: BitwiseCopyable>(
    of values: [Value], to peer: Int
  ) throws(CollectiveError) {
    let result = unsafe values.withUnsafeBytes { bytes in
      Result { () throws(CollectiveError) in try unsafe send(bytes, to: peer) }
    }
    try result.get()
  }

  func receiveValues<Value: BitwiseCopyable>(
    count: Int, filledWith value: Value, from peer: Int
  ) throws(CollectiveError) -> [Value] {
    var values = [Value](repeating: value, count: count)
    let result = unsafe values.withUnsafeMutableBytes { bytes in
      Result { () throws(CollectiveError) in try unsafe receive(bytes, from: peer) }
    }
    try result.get()
    return values
  }
}
