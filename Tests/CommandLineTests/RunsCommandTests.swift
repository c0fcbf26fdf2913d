import Foundation
import Records
import Testing

/// What is told of runs, and of what differs between them.
@Suite(.serialized) struct RunsCommandTests {
  private func list(_ place: Workplace, _ directory: String) throws -> [String: OrderedJSON] {
    let job = try place.run("runs", directory, "--json")
    #expect(job.status == 0, "\(job)")
    var runs: [String: OrderedJSON] = [:]
    for line in job.lines {
      let record = try OrderedJSON(parsing: line)
      runs[record["name"]?.stringValue ?? record["kind"]?.stringValue ?? ""] = record
    }
    return runs
  }

  @Test func runsAreListedWithHowTheyEnded() throws {
    let place = try Workplace()
    let train = { (arguments: [String]) in
      try Program(["config.json"] + arguments, in: place.folder)
    }
    #expect(try train(["--run-directory", "all/deep/er/done"]).status == 0)
    #expect(try train(["--run-directory", "all/stopped", "--stop-after", "7"]).status == 75)
    #expect(try train(["--run-directory", "all/pruned"]).status == 0)
    #expect(try place.run("prune", "all/pruned").status == 0)
    let failed = try train([
      "--run-directory", "all/failed", "--set", "optimizer.learning_rate=1e38", "--set",
      "optimizer.name=sgd", "--set", "optimizer.clip_norm=0",
    ])
    #expect(failed.status == 1, "\(failed)")
    let killed = try Program(
      ["config.json", "--run-directory", "all/killed", "--steps", "1000000"], in: place.folder
    ) { process in
      guard place.exists("all/killed/checkpoints/step-00000005") else { return false }
      let now = try? list(place, "all/killed")
      #expect(now?["."]?["state"] == "running")
      kill(process.processIdentifier, SIGKILL)
      return true
    }
    #expect(killed.status != 0)
    let runs = try list(place, "all")
    for name in ["stopped", "pruned", "failed", "killed"] {
      #expect(runs[name]?["state"]?.stringValue == name)
    }
    let done = try #require(runs["deep/er/done"])
    #expect(done["state"] == "done")
    #expect(done["step"] == 12 && done["steps"] == 12)
    #expect(done["unit"] == "nats per token" && done["best_by"] == "loss")
    let best = try place.records("all/deep/er/done").last { $0["event"] == "done" }
    #expect(done["best_value"] == best?["best_value"] && done["best_step"] == best?["best_step"])
    #expect(done["problems"] == .array([]))
    #expect((done["bytes"]?.integerValue ?? 0) > 10_000)
    let text = try place.run("runs", "all")
    #expect(text.lines.count == 6 && text.lines[0].hasPrefix("run "), "\(text)")
    #expect(text.output.contains("nats per token"), "\(text)")
  }

  @Test func damageAndStrangersAreTold() throws {
    let place = try Workplace()
    #expect(try place.run("config.json", "--run-directory", "all/a").status == 0)
    let files = FileManager.default
    for copy in ["config", "manifest", "cut", "heartbeat", "state", "bare"] {
      try files.copyItem(atPath: place.path("all/a"), toPath: place.path("all/\(copy)"))
    }
    let newest = "checkpoints/step-00000012"
    try place.write("all/config/config.json", "{\"task\": 7}")
    try files.removeItem(atPath: place.path("all/manifest/\(newest)/manifest.json"))
    try place.write("all/cut/\(newest)/model.safetensors", "short")
    try place.write("all/heartbeat/heartbeat.json", "[1, 2")
    let state = try String(
      contentsOfFile: place.path("all/state/\(newest)/state.json"), encoding: .utf8)
    try place.write("all/state/\(newest)/state.json", String(state.map { $0 == "1" ? "2" : $0 }))
    for name in ["config.json", "metrics.jsonl", "heartbeat.json", "run.lock"] {
      try? files.removeItem(atPath: place.path("all/bare/\(name)"))
    }
    try files.createDirectory(
      atPath: place.path("all/data/deep"), withIntermediateDirectories: true)
    try place.write("all/data/deep/rows.csv", "1,2")
    try place.write("all/notes.txt", "none")
    // A circle, and a link that leads to nothing.
    try files.createSymbolicLink(atPath: place.path("all/data/loop"), withDestinationPath: "..")
    try files.createSymbolicLink(atPath: place.path("all/gone"), withDestinationPath: "nowhere")
    let runs = try list(place, "all")
    for (name, words) in [
      ("config", "config.json"), ("manifest", "step 12: no checkpoint at"), ("cut", "5 bytes"),
      ("heartbeat", "heartbeat.json is damaged"), ("state", "SHA-256"),
    ] {
      let problems = runs[name]?["problems"]?.line ?? "none"
      #expect(problems.contains(words), "\(name): \(problems)")
    }
    #expect(runs["manifest"]?["step"] == 12)
    #expect(runs["bare"]?["state"] == "unknown")
    #expect(runs["other"]?["without_runs"] == .array(["data"]))
    #expect(runs.count == 8)
    let text = try place.run("runs", "all")
    #expect(text.output.contains("damaged      cut: step 12: "), "\(text)")
    #expect(text.output.contains("no run in    data"), "\(text)")
    #expect(try place.run("runs", "all/data/deep").output == "no run at or below all/data/deep\n")
    #expect(try place.run("runs", "text.txt").status == 2)
    #expect(try place.run("runs").status == 2)
  }

  /// Files of models keep their size: a header is looked at in any case, numbers where that is
  /// asked for.
  @Test func damageInModelsIsTold() throws {
    let place = try Workplace()
    #expect(try place.run("config.json", "--run-directory", "all/header").status == 0)
    try FileManager.default.copyItem(
      atPath: place.path("all/header"), toPath: place.path("all/numbers"))
    for (name, distance) in [("header", 20), ("numbers", -100)] {
      let file = place.folder.appendingPathComponent(
        "all/\(name)/checkpoints/step-00000012/model.safetensors")
      var bytes = try Data(contentsOf: file)
      let index = distance < 0 ? bytes.count + distance : distance
      bytes[index] ^= 0x55
      try bytes.write(to: file)
    }
    let runs = try list(place, "all")
    #expect(runs["header"]?["problems"]?.line.contains("model.safetensors") == true)
    #expect(runs["numbers"]?["problems"] == .array([]))
    // The last whole one is told instead.
    #expect(runs["header"]?["state"] == "done")
    let verified = try place.run("runs", "all", "--verify")
    #expect(verified.output.contains("damaged      header: step 12: "), "\(verified)")
    #expect(verified.output.contains("damaged      numbers: step 12: "), "\(verified)")
    #expect(verified.output.contains("SHA-256 is"), "\(verified)")
  }

  @Test func comparisonShowsWhatDiffers() throws {
    let place = try Workplace()
    #expect(try place.run("config.json", "--run-directory", "a").status == 0)
    #expect(
      try place.run(
        "config.json", "--run-directory", "b", "--set", "optimizer.learning_rate=0.01", "--set",
        "data.tokenizer=char", "--set", "data.valid_fraction=0.2"
      ).status == 0)
    func keys(_ a: String, _ b: String) throws -> Set<String> {
      let job = try place.run("compare", a, b, "--json")
      #expect(job.status == 0, "\(job)")
      guard case .array(let items)? = try OrderedJSON(parsing: job.lines[0])["differences"] else {
        return ["none"]
      }
      return Set(items.compactMap { $0["key"]?.stringValue })
    }
    #expect(try keys("a", "a").isEmpty)
    #expect(try keys("a", "a/checkpoints/step-00000012").isEmpty)
    let found = try keys("a", "b")
    #expect(
      found.isSuperset(of: [
        "optimizer.learning_rate", "data.tokenizer", "data.valid_fraction", "vocabulary, kind",
        "vocabulary, tokens", "best loss", "parameters, fingerprint",
      ]), "\(found)")
    for equal in ["run.steps", "run.directory", "data.train, content"] {
      #expect(!found.contains(equal))
    }
    // Of a config and a run the configs, where a run has the contract that one would begin with.
    #expect(try keys("config.json", "a").isEmpty)
    #expect(try place.run("compare", "config.json", "a", "--exit-code").status == 0)
    let text = try place.run("compare", "a", "b")
    #expect(text.output.contains(/0\.002 \(default\) +0\.01/), "\(text)")
    #expect(text.output.contains("has the tokenizer \"byte\" of 256 tokens"), "\(text)")
    #expect(try place.run("compare", "a", "b", "--exit-code").status == 3)
    #expect(try place.run("compare", "a", "a", "--exit-code", ranks: 2).status == 0)
    #expect(try place.run("compare", "a", "a").output.contains("nothing differs"))
    for stranger in ["nowhere", "text.txt", "."] {
      #expect(try place.run("compare", "a", stranger).status == 2)
    }
  }
}
