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

  /// A task's figures and the naive models beside them are gauges of their own.
  @Test func figuresOfTasksAreGauges() throws {
    let folder = try RunsFolder(metrics: [
      #"{"kind":"valid","step":10,"loss":3.25,"macro_f1":0.7,"macro_f1_of_largest_class":0.2}"#,
      #"{"kind":"valid","step":20,"loss":2.75,"macro_f1":0.8,"macro_f1_of_largest_class":0.2}"#,
    ])
    let server = try folder.server()
    let text = try server.get("/metrics").text
    #expect(text.contains("\ngru_dist_validation_macro_f1{run=\"first\"} 0.8\n"))
    #expect(text.contains("# HELP gru_dist_validation_macro_f1_of_largest_class Last validation, "))
    let lines = text.split(separator: "\n")
    #expect(lines.filter { $0.hasPrefix("gru_dist_validation_loss{") }.count == 1)
    let run = try server.json("/api/run", query: ["name": "first"])["summary"]
    #expect(run?["validation"]?.line.contains("\"macro_f1\":0.8") == true)
    let odd = PrometheusText.text([["name": "a", "validation": ["B c": 1, "d_2": 2]]])
    #expect(odd.contains("gru_dist_validation_d_2{run=\"a\"} 2.0"))
    #expect(!odd.contains("B c"))
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

  /// Whatever an alert needs: what a run is, whose, how old its checkpoint is, how good it is.
  @Test func alertsCanBeWritten() throws {
    let folder = try RunsFolder()
    try folder.write("first/heartbeat.json", #"{"exit_status":1,"host":"node-7"}"#)
    try folder.write(
      "first/daemon.json", #"{"state":"gave_up","attempts":3,"failures":2,"updated":1}"#)
    let text = try folder.server().get("/metrics").text
    let lines = Set(text.split(separator: "\n").map(String.init))
    for line in [
      #"gru_dist_status{run="first",status="failed"} 1.0"#,
      #"gru_dist_status{run="first",status="running"} 0.0"#,
      #"gru_dist_daemon_state{run="first",state="gave_up"} 1.0"#,
      #"gru_dist_daemon_state{run="first",state="silent"} 0.0"#,
      #"gru_dist_restarts{run="first"} 2.0"#,
      #"gru_dist_failures_without_progress{run="first"} 2.0"#,
      #"gru_dist_checkpoint_step{run="first"} 20.0"#,
      #"gru_dist_best_value{run="first",measure="loss",direction="lower"} 2.75"#,
      #"gru_dist_best_step{run="first",measure="loss",direction="lower"} 20.0"#,
    ] { #expect(lines.contains(line), "\(line) in \(text)") }
    #expect(text.contains(#"gru_dist_checkpoint_timestamp_seconds{run="first"} "#))
    let place = try #require(lines.first { $0.hasPrefix("gru_dist_run_place{") })
    #expect(place.contains(#"host="node-7",path="\#(folder.path)/first""#), "\(place)")
    #expect(place.contains("owner=\""))
    // Each metric's lines stand together, below its type.
    let types = text.split(separator: "\n").filter { $0.hasPrefix("# TYPE") }
    #expect(Set(types).count == types.count)
    let plain = try RunsFolder().server().get("/metrics").text
    #expect(!plain.contains("daemon_state") && !plain.contains("restarts"))
  }
}
