import Records
import Testing
import Traces

@Suite struct TraceRequestTests {
  @Test func readsStepsAndRanges() {
    #expect(TraceRequest.range("11-15") == 11...15)
    #expect(TraceRequest.range("7") == 7...7)
    #expect(TraceRequest.range("3-3") == 3...3)
    for text in [
      "", "-", "0", "0-3", "5-4", "1-", "-2", "1-2-3", "a", "1-b", "1.5", "+1-2", "1 - 2", " 1",
      "99999999999999999999", "1-99999999999999999999",
    ] {
      #expect(TraceRequest.range(text) == nil, "'\(text)'")
    }
  }

  @Test func usualStepsFollowTheFirstTen() throws {
    let request = TraceRequest(path: "t")
    #expect(try request.steps(afterStep: 0, lastStep: 100, usual: 11) == 11...15)
    #expect(try request.steps(afterStep: 200, lastStep: 500, usual: 211) == 211...215)
    // Those that there are of a run that ends sooner, the last of them.
    #expect(try request.steps(afterStep: 0, lastStep: 13, usual: 11) == 9...13)
    #expect(try request.steps(afterStep: 0, lastStep: 3, usual: 11) == 1...3)
    #expect(try request.steps(afterStep: 98, lastStep: 100, usual: 109) == 99...100)
    #expect(try request.steps(afterStep: 99, lastStep: 100, usual: 110) == 100...100)
  }

  @Test func stepsThatTheRunDoesNotMakeAreAnError() throws {
    for (steps, made) in [(1...5, "11 to 20"), (10...12, "11 to 20"), (18...21, "11 to 20")] {
      let request = TraceRequest(path: "t", steps: steps)
      let error = #expect(throws: UsageError.self) {
        try request.steps(afterStep: 10, lastStep: 20, usual: 21)
      }
      #expect(error?.description.contains("this run makes the steps \(made)") == true)
    }
    let request = TraceRequest(path: "t", steps: 11...20)
    #expect(try request.steps(afterStep: 10, lastStep: 20, usual: 21) == 11...20)
  }
}
