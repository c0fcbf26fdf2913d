import Records
import Testing

@testable import Dashboard

@Suite struct PrometheusTests {
  @Test func figuresOfRuns() throws {
    let folder = try RunsFolder()
    let metrics = try folder.server().get("/metrics").text
    #expect(metrics.contains("# TYPE gru_dist_step gauge\ngru_dist_step{run=\"first\"} 20.0\n"))
    #expect(metrics.contains("gru_dist_running{run=\"first\"} 0.0\n"))
    #expect(metrics.contains("gru_dist_damaged_lines{run=\"first\"} 0.0\n"))
    let odd = PrometheusText.text([["name": "a\"b\\c\n", "status": "running", "step": 1]])
    #expect(odd.contains(#"gru_dist_step{run="a\"b\\c\n"} 1.0"#))
  }

  /// Only a loss in nats is called so; page and text take the units of the heartbeat's task.
  @Test func unitsAreThoseOfTheTask() throws {
    for (unit, lossUnit, isInNats) in [
      ("tokens", "nats per token", true), ("sequences", "nats per sequence", true),
      ("steps", "mean squared error", false),
    ] {
      let folder = try RunsFolder()
      try folder.write(
        "first/heartbeat.json",
        #"{"exit_status":0,"task":{"name":"a \"task\"","unit":"\#(unit)","#
          + #""loss_unit":"\#(lossUnit)","metrics":[]}}"#)
      let server = try folder.server()
      let text = try server.get("/metrics").text
      let labels = #"run="first",task="a \"task\"",unit="\#(unit)",loss_unit="\#(lossUnit)""#
      #expect(text.contains("\ngru_dist_run_info{\(labels)} 1.0\n"), "\(text)")
      #expect(text.contains("\ngru_dist_loss{run=\"first\"} 3.0\n"))
      #expect(text.contains("\ngru_dist_best_validation_loss{run=\"first\"} 2.75\n"))
      for name in ["loss_nats", "validation_loss_nats", "best_validation_loss_nats"] {
        #expect(text.contains("\ngru_dist_\(name){") == isInNats, "\(name) in \(lossUnit)")
      }
      #expect(!text.contains("nats per token.") && !text.contains("Tokens"))
      let task = try server.json("/api/run", query: ["name": "first"])["summary"]?["task"]
      #expect(task?["unit"] == .string(unit))
      #expect(task?["loss_unit"] == .string(lossUnit))
    }
  }
}
