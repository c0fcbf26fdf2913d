import Foundation
import Testing

@testable import Training

@Suite struct MetricsTests {
  private func temporaryPath() -> String {
    FileManager.default.temporaryDirectory
      .appendingPathComponent("metrics-\(UUID().uuidString).jsonl").path
  }

  private func outcome(step: Int, milliseconds: Int) -> StepOutcome {
    StepOutcome(
      step: step, loss: 2, tokens: 100, learningRate: 0.1, gradientNorm: 1,
      requests: [], duration: .milliseconds(milliseconds),
      dataDuration: .milliseconds(1), exposedExchangeDuration: .milliseconds(2),
      hiddenExchangeDuration: .milliseconds(5), sentBytes: 1000 * step)
  }

  @Test func trainRecordsHaveTheAgreedFields() throws {
    var interval = StepInterval()
    interval.add(outcome(step: 1, milliseconds: 40))
    interval.add(outcome(step: 2, milliseconds: 60))
    let record = TrainRecord(
      step: 2, epoch: 0, tokens: 200, loss: 2, learningRate: 0.1, gradientNorm: 1,
      interval: interval, fingerprint: "f")
    #expect(
      record.json.line
        == #"{"kind":"train","step":2,"epoch":0,"tokens":200,"loss":2.0,"learning_rate":0.1,"#
        + #""gradient_norm":1.0,"tokens_per_second":2000.0,"step_seconds":0.05,"#
        + #""exchange_seconds":0.002,"#
        + #""hidden_exchange_seconds":0.005,"exchange_bytes":1500,"#
        + #""data_seconds":0.001,"fingerprint":"f"}"#)
  }

  @Test func validationRecordsHaveTheAgreedFields() {
    let score = Evaluator.Score(loss: 2, tokens: 10, bytes: 20)
    let json = score.json(step: 7)
    #expect(json["kind"] == "valid")
    #expect(json["step"] == 7)
    #expect(json["loss"] == .number(2))
    #expect(abs((json["perplexity"]?.doubleValue ?? 0) - exp(2.0)) < 1e-14)
    // 2 nats a token, half a token a byte, 1 / ln 2 bits a nat.
    #expect(abs((json["bits_per_byte"]?.doubleValue ?? 0) - 1 / log(2.0)) < 1e-14)
    #expect(Evaluator.Score(loss: 1e4, tokens: 1, bytes: 1).perplexity == .infinity)
  }

  @Test func resumingCutsLaterAndUnfinishedRecords() throws {
    let path = temporaryPath()
    defer { try? FileManager.default.removeItem(atPath: path) }
    do {
      let log = try MetricsLog(path: path)
      for step in 1...5 { try log.append(["kind": "train", "step": .integer(step)]) }
      try log.append(["kind": "valid", "step": 3])
      try log.synchronize()
    }
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(#"{"kind":"train","st"#.utf8))
    try handle.close()
    try MetricsLog.truncate(path: path, afterStep: 3)
    let steps = try String(contentsOfFile: path, encoding: .utf8)
      .split(separator: "\n").map { try OrderedJSON(parsing: String($0))["step"]?.integerValue }
    #expect(steps == [1, 2, 3, 3])
    try MetricsLog.truncate(path: path, afterStep: 0)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "")
    try MetricsLog.truncate(path: path + "-absent", afterStep: 0)
  }

  @Test func aFileThatCannotBeWrittenIsAnError() {
    let error = #expect(throws: MetricsError.self) { try MetricsLog(path: "/nowhere/m.jsonl") }
    #expect(error?.description.contains("/nowhere/m.jsonl: cannot open") == true)
    #if os(Linux)
      let full = #expect(throws: MetricsError.self) {
        try MetricsLog(path: "/dev/full").append(["step": 1])
      }
      #expect(full?.description.contains("free some space") == true)
    #endif
  }

  @Test func numbersReadWell() {
    #expect(Format.grouped(1_234_567) == "1,234,567")
    #expect(Format.grouped(-12) == "-12")
    #expect(Format.grouped(1000) == "1,000")
    #expect(Format.bytes(1536) == "1.5 KiB")
    #expect(Format.time(3723) == "1:02:03")
    #expect(Format.time(59.7) == "1:00")
    #expect(Format.count(1, "rank") == "1 rank")
    #expect(Format.fixed(1e30, 2) == "1e+30")
  }
}
