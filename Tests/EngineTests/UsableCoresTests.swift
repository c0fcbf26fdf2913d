import Testing

@testable import Engine

/// Cores that ranks of a host share.
@Suite struct UsableCoresTests {
  @Test func ranksShareTheirContainersTime() {
    /// Host, eight cores of 1,024, thousandths of a core.
    func row(_ host: UInt64, _ quota: UInt64) -> [UInt64] {
      [host, 0xFF] + [UInt64](repeating: 0, count: 15) + [quota]
    }
    let rows = [row(1, 5000), row(1, 5000), row(2, 500), row(3, 0), row(4, 100_000)]
    let shares = rows.map { UsableCores.share(of: $0, among: rows) }
    #expect(shares == [2, 2, 0, 8, 8])
  }
}
