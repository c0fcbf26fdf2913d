import Records
import Testing

@Suite struct MemoryAllowanceTests {
  private let gibibyte = 1 << 30

  private func excess(held: Int, before: Int, read: Int, of total: Int) -> String? {
    MemoryAllowance(bytes: gibibyte, owner: "the machine has").excess(
      held: held, before: before, of: ReadingProgress.Amount(read: read, total: total))
  }

  @Test func dataThatWillNotFitAreRefusedEarly() throws {
    let words = try #require(
      excess(held: 300 << 20, before: 100 << 20, read: 10 << 20, of: 100 << 20))
    #expect(words.hasPrefix("needs about 2."))
    #expect(words.contains("after 10 % of the data), the machine has 1"))
    // The same growth with less to come: 100 + 200 * 5 = 1,100 MiB, and 100 + 200 * 3.
    #expect(excess(held: 300 << 20, before: 100 << 20, read: 10 << 20, of: 50 << 20) != nil)
    #expect(excess(held: 300 << 20, before: 100 << 20, read: 10 << 20, of: 30 << 20) == nil)
  }

  @Test func littleIsNotJudged() {
    // What the first bytes take says nothing of the rest, nor does what is small itself.
    #expect(
      excess(held: gibibyte, before: 0, read: MemoryAllowance.leastRead - 1, of: 1 << 40) == nil)
    #expect(excess(held: 100 << 20, before: 0, read: 10 << 20, of: 1 << 40) == nil)
    #expect(excess(held: 200 << 20, before: 0, read: 10 << 20, of: 1 << 40) != nil)
  }

  @Test func whatIsHeldAlreadyCounts() {
    #expect(excess(held: 1100 << 20, before: 900 << 20, read: 64 << 20, of: 64 << 20) != nil)
    #expect(excess(held: 1000 << 20, before: 800 << 20, read: 64 << 20, of: 64 << 20) == nil)
  }
}
