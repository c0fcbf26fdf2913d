import Collectives
import Testing

/// Cores that ranks of a host share.
@Suite struct UsableCoresTests {
  @Test func ranksShareTheirContainersTime() {
    func row(_ host: UInt64, _ quota: UInt64) -> UsableCores.Row {
      UsableCores.Row(host: host, cores: [0xFF], quota: quota)
    }
    let rows = [row(1, 5000), row(1, 5000), row(2, 500), row(3, 0), row(4, 100_000)]
    let shares = rows.map { UsableCores.share(of: $0, among: rows) }
    #expect(shares == [2, 2, 0, 8, 8])
  }

  /// Linux writes as many groups as the kernel was built for cores.
  @Test func masksMayHaveMoreThanAThousandCores() {
    #expect(UsableCores.set(ofMask: "\t3") == [3])
    #expect(UsableCores.set(ofMask: "f,80000001") == [0xF_8000_0001])
    #expect(UsableCores.set(ofMask: "1,00000000,00000002") == [2, 1])
    #expect(UsableCores.set(ofMask: "many") == [])
    #expect(UsableCores.set(ofMask: "1ffffffff") == [])
    // 2,048 cores of which the last 64 are free, bound to one process.
    let mask = "ffffffff,ffffffff" + String(repeating: ",00000000", count: 62)
    let row = UsableCores.Row(host: 1, cores: UsableCores.set(ofMask: mask), quota: 0)
    #expect(row.coreNumbers == Array(1984..<2048))
    let small = UsableCores.Row(host: 2, cores: [0b1011], quota: 0)
    #expect(small.coreNumbers == [0, 1, 3])
    #expect(!small.may(use: 2000))
    // A rank bound to half of them beside one that is not.
    let half = UsableCores.Row(
      host: 1, cores: [UInt64](repeating: 0, count: 31) + [0xFFFF_FFFF], quota: 0)
    let rows = [row, half, small]
    #expect(rows.map { UsableCores.share(of: $0, among: rows) } == [48, 16, 3])
  }
}
