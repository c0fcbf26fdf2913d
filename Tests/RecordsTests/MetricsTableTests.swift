import Foundation
import Records
import Testing

@Suite struct MetricsTableTests {
  /// A run directory with that text as its metrics.
  private func table(_ text: String, kind: String = "train") throws -> (String, Int) {
    let run = NSTemporaryDirectory() + "table-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: run) }
    try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(run)/metrics.jsonl"))
    let table = try MetricsTable(run: run, kind: kind)
    try table.requireRecords()
    var bytes: [UInt8] = []
    while let part = try table.nextPart() { bytes += part }
    return (String(decoding: bytes, as: UTF8.self), table.damagedLineCount)
  }

  @Test func valuesStayAsTheyAre() throws {
    let text = #"""
      {"kind":"train","step":1,"loss":2.50,"note":"a,b","none":null}
      {"kind":"valid","step":1,"other":3}
      {"kind":"train","step":2,"late":1e-7,"loss":-0.0,"note":"say \"ä\"\n","is":true}
      { "late" : [1,{"a":2}], "kind" : "train" }
      """#
    let (table, damaged) = try table(text + "\n")
    #expect(
      table == "step,loss,note,none,late,is\r\n1,2.50,\"a,b\",,,\r\n"
        + "2,-0.0,\"say \"\"ä\"\"\n\",,1e-07,true\r\n,,,,\"[1,{\"\"a\"\":2}]\",\r\n")
    #expect(damaged == 0)
  }

  @Test func damagedLinesAreCountedAndLeftOut() throws {
    let good = #"{"kind":"train","step":1}"#
    let lines = [
      good, "not JSON", "", #"{"kind":"train","step":2,"step":3}"#, #"{"step":4}"#,
      #"{"kind":"train","note":""# + String(repeating: "x", count: 3 << 20) + "\"}", good,
    ]
    let (whole, damaged) = try table(lines.joined(separator: "\n") + "\n")
    #expect(whole == "step\r\n1\r\n1\r\n")
    #expect(damaged == 4)
    // A last line that is still being written is no damage, and one that only lacks its end counts.
    #expect(try table(good + "\n" + #"{"kind":"tr"#) == ("step\r\n1\r\n", 0))
    #expect(try table(good + "\n" + good) == ("step\r\n1\r\n1\r\n", 0))
    #expect(try table("") == ("\r\n", 0))
  }

  @Test func blocksMakeTheWhole() throws {
    // Lines of several lengths, so that blocks end anywhere in them.
    let rows = (0..<20_000).map { (step: $0, note: String(repeating: "n", count: $0 % 97)) }
    let text = rows.map { #"{"kind":"train","step":\#($0.step),"note":"\#($0.note)"}"# + "\n" }
    let (table, damaged) = try table(text.joined())
    #expect(table == "step,note\r\n" + rows.map { "\($0.step),\($0.note)\r\n" }.joined())
    #expect(damaged == 0)
  }

  @Test func missingKindsAreNamed() throws {
    let error = #expect(throws: UsageError.self) {
      try table(#"{"kind":"valid","step":1}"# + "\n", kind: "train")
    }
    #expect(error?.description.contains("it has valid") == true)
    #expect(throws: UsageError.self) { try MetricsTable(run: "/nowhere", kind: "train") }
  }

  @Test func pipesAreRefusedAtOnce() throws {
    let run = NSTemporaryDirectory() + "table-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: run) }
    try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: true)
    #expect(mkfifo("\(run)/metrics.jsonl", 0o600) == 0)
    #expect(throws: UsageError.self) { try MetricsTable(run: run, kind: "train") }
    #expect(RunFiles.read("\(run)/metrics.jsonl") == nil)
    #expect(throws: MetricsError.self) {
      try MetricsLog.truncate(path: "\(run)/metrics.jsonl", afterStep: 1)
    }
  }

  @Test func manyNamesTakeLinearTime() throws {
    let names = (0..<100_000).map { "\"name \($0)\":\($0)" }.joined(separator: ",")
    let text = "{\"kind\":\"train\"," + names + "}\n"
    // Longer than a line may be.
    #expect(try table(text).1 == 1)
    let fewer = (0..<50_000).map { "\"\($0)\":\($0)" }.joined(separator: ",")
    let (table, _) = try table("{\"kind\":\"train\"," + fewer + "}\n")
    #expect(table.split(separator: "\r\n").count == 2)
  }
}

@Suite struct RecordScannerTests {
  private func numbers(_ text: String) -> [Double]? {
    var scanner = RecordScanner()
    let bytes = Array(text.utf8)
    guard case .plain = scanner.scan(bytes.span) else { return nil }
    return scanner.members.filter { $0.kind == .number }.map { bytes.span.number($0.value) }
  }

  /// Bit for bit what the parser says.
  @Test func numbersAreThoseOfTheParser() throws {
    var texts = [
      "0", "-0", "0.1", "-0.0", "1e5", "1E-5", "3.141592653589793", "9007199254740993",
      "9007199254740992", "0.30000000000000004", "123456789012345678901234567890", "1e300",
      "4.9e-324", "2.2250738585072011e-308", "0.000000000000000000000001", "1e22", "1e23",
      "8.5e-1", "100000000000000000000000.5", "0.00000000000000000000001",
    ]
    var state: UInt64 = 1
    for _ in 0..<5000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let value = Double(bitPattern: state)
      if value.isFinite { texts.append(value.description) }
      texts.append(String(Double(state >> 40) / 1000))
    }
    for text in texts {
      let parsed = try OrderedJSON(parsing: text).doubleValue
      #expect(numbers("{\"a\":\(text)}") == [try #require(parsed)], "\(text)")
    }
  }

  @Test func whatTheParserRefusesIsDamaged() {
    var scanner = RecordScanner()
    for text in [
      "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":+1}", "{\"a\":1e}", "{\"a\":-}", "{\"a\":1",
      "{\"a\":1,}", "{\"a\"}", "{a:1}", "{\"a\":nul}", "{\"a\":1} x", "[]", "", "{\"a\":\"x}",
      "{\"a\":\"\u{1}\"}", "{\"a\":NaN}", "{", "{\"", "{\"a\":tru",
    ] {
      let bytes = Array(text.utf8)
      guard case .damaged = scanner.scan(bytes.span) else {
        Issue.record("\(text) is taken")
        continue
      }
    }
  }
}
