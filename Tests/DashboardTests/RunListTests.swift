import Foundation
import Records
import Testing

@testable import Dashboard

/// What the list of runs tells beside curves: changes alone, daemons, checkpoints and damage.
@Suite struct RunListTests {
  private func names(_ answer: OrderedJSON) -> [String?] {
    guard case .array(let runs)? = answer["runs"] else { return [] }
    return runs.map { $0["name"]?.stringValue }
  }

  private func summary(_ folder: RunsFolder) throws -> OrderedJSON {
    try #require(try folder.server().json("/api/run", query: ["name": "first"])["summary"])
  }

  @Test func onlyRunsThatHaveChangedAreTold() throws {
    let folder = try RunsFolder()
    try folder.write("second/metrics.jsonl", RunsFolder.metrics[0] + "\n")
    let server = try folder.server()
    func ask(_ mark: OrderedJSON?) throws -> OrderedJSON {
      try server.json("/api/runs", query: mark?.stringValue.map { ["since": $0] } ?? [:])
    }
    let first = try ask(nil)
    #expect(names(first) == ["first", "second"])
    #expect(first["names"]?.line == #"["first","second"]"#)
    #expect(first["is_whole"] == true)
    #expect(first["directory"]?.stringValue?.hasPrefix("/") == true)
    guard case .array(let runs)? = first["runs"] else { return }
    #expect(runs[0]["config"]?["run"]?["steps"] == 40)
    let second = try ask(first["mark"])
    #expect(names(second) == [])
    #expect(second["names"] == nil)
    #expect(second["is_whole"] == false)
    // A new line, and a new config, are told of that run alone.
    try folder.append(#"{"kind":"train","step":30,"loss":1}"# + "\n")
    let third = try ask(second["mark"])
    #expect(names(third) == ["first"])
    guard case .array(let changed)? = third["runs"] else { return }
    #expect(changed[0]["step"] == 30)
    #expect(changed[0]["config"] == nil)
    try folder.write("second/config.json", #"{"run":{"steps":7}}"#)
    let fourth = try ask(third["mark"])
    #expect(names(fourth) == ["second"])
    // Whoever was away for longer gets all of it, and so does who has a mark of another server.
    #expect(names(try ask(first["mark"])) == ["first", "second"])
    for mark in ["", "x", "1.2", "1", "1.2.3"] {
      let answer = try ask(.string(mark))
      #expect(names(answer) == ["first", "second"], "\(mark)")
      #expect(answer["is_whole"] == true)
    }
    try FileManager.default.removeItem(atPath: "\(folder.path)/second")
    let last = try ask(fourth["mark"])
    #expect(last["names"]?.line == #"["first"]"#)
    #expect(names(last) == [])
  }

  @Test func daemonsAndCheckpointsAreTold() throws {
    let folder = try RunsFolder()
    let now = Int(Date().timeIntervalSince1970)
    for (state, age, isSilent) in [
      ("running", 1, false), ("running", 100, true), ("waiting", 100, false),
      ("gave_up", 100, false),
    ] {
      try folder.write(
        "first/daemon.json",
        #"{"state":"\#(state)","attempts":4,"failures":2,"updated":\#(now - age)}"#)
      let run = try summary(folder)
      #expect(run["daemon"] == .string(state))
      #expect(run["daemon_is_silent"] == .bool(isSilent), "\(state)")
      #expect(run["restarts"] == 3)
      #expect(run["daemon_failures"] == 2)
    }
    let run = try summary(folder)
    #expect(run["checkpoint_step"] == 20)
    #expect(run["checkpoints"] == 1)
    let time = try #require(run["checkpoint_time"]?.doubleValue)
    #expect(abs(time - Double(now)) < 60)
    #expect(run["owner"]?.stringValue?.isEmpty == false)
    let detail = try folder.server().json("/api/run", query: ["name": "first"])
    #expect(detail["daemon"]?["attempts"] == 4)
  }

  /// A run that its daemon gave up before its first record is there to be seen.
  @Test func runsWithoutMetricsAreListed() throws {
    let folder = try RunsFolder()
    try folder.write("refused/daemon.json", #"{"state":"bad_config","attempts":1}"#)
    try folder.write("begun/heartbeat.json", #"{"exit_status":null,"time":1,"ranks":2}"#)
    #expect(try folder.server().json("/api/runs")["names"]?.line == #"["begun","first","refused"]"#)
  }

  @Test func damagedFilesAreNamed() throws {
    let folder = try RunsFolder()
    #expect(try summary(folder)["problems"]?.line == "[]")
    try folder.write("first/config.json", #"{"run":"#)
    try folder.write("first/validation.json", String(repeating: " ", count: 1 << 21))
    let problems = try #require(try summary(folder)["problems"]?.line)
    #expect(problems.contains("config.json is damaged: it is no JSON"), "\(problems)")
    #expect(problems.contains("validation.json has 2.0 MiB and is not shown"), "\(problems)")
  }

  @Test func bestIsThatOfTheMeasure() throws {
    let folder = try RunsFolder(metrics: [
      #"{"kind":"valid","step":10,"loss":3.25,"accuracy":0.9}"#,
      #"{"kind":"valid","step":20,"loss":2.75,"accuracy":0.8}"#,
    ])
    #expect(
      try summary(folder)["best"]?.line
        == #"{"measure":"loss","value":2.75,"step":20,"direction":"lower"}"#)
    try folder.write("first/config.json", #"{"run":{"best_by":"accuracy"}}"#)
    #expect(
      try summary(folder)["best"]?.line
        == #"{"measure":"accuracy","value":0.9,"step":10,"direction":"higher"}"#)
  }

  /// Programs before the heartbeat told of the task left it in the config, or knew no other.
  @Test func tasksOfEarlierProgramsComeFromTheConfig() throws {
    let folder = try RunsFolder()
    #expect(try summary(folder)["task"]?["loss_unit"] == "nats per token")
    try folder.write(
      "first/config.json", #"{"task":"forecasting","output":{"loss":"absolute"}}"#)
    #expect(try summary(folder)["task"]?["loss_unit"] == "mean absolute error")
    try folder.write("first/config.json", #"{"task":"another"}"#)
    #expect(try summary(folder)["task"] == .null)
  }

  @Test func filesThatHaveNotChangedAreReadOnce() throws {
    let folder = try RunsFolder()
    let files = SmallFiles()
    let path = "\(folder.path)/first/config.json"
    let first = files.read(path)
    #expect(first.value?["run"]?["steps"] == 40)
    #expect(files.read(path).version == first.version)
    try folder.write("first/config.json", #"{"run":{"steps":41}}"#)
    #expect(files.read(path).value?["run"]?["steps"] == 41)
    try folder.write("first/config.json", "{")
    #expect(files.read(path).isDamaged)
    try FileManager.default.removeItem(atPath: path)
    #expect(files.read(path).version == nil)
    #expect(!files.read(path).isDamaged)
  }
}
