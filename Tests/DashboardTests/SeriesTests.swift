import Records
import Testing

@testable import Dashboard

@Suite struct SeriesTests {
  /// Numbers that look random, without a generator's state.
  private static func noise(_ step: Int, _ salt: Int) -> Double {
    Double((step &* 2_654_435_761 &+ salt &* 40503) & 0xFFFF) / 65536
  }

  private static func series(_ count: Int, spike: Int? = nil) -> MetricsSeries {
    var series = MetricsSeries()
    for step in 1...count {
      let isTaken = series.append([
        .init("step", .integer(step)), .init("loss", .number(step == spike ? 50 : noise(step, 1))),
        .init("rate", .number(noise(step, 2))), .init("constant", .integer(7)),
      ])
      precondition(isTaken, "step \(step)")
    }
    return series
  }

  private func expect(
    _ series: inout MetricsSeries, _ members: [OrderedJSON.Member], isTaken: Bool = true
  ) {
    let result = series.append(members)
    #expect(result == isTaken)
  }

  @Test func shortSeriesAreWhole() {
    let series = Self.series(4000)
    #expect(series.rowCount == 4000)
    #expect(series.thinnings == 0)
    #expect(series.values("step") == (1...4000).map { Double($0) })
  }

  @Test(arguments: [4001, 10_000, 77_777, 200_000])
  func thinnedSeriesKeepEveryBucketsExtremes(count: Int) throws {
    let spike = count * 5 / 8
    let series = Self.series(count, spike: spike)
    #expect((500...4000).contains(series.rowCount), "\(series.rowCount)")
    #expect(series.recordCount == count)
    let steps = series.values("step").compactMap { $0.map { Int($0) } }
    let losses = series.values("loss")
    #expect(steps.first == 1)
    #expect(steps.last == count)
    // Rows are the file's own, in order.
    #expect(zip(steps, steps.dropFirst()).allSatisfy { $0.0 < $0.1 })
    for (step, loss) in zip(steps, losses) {
      #expect(loss == (step == spike ? 50 : Self.noise(step, 1)))
    }
    let row = try #require(steps.firstIndex(of: spike))
    #expect(losses[row] == 50)
    // The least and the greatest of a fiftieth of the records, which holds whole buckets.
    let part = max(16, count / 50)
    for start in stride(from: 1, through: count - part, by: part) {
      let stretch = start..<(start + part)
      let all = (stretch.lowerBound + part / 2..<stretch.upperBound).map { Self.noise($0, 1) }
      let kept = zip(steps, losses).filter { stretch.contains($0.0) }.compactMap(\.1)
      #expect(kept.max() ?? 0 >= (all.max() ?? 0) - 0.1, "from \(start)")
      #expect(kept.min() ?? 1 <= (all.min() ?? 1) + 0.1, "from \(start)")
    }
    #expect(Set(series.values("constant")) == [7])
  }

  @Test func thinningDependsOnTheFileAlone() {
    // However it is read, the same rows are left.
    #expect(Self.series(9000).json() == Self.series(9000).json())
    var sparse = MetricsSeries()
    for step in 1...9000 {
      var members: [OrderedJSON.Member] = [.init("step", .integer(step))]
      if step % 1000 == 0 { members.append(.init("rare", .integer(step))) }
      expect(&sparse, members)
    }
    let rare = sparse.values("rare").compactMap { $0 }
    #expect(rare.contains(1000) && rare.contains(9000))
    #expect(sparse.values("rare").count == sparse.rowCount)
  }

  @Test func tooManyColumnsAreSaid() {
    var series = MetricsSeries()
    expect(&series, (0..<64).map { .init("column \($0)", .integer($0)) })
    #expect(!series.hasOtherColumns)
    expect(&series, (0..<100_000).map { .init("column \($0)", .integer($0)) })
    #expect(series.hasOtherColumns)
    #expect(series.names.count == 64)
  }

  @Test func namesThatStandTwiceAreRefused() {
    var series = MetricsSeries()
    expect(&series, [.init("a", .integer(1)), .init("a", .integer(2))], isTaken: false)
    expect(&series, [.init("a", .number(.infinity))], isTaken: false)
    expect(&series, [.init("a", .integer(1))])
    #expect(series.values("a") == [1])
  }
}
