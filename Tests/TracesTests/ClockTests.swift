import Collectives
import Testing
import Timeline
import Traces

@Suite struct ClockTests {
  @Test func anAnswerInTheMiddleShowsTheOffset() {
    let reading = ClockReading(sent: 1000, answer: 1150, received: 1100)
    #expect(reading == ClockReading(time: 1050, offset: 100, accuracy: 50))
    let behind = ClockReading(sent: 1000, answer: 10, received: 1003)
    #expect(behind == ClockReading(time: 1001, offset: -991, accuracy: 2))
  }

  /// All threads of a host have one clock, so that every reading errs by no more than it says.
  @Test(arguments: [1, 2, 4]) func readingsErrByNoMoreThanTheirAccuracy(ranks: Int) throws {
    let all = try ThreadWorld.run(ranks: ranks) { communicator in
      (
        try ClockReading.measure(on: communicator, trustsHosts: false),
        try ClockReading.measure(on: communicator, trustsHosts: false)
      )
    }
    let start = nanoseconds()
    #expect(all[0].0.count == ranks)
    for (first, last) in zip(all[0].0, all[0].1) {
      #expect(first.offset.magnitude <= first.accuracy)
      #expect(last.offset.magnitude <= last.accuracy)
      #expect(first.time <= last.time)
      #expect(last.time <= start)
    }
    #expect(all.dropFirst().allSatisfy { $0.0.isEmpty && $0.1.isEmpty })
  }

  @Test func ranksOfAHostHaveOneClock() throws {
    let all = try ThreadWorld.run(ranks: 3) { try ClockReading.measure(on: $0) }
    #expect(all[0].map(\.offset) == [0, 0, 0])
    #expect(all[0].map(\.accuracy) == [0, 0, 0])
  }

  @Test func driftIsTakenOutInProportion() {
    let alignment = ClockAlignment(
      ClockReading(time: 10_000, offset: 500, accuracy: 30),
      ClockReading(time: 20_000, offset: 700, accuracy: 20))
    #expect(alignment.accuracy == 30)
    #expect(alignment.drift == 200)
    #expect(alignment.rankZeroTime(10_500) == 10_000)
    #expect(alignment.rankZeroTime(15_600) == 14_998)
    #expect(alignment.rankZeroTime(20_700) == 20_000)
    // Nobody knows how a clock went on outside of that.
    #expect(alignment.rankZeroTime(5_500) == 5_000)
    #expect(alignment.rankZeroTime(30_700) == 30_000)
  }

  /// Slow answers shortly one after the other may err by more than the time between them.
  @Test(arguments: [1_500_000, -1_500_000]) func timesNeverRunBackwards(error: Int64) {
    let alignment = ClockAlignment(
      ClockReading(time: 10_000_000, offset: 0, accuracy: 800_000),
      ClockReading(time: 11_000_000, offset: error, accuracy: 800_000))
    #expect(alignment.drift == error.signum() * 100_000)
    let times = stride(from: UInt64(9_000_000), through: 12_000_000, by: 1000)
      .map(alignment.rankZeroTime)
    #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
  }

  @Test func aClockThatIsFarBehindIsAligned() {
    let offset = -Int64(1) << 50
    let reading = ClockReading(time: 1 << 51, offset: offset, accuracy: 10)
    let alignment = ClockAlignment(reading, reading)
    #expect(alignment.rankZeroTime(1 << 50) == 1 << 51)
  }
}
